//! The cluster that `hack/cluster.sh` made, one test at a time: each may break it, and mends it again.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use netreach_tests::{Finished, Kubectl, Program, root};
use serde_json::{Value, json};

static TURN: Mutex<()> = Mutex::new(());

/// The cluster, as long as this is held.
pub(crate) struct Cluster {
    pub(crate) kubectl: Kubectl,
    _turn: MutexGuard<'static, ()>,
}

impl Cluster {
    pub(crate) fn take() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let kubeconfig = std::env::var_os("KUBECONFIG").expect("hack/e2e.sh says where the cluster is");
        Self { kubectl: Kubectl::of(PathBuf::from(kubeconfig)), _turn: turn }
    }

    /// The cluster with NetReach in it.
    pub(crate) fn with_net_reach() -> Self {
        let cluster = Self::take();
        cluster.kubectl.ok("apply -k config/e2e");
        for kind in ["deployment", "daemonset"] {
            cluster.kubectl.ok(&format!("-n netreach-system rollout status {kind} --timeout=120s"));
        }
        // An API server learns of a new configuration and of its CA as everybody does: from a watch.
        cluster.kubectl.await_answer("--dry-run=server -o json", &object("await", &json!({})), |answer| {
            answer.code == 0 && answer.json()["spec"]["schedule"]["schedule"] == "0 60"
        });
        // What a test has left that did not come to its end.
        cluster.kubectl.ok("delete netreach --all");
        cluster
    }

    /// The cluster with NetReach in it, and everybody's agents at the desk: those that are as new as its CA believe it only once a
    /// volume shows them that CA.
    pub(crate) fn with_agents() -> Self {
        let cluster = Self::with_net_reach();
        let awaiting = cluster.kubectl.apply(&object("await", &json!({"suspend": true})));
        assert_eq!(awaiting.code, 0, "{}", awaiting.err);
        cluster.kubectl.ok("wait --for=condition=Ready nr/await --timeout=180s");
        cluster.kubectl.ok("delete nr await");
        cluster
    }
}

/// Runs a script of `hack/`.
pub(crate) fn script(name: &str, args: &str) -> Finished {
    Program::at(root().join("hack").join(name)).args(args).run()
}

/// A manifest.
pub(crate) fn object(name: &str, spec: &Value) -> String {
    let metadata = json!({"name": name});
    json!({"apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach", "metadata": metadata, "spec": spec})
        .to_string()
}
