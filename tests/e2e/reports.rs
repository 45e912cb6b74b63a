//! Reports in a cluster whose controllers ask for all there is, while they are served and while they are not.

use std::time::Instant;

use netreach_tests::{Kubectl, net_reach};
use serde_json::json;

use super::cluster::{Cluster, on_node};
use super::log::errors;

const API_SERVICE: &str = "apiservice v1beta1.system.kdoctor.io";
/// How long a namespace that is being deleted may take once nothing holds it up any more, seconds.
const DELETED_WITHIN_S: u64 = 60;
/// Has the kubelet start the API server anew: comes back when the old one has ended.
const END_API_SERVER: &str =
    r#"pid=$(pgrep -of '^kube-apiserver') && kill "$pid" && tail --pid="$pid" -f /dev/null"#;
/// Longer than any controller waits from one look at all there is to the next, seconds.
const LOOKED_AT_S: u32 = 40;

/// What is owned by something that is deleted goes with it.
fn garbage_is_collected(kubectl: &Kubectl) {
    kubectl.ok("create configmap owner");
    let uid = kubectl.ok("get configmap owner -o jsonpath={.metadata.uid}");
    let owned = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned", "ownerReferences": [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid},
        ]},
    });
    assert_eq!(kubectl.apply(&owned.to_string()).code, 0);
    kubectl.ok("delete configmap owner");
    kubectl.ok("wait configmap owned --for=delete --timeout=60s");
}

#[test]
fn nobody_who_looks_at_all_there_is_logs_an_error_about_reports() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    let began = Instant::now();
    assert_eq!(kubectl.apply(&net_reach("looked-at").lasting_s(LOOKED_AT_S).yaml()).code, 0);
    garbage_is_collected(kubectl);
    kubectl.ok("wait --for=condition=Complete nr/looked-at --timeout=120s");
    kubectl.ok("get kdoctorreport netreach-looked-at");
    kubectl.ok("create namespace looked-at");
    kubectl.ok("delete namespace looked-at --timeout=60s");
    kubectl.ok("delete netreach looked-at");
    let since_s = began.elapsed().as_secs();
    for component in ["kube-apiserver", "kube-controller-manager"] {
        let of = format!("-n kube-system -l component={component}");
        assert!(!kubectl.ok(&format!("logs {of} --tail=1")).is_empty(), "{component} logs nothing");
        let log = kubectl.ok(&format!("logs {of} --tail=-1 --since={since_s}s"));
        assert_eq!(errors(&log), Vec::<String>::new(), "{component}");
    }
}

/// No manager, and an API server that has not met one since it began: one that has goes on telling what it heard.
fn take_manager_away(kubectl: &Kubectl) {
    kubectl.ok("-n netreach-system scale deployment netreach-manager --replicas=0");
    kubectl.ok(&format!("wait {API_SERVICE} --for=condition=Available=False --timeout=120s"));
    let node = kubectl
        .ok("get nodes -l node-role.kubernetes.io/control-plane -o jsonpath={.items[0].metadata.name}");
    on_node(&node, END_API_SERVER);
    kubectl.await_ok("get --raw /readyz");
    kubectl.ok(&format!("wait {API_SERVICE} --for=condition=Available=False --timeout=120s"));
}

fn bring_manager_back(kubectl: &Kubectl) {
    kubectl.ok("-n netreach-system scale deployment netreach-manager --replicas=1");
    kubectl.ok("-n netreach-system rollout status deployment netreach-manager --timeout=120s");
}

/// A namespace with something in it that is told to go, and cannot.
fn begin_deletion(kubectl: &Kubectl, namespace: &str) {
    kubectl.ok(&format!("create namespace {namespace}"));
    kubectl.ok(&format!("create configmap content -n {namespace}"));
    kubectl.ok(&format!("delete namespace {namespace} --wait=false"));
    let held_up = "--for=condition=NamespaceDeletionDiscoveryFailure --timeout=90s";
    kubectl.ok(&format!("wait namespace {namespace} {held_up}"));
}

/// From now on; one that is gone already is as good.
fn await_deletion(kubectl: &Kubectl, namespace: &str) {
    let began = Instant::now();
    kubectl.ok(&format!("wait namespace {namespace} --for=delete --timeout={DELETED_WITHIN_S}s"));
    println!("e2e: namespace {namespace} was gone after {:?}", began.elapsed());
}

#[test]
#[ignore = "starts the API server anew, twice"]
fn a_manager_that_is_away_holds_up_nothing_but_namespaces_and_those_until_it_is_back_or_not_registered() {
    let cluster = Cluster::with_net_reach();
    let kubectl = &cluster.kubectl;
    take_manager_away(kubectl);
    kubectl.ok("get nodes,pods,netreach -A");
    garbage_is_collected(kubectl);
    begin_deletion(kubectl, "until-back");
    bring_manager_back(kubectl);
    await_deletion(kubectl, "until-back");
    cluster.await_reports();

    take_manager_away(kubectl);
    begin_deletion(kubectl, "until-unregistered");
    kubectl.ok(&format!("delete {API_SERVICE}"));
    await_deletion(kubectl, "until-unregistered");
    bring_manager_back(kubectl);
    kubectl.ok("apply -k config/e2e");
    cluster.await_reports();
}
