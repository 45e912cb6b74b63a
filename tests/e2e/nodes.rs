//! Nodes that leave and come while a round is under way.

use netreach_tests::Kubectl;
use serde_json::{Value, json};

use super::around::{begin_as, end, node_of, on, round};
use super::cluster::Cluster;

/// A worker without the manager: what becomes of a round whose manager has to leave is another test's.
fn worker(kubectl: &Kubectl) -> String {
    let manager = node_of(kubectl, "manager");
    let workers = kubectl.get("nodes -l !node-role.kubernetes.io/control-plane");
    let mut names =
        workers["items"].as_array().unwrap().iter().map(|node| node["metadata"]["name"].as_str().unwrap());
    names.find(|name| **name != *manager).unwrap().to_owned()
}

/// All deployments and daemonsets of a namespace are as they should be.
fn settled(kubectl: &Kubectl) {
    for namespace in
        ["kube-system", "metallb-system", "netreach-ground", "netreach-ingress", "netreach-system"]
    {
        for kind in ["deployment", "daemonset"] {
            let status = format!("-n {namespace} rollout status {kind} --timeout=120s");
            let settled = kubectl.run(&status);
            assert!(
                settled.code == 0
                    || settled.err.contains("No resources found")
                    || settled.err.contains("no resources"),
                "{}",
                settled.err
            );
        }
    }
}

fn succeeded(round: &Value, agents: u64) {
    assert_eq!(
        (&round["status"], &round["succeedAgentNodeNumber"]),
        (&json!("succeed"), &json!(agents)),
        "{round}"
    );
}

#[test]
fn a_node_that_is_drained_in_mid_round_is_no_failure() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    let node = worker(kubectl);
    // Agents of a Deployment have to leave, those of a DaemonSet stay on a node that is drained.
    let own = json!({"kind": "Deployment", "deploymentReplicas": 2, "terminationGracePeriodMinutes": 1});
    begin_as(kubectl, "leaving", &round("leaving", 10).with("/spec/agentSpec", own));
    begin_as(kubectl, "staying", &round("staying", 10));
    kubectl.ok(&format!("drain {node} --ignore-daemonsets --delete-emptydir-data --timeout=90s"));
    let [leaving, staying] = ["leaving", "staying"].map(|name| end(kubectl, name));
    kubectl.ok(&format!("uncordon {node}"));
    succeeded(&leaving, 2);
    succeeded(&staying, 3);
    settled(kubectl);
}

#[test]
fn a_node_that_joins_in_mid_round_is_no_failure_and_is_there_for_the_next() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    let name = worker(kubectl);
    let mut node = kubectl.get(&format!("node {name}"));
    assert_eq!(on(&name, "systemctl stop kubelet").code, 0);
    // What its pods leave behind is for later: they outlive it in the API.
    kubectl.ok(&format!("delete node {name}"));
    let twice = round("joined", 8).with("/spec/schedule/roundNumber", 2);
    begin_as(kubectl, "joined", &twice);
    // Its pods' addresses are laid on the wire already, so they are to stay.
    node["metadata"] = json!({"name": name, "labels": node["metadata"]["labels"]});
    node["status"] = json!({});
    node["spec"]["taints"] = json!([]);
    assert_eq!(kubectl.apply(&node.to_string()).code, 0);
    assert_eq!(on(&name, "systemctl start kubelet").code, 0);
    kubectl.ok("wait --for=condition=Complete nr/joined --timeout=150s");
    let rounds = kubectl.get("netreach joined")["status"]["history"].take();
    kubectl.ok("delete netreach joined");
    succeeded(&rounds[1], 2);
    succeeded(&rounds[0], 3);
    settled(kubectl);
}
