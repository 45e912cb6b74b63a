//! A real etcd and kube-apiserver on loopback.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Deserializer, Value, json};

use crate::{Kubectl, Program, root};

/// A control plane of a test's own; ended with the test's process, or when dropped.
#[derive(Debug)]
pub struct ControlPlane {
    dir: PathBuf,
}

/// The one that the tests of a binary share: each test keeps to objects of its own.
static SHARED: LazyLock<ControlPlane> = LazyLock::new(ControlPlane::start);

impl ControlPlane {
    /// Starts one; any number run side by side.
    ///
    /// # Panics
    /// When it does not become ready, with what the script said.
    #[must_use]
    pub fn start() -> Self {
        let pid = std::process::id().to_string();
        let said = script().args(["up", "--until-exit-of", &pid]).output().expect("the script can be run");
        let out = String::from_utf8_lossy(&said.stdout);
        let dir = out.split_whitespace().find_map(|word| word.strip_prefix("NETREACH_CONTROL_PLANE="));
        match dir {
            Some(dir) => Self { dir: PathBuf::from(dir) },
            None => panic!("no control plane: {}", String::from_utf8_lossy(&said.stderr)),
        }
    }

    /// The one that all tests of this process share.
    #[must_use]
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// kubectl with every right.
    #[must_use]
    pub fn admin(&self) -> Kubectl {
        self.kubectl(self.admin_kubeconfig())
    }

    /// The credentials with every right.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.dir.join("admin.kubeconfig")
    }

    /// kubectl as a user with no rights but those that roles give to the name or one of the groups.
    #[must_use]
    pub fn user(&self, name: &str, groups: &[&str]) -> Kubectl {
        self.kubectl(self.user_kubeconfig(name, groups))
    }

    /// The credentials of such a user.
    #[must_use]
    pub fn user_kubeconfig(&self, name: &str, groups: &[&str]) -> PathBuf {
        PathBuf::from(self.ask(["user", name].iter().chain(groups)))
    }

    /// A token such as an agent's pod gets: of this service account, for the desk alone.
    #[must_use]
    pub fn agent_token(&self, namespace: &str, account: &str, pod: Option<&str>) -> String {
        self.ask(["agent", namespace, account].iter().chain(&pod))
    }

    /// The same for each of these pods, by one process: a kubectl for each of a thousand would take minutes.
    ///
    /// # Panics
    /// When one is refused.
    #[must_use]
    pub fn agent_tokens(&self, namespace: &str, account: &str, pods: &[&str]) -> Vec<String> {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let request = |pod: &&str| {
            let bound = json!({"apiVersion": "v1", "kind": "Pod", "name": pod});
            let asked = json!({"spec": {"audiences": ["netreach"], "boundObjectRef": bound}}).to_string();
            format!("json = {asked:?}")
        };
        let said = self.call(&path, pods.iter().map(request));
        let answers = Deserializer::from_str(&said).into_iter::<Value>();
        let token = |answer: Value| answer["status"]["token"].as_str().expect("it is one").to_owned();
        answers.map(|answer| token(answer.expect("it is JSON"))).collect()
    }

    /// How long the API server takes to answer so many GETs of a path, in this form, over one connection, each to its last byte,
    /// and how many bytes that is: what any client waits for, without what it takes itself to begin and to print.
    ///
    /// # Panics
    /// When one is refused.
    #[must_use]
    pub fn answers(&self, path: &str, accept: &str, times: usize) -> Vec<(Duration, usize)> {
        let request = format!(
            "header = \"Accept: {accept}\"\noutput = /dev/null\nwrite-out = \"%{{time_total}} %{{size_download}}\\n\""
        );
        let said = self.call(path, vec![request; times]);
        let answer = |line: &str| {
            let (seconds, bytes) = line.split_once(' ').expect("it says both");
            let took = Duration::from_secs_f64(seconds.parse().expect("they are a number"));
            (took, bytes.parse().expect("they are a number"))
        };
        said.lines().map(answer).collect()
    }

    /// What curl says of requests to a path as the administrator, each with these lines of curl's configuration.
    fn call(&self, path: &str, requests: impl IntoIterator<Item = String>) -> String {
        let (dir, server) = (self.dir.display(), self.address());
        let request = |lines| {
            format!(
                "url = https://{server}{path}\n{lines}\ncacert = {dir}/ca.crt\ncert = {dir}/admin.crt\nkey = {dir}/admin.key\nfail\nsilent\nshow-error\n"
            )
        };
        let requests: Vec<_> = requests.into_iter().map(request).collect();
        let said = Program::at("curl").args("--config -").input(requests.join("next\n")).run();
        assert_eq!(said.code, 0, "{path}: {}", said.err);
        said.out
    }

    /// Where its certificates and logs are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the API server listens.
    ///
    /// # Panics
    /// When it was ended.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let url = fs::read_to_string(self.dir.join("server")).expect("it runs");
        let address = url.trim().strip_prefix("https://").expect("it speaks TLS");
        address.parse().expect("it is called by its address")
    }

    /// All lines that the API server has logged; one that is being written is not among them yet.
    ///
    /// # Panics
    /// When it was ended.
    #[must_use]
    pub fn log(&self) -> String {
        let mut log = fs::read(self.dir.join("kube-apiserver.log")).expect("it runs");
        log.truncate(log.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        String::from_utf8(log).expect("it logs text")
    }

    fn kubectl(&self, kubeconfig: PathBuf) -> Kubectl {
        // What one kubectl has looked up is not to be another's truth ten minutes later.
        static CACHES: AtomicU32 = AtomicU32::new(0);
        let cache = self.dir.join(format!("cache-{}", CACHES.fetch_add(1, Ordering::Relaxed)));
        Kubectl::at(self.dir.join("bin/kubectl"), kubeconfig, cache)
    }

    fn ask<'a>(&self, words: impl Iterator<Item = &'a &'a str>) -> String {
        let mut script = script();
        let said = script.args(words).env("NETREACH_CONTROL_PLANE", &self.dir).output();
        let said = said.expect("the script can be run");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        let _ = script().arg("down").env("NETREACH_CONTROL_PLANE", &self.dir).status();
    }
}

fn script() -> Command {
    Command::new(root().join("hack/control-plane.sh"))
}
