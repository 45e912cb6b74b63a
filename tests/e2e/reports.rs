//! Reports in a cluster whose controllers ask for all there is.

use std::time::Instant;

use netreach_tests::{Kubectl, net_reach};
use serde_json::json;

use super::cluster::Cluster;
use super::log::errors;

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
