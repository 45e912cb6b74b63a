//! The cluster that `hack/cluster.sh` made. A test that may break it, or wants it for itself, has it alone; those that keep to NetReaches of
//! their own share it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::Instant;

use netreach_tests::{Finished, Kubectl, Program, root};
use serde_json::{Value, json};

static TURN: RwLock<()> = RwLock::new(());

/// The cluster, as long as this is held.
pub(crate) struct Cluster {
    pub(crate) kubectl: Kubectl,
    since: Instant,
    _turn: Turn,
}

/// Says what takes the time of all these tests.
impl Drop for Cluster {
    fn drop(&mut self) {
        let held_s = self.since.elapsed().as_secs();
        println!("e2e: {} had the cluster for {held_s} s", thread::current().name().unwrap_or("a test"));
    }
}

/// How a test has the cluster, as long as this is held.
#[allow(dead_code, reason = "held, never looked at")]
enum Turn {
    Alone(RwLockWriteGuard<'static, ()>),
    Shared(RwLockReadGuard<'static, ()>),
}

impl Cluster {
    pub(crate) fn take() -> Self {
        Self::on(Turn::Alone(TURN.write().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The cluster with NetReach in it and agents at the desk, together with others.
    pub(crate) fn shared() -> Self {
        loop {
            let cluster = Self::on(Turn::Shared(TURN.read().unwrap_or_else(PoisonError::into_inner)));
            if cluster.has_agents("10s") {
                return cluster;
            }
            // Another test has removed or replaced them: whoever has the cluster alone can mend that.
            drop(cluster);
            drop(Self::with_agents());
        }
    }

    fn on(turn: Turn) -> Self {
        let kubeconfig = std::env::var_os("KUBECONFIG").expect("hack/e2e.sh says where the cluster is");
        Self { kubectl: Kubectl::of(PathBuf::from(kubeconfig)), since: Instant::now(), _turn: turn }
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
        cluster.await_reports();
        // What a test has left that did not come to its end.
        cluster.kubectl.ok("delete netreach --all");
        cluster
    }

    /// Waits until reports can be read: an API server asks a Service that was away again after a while, and so do those who ask it.
    pub(crate) fn await_reports(&self) {
        let wait = "wait apiservice v1beta1.system.kdoctor.io --for=condition=Available --timeout=120s";
        if self.kubectl.run(wait).code != 0 {
            let of_manager = "-n netreach-system -l app.kubernetes.io/component=manager";
            let asked = [
                "get apiservice v1beta1.system.kdoctor.io -o yaml".to_owned(),
                format!("get pods -o wide {of_manager}"),
                "get endpointslices -o wide -n netreach-system".to_owned(),
                format!("logs --tail=30 {of_manager}"),
            ];
            let told = asked.map(|asked| self.kubectl.run(&asked).out).join("\n");
            panic!("the aggregated API is not available:\n{told}");
        }
        self.kubectl.await_ok("get kdoctorreports");
    }

    /// The cluster with NetReach in it, and everybody's agents at the desk: those that are as new as its CA believe it only once a
    /// volume shows them that CA.
    pub(crate) fn with_agents() -> Self {
        let cluster = Self::with_net_reach();
        assert!(cluster.has_agents("180s"), "{}", cluster.kubectl.ok("-n netreach-system get pods -o wide"));
        cluster
    }

    /// Whether everybody's agents are at the desk, or come within that time.
    fn has_agents(&self, within: &str) -> bool {
        static LOOKS: AtomicU32 = AtomicU32::new(0);
        let name = format!("await-{}", LOOKS.fetch_add(1, Ordering::Relaxed));
        let is_there = self.kubectl.run("get kdoctorreports").code == 0
            && self.kubectl.apply(&object(&name, &json!({"suspend": true}))).code == 0
            && self.kubectl.run(&format!("wait --for=condition=Ready nr/{name} --timeout={within}")).code
                == 0;
        // Where nothing is installed there is nothing to delete either.
        let _ = self.kubectl.run(&format!("delete nr {name}"));
        is_there
    }
}

/// Runs a script of `hack/`.
pub(crate) fn script(name: &str, args: &str) -> Finished {
    Program::at(root().join("hack").join(name)).args(args).run()
}

/// What a shell script says on a node.
pub(crate) fn on_node(node: &str, script: &str) -> String {
    let said = Program::at("docker").args(&format!("exec {node} sh -c")).arg(script).run();
    assert_eq!(said.code, 0, "{}", said.err);
    said.out
}

/// A manifest.
pub(crate) fn object(name: &str, spec: &Value) -> String {
    let metadata = json!({"name": name});
    json!({"apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach", "metadata": metadata, "spec": spec})
        .to_string()
}
