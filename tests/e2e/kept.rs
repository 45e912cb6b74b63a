//! What is kept outlives who keeps it: a manager's pod with a volume, and either of two managers with a bucket.

use std::time::{Duration, Instant};

use netreach_tests::{Kubectl, Program, root};
use serde_json::json;

use super::around::{begin_as, end, on, round};
use super::cluster::{Cluster, script};

/// How long reports may have no leader to tell them: its successor waits until the Lease of one that crashed has run out.
const CRASHED_WITHIN: Duration = Duration::from_secs(15);
/// The same where it stops in order.
const STOPPED_WITHIN: Duration = Duration::from_secs(2);
/// How much later they may be read: an API server that just then asked the one that is gone gives up the handshake after 10 s.
const READ_WITHIN: Duration = Duration::from_secs(15);

const PODS: &str = "-n netreach-system get pods -o name -l app.kubernetes.io/component=manager";

/// Puts `config/e2e` in the place of what a test has installed, however that ends.
struct Restored<'a> {
    kubectl: &'a Kubectl,
    /// What `config/e2e` knows nothing of.
    extra: &'static [&'static str],
}

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        let _ = script("fault.sh", "clear");
        let _ = self.kubectl.run("-n netreach-system scale deployment netreach-manager --replicas=0");
        let _ = self.kubectl.run("apply -k config/e2e");
        for extra in self.extra {
            let _ = self.kubectl.run(&format!("delete --ignore-not-found --wait=false {extra}"));
        }
    }
}

/// All that the Deployment wants, and no others any more.
fn managers_are_ready(kubectl: &Kubectl) {
    kubectl.ok("-n netreach-system rollout status deployment netreach-manager --timeout=120s");
}

/// A round that succeeds, and stays: its report is to be read later on.
fn keep_round(kubectl: &Kubectl, name: &str) {
    assert_eq!(kubectl.apply(&round(name, 1).yaml()).code, 0);
    kubectl.ok(&format!("wait --for=condition=Complete nr/{name} --timeout=150s"));
}

/// Whether its report tells of that round as it did.
fn is_kept(kubectl: &Kubectl, name: &str) -> bool {
    let report = kubectl.run(&format!("get kdoctorreport netreach-{name} -o json"));
    report.code == 0 && {
        let spec = &report.json()["spec"];
        spec["Verdict"] == "succeed" && spec["Report"].as_array().is_some_and(|agents| agents.len() == 3)
    }
}

#[test]
#[ignore = "installs the manager anew, twice"]
fn with_a_volume_reports_outlive_the_managers_pod() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    let extra = &["-n netreach-system pvc/netreach-store"];
    let _restored = Restored { kubectl, extra };
    kubectl.ok("apply -k tests/e2e/kept/volume");
    managers_are_ready(kubectl);
    cluster.await_reports();
    keep_round(kubectl, "lasting");
    assert!(is_kept(kubectl, "lasting"));
    let before = kubectl.ok(PODS);
    kubectl.ok("-n netreach-system delete pod -l app.kubernetes.io/component=manager");
    managers_are_ready(kubectl);
    assert_ne!(before, kubectl.ok(PODS));
    cluster.await_reports();
    assert!(is_kept(kubectl, "lasting"), "{}", kubectl.run("get kdoctorreports").out);
    kubectl.ok("delete netreach lasting");
}

/// `config/ha` over MinIO in the place of the one manager.
fn install_two(cluster: &Cluster) {
    let kubectl = &cluster.kubectl;
    let built = script("build.sh", "minio");
    assert_eq!(built.code, 0, "{}", built.err);
    let image = Program::at(root().join("hack/image.sh")).args("--out target/images");
    let image = image.arg(format!("minio:e2e={}", built.out.trim())).run();
    assert_eq!(image.code, 0, "{}", image.err);
    assert_eq!(script("cluster.sh", "load target/images/minio.tar").code, 0);
    // It knows of no Lease.
    kubectl.ok("-n netreach-system scale deployment netreach-manager --replicas=0");
    kubectl
        .ok("-n netreach-system wait pod -l app.kubernetes.io/component=manager --for=delete --timeout=60s");
    kubectl.ok("apply -k tests/e2e/kept/bucket");
    for of in ["netreach-minio rollout status deployment minio", "netreach-system rollout status deployment"]
    {
        kubectl.ok(&format!("-n {of} --timeout=120s"));
    }
    cluster.await_reports();
}

