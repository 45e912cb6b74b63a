//! What clients hold that follow all reports: client-go's informer in a process of its own, and kube's reflector.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use netreach_tests::{Finished, Program, Running, not_run, root};
use serde_json::Value;

/// What a follower holds in the end, and how it came to that.
#[derive(Debug)]
pub(crate) struct Held {
    /// Whole reports, by their names.
    pub(crate) reports: BTreeMap<String, Value>,
    /// The names of all it ever held.
    pub(crate) seen: BTreeSet<String>,
    /// How often it took in everything anew, the first time included.
    pub(crate) begun: u64,
}

/// Reports by their names.
pub(crate) fn by_name(reports: &[Value]) -> BTreeMap<String, Value> {
    let named = |report: &Value| (report["metadata"]["name"].as_str().unwrap().to_owned(), report.clone());
    reports.iter().map(named).collect()
}

/// The program of `tests/informer`; none, with the reason told, where it cannot be built.
pub(crate) fn informer() -> Option<Program> {
    let Finished { code, out, err, .. } = Program::at(root().join("hack/build.sh")).args("informer").run();
    if code == 0 {
        return Some(Program::at(out.trim()).listening());
    }
    not_run(&format!("client-go's informer cannot be built: {err}"));
    None
}

/// One that follows; killed when dropped.
pub(crate) struct Informer(Running);

impl Informer {
    /// Starts it, and waits until it knows all that there is: it has learnt that from one streamed list.
    pub(crate) fn start(program: Program, kubeconfig: &Path) -> Self {
        let mut running = program.env("KUBECONFIG", kubeconfig).start();
        running.hear("synced by {Streamed:1 Listed:0 ");
        Self(running)
    }

    /// Ends it once it holds this report in this version or a newer one.
    pub(crate) fn end(mut self, name: &str, version: u64) -> Held {
        self.0.tell(&format!("{name} {version}"));
        let finished = self.0.finish();
        assert_eq!(finished.code, 0, "{}", finished.err);
        let found = finished.json();
        let asked = &found["requests"];
        println!("reports: the informer's requests: {asked}");
        let count = |kind: &str| asked[kind].as_u64().unwrap();
        Held {
            reports: by_name(found["reports"].as_array().unwrap()),
            seen: serde_json::from_value(found["seen"].clone()).unwrap(),
            begun: count("streamed") + count("listed"),
        }
    }
}