/// The pod that leads, `pod/NAME`, once there is one and it is another than before.
fn leader(kubectl: &Kubectl, before: &str) -> String {
    let leaders = format!("{PODS},kdoctor.io/role=leader");
    let is_next = |out: &str| out.starts_with("pod/") && out.trim() != before && out.lines().count() == 1;
    kubectl.await_that(&leaders, |finished| is_next(&finished.out)).trim().to_owned()
}

/// Waits until another leads and tells what is kept; says how long that took since then.
fn taken_over(cluster: &Cluster, what: &str, before: &str, since: Instant, within: Duration) -> String {
    let leader = leader(&cluster.kubectl, before);
    let led = since.elapsed();
    cluster.kubectl.await_ok("get kdoctorreport netreach-lasting");
    let read = since.elapsed();
    println!("e2e: {what}: another leads after {led:?}, and its reports are read after {read:?}");
    assert!(led <= within && read <= led + READ_WITHIN, "{what}: {led:?}, {read:?}");
    assert!(is_kept(&cluster.kubectl, "lasting"));
    leader
}

#[test]
#[ignore = "installs two managers and MinIO"]
fn with_a_bucket_either_of_two_managers_goes_on_where_the_other_ended() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    let extra = &[
        "-n netreach-system pdb/netreach-manager",
        "-n netreach-system role/netreach-leader rolebinding/netreach-leader secret/netreach-store",
        "namespace/netreach-minio",
    ];
    let _restored = Restored { kubectl, extra };
    install_two(&cluster);
    let node_of =
        |pod: &str| kubectl.ok(&format!("-n netreach-system get {pod} -o jsonpath={{.spec.nodeName}}"));
    let nodes: Vec<_> = kubectl.ok(PODS).lines().map(node_of).collect();
    assert!(nodes.len() == 2 && nodes[0] != nodes[1], "{nodes:?}");
    keep_round(kubectl, "lasting");

    let first = leader(kubectl, "");
    let since = Instant::now();
    kubectl.ok(&format!("-n netreach-system delete {first} --wait=false"));
    let second = taken_over(&cluster, "stopped", &first, since, STOPPED_WITHIN);
    managers_are_ready(kubectl);

    // In the middle of a round: what agents have handed in is known to whoever leads.
    begin_as(kubectl, "amid", &round("amid", 8));
    let killed = on(&node_of(&second), "pkill -9 -f ^/netreach-manager.run");
    assert_eq!(killed.code, 0, "{}", killed.err);
    let amid = end(kubectl, "amid");
    assert_eq!((&amid["status"], &amid["succeedAgentNodeNumber"]), (&json!("succeed"), &json!(3)), "{amid}");
    managers_are_ready(kubectl);

    let third = leader(kubectl, "");
    let node = node_of(&third);
    let since = Instant::now();
    assert_eq!(script("fault.sh", &format!("{node} down")).code, 0);
    taken_over(&cluster, "with its node", &third, since, CRASHED_WITHIN);
    assert_eq!(script("fault.sh", "clear").code, 0);
    kubectl.ok(&format!("wait node/{node} --for=condition=Ready --timeout=120s"));
    kubectl.ok("-n netreach-system rollout status daemonset --timeout=120s");
    // Those who had been with it have found the one that leads now.
    keep_round(kubectl, "after");
    assert!(is_kept(kubectl, "after"), "{}", kubectl.ok("get netreach after -o yaml"));
    kubectl.ok("delete netreach lasting after");
}
