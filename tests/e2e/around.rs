//! What goes on around a round in a cluster that lives: managers and agents are killed and replaced, the desk is out of reach for a while.

use netreach_tests::{Finished, Kubectl, Program, Spec, net_reach};
use serde_json::{Value, json};

use super::cluster::{Cluster, script};

/// Runs a command on a node.
pub(super) fn on(node: &str, command: &str) -> Finished {
    Program::at("docker").args(&format!("exec {node}")).args(command).run()
}

pub(super) fn node_of(kubectl: &Kubectl, component: &str) -> String {
    kubectl.ok(&format!(
        "-n netreach-system get pods -l app.kubernetes.io/component={component} -o jsonpath={{.items[0].spec.nodeName}}"
    ))
}

/// One round of so many seconds.
pub(super) fn round(name: &str, seconds: u32) -> Spec {
    net_reach(name)
        .lasting_s(seconds)
        // What goes on around a round takes the machine's time as well.
        .with("/spec/request/perRequestTimeoutInMS", 2_000)
        .with("/spec/target/clusterIP", true)
}

/// Applies one round of so many seconds and waits until it is on its way.
fn begin(kubectl: &Kubectl, name: &str, seconds: u32) {
    begin_as(kubectl, name, &round(name, seconds));
}

/// Applies it and waits until its first round is on its way.
pub(super) fn begin_as(kubectl: &Kubectl, name: &str, spec: &Spec) {
    assert_eq!(kubectl.apply(&spec.yaml()).code, 0);
    kubectl.await_object(&format!("netreach {name}"), |object| {
        object["status"]["history"][0]["status"] == "ongoing"
    });
}

/// Lets so many seconds pass, as the API server tells them: nothing happens that could be waited for instead.
fn pass(kubectl: &Kubectl, name: &str, seconds: u32) {
    let _ = kubectl.run(&format!("wait nr/{name} --for=condition=Complete --timeout={seconds}s"));
}

/// Waits for the end of its only round.
pub(super) fn end(kubectl: &Kubectl, name: &str) -> Value {
    kubectl.ok(&format!("wait --for=condition=Complete nr/{name} --timeout=150s"));
    let mut status = kubectl.get(&format!("netreach {name}"))["status"].take();
    assert_eq!(status["doneRound"], 1, "{status}");
    kubectl.ok(&format!("delete netreach {name}"));
    status["history"][0].take()
}

#[test]
fn a_round_outlives_a_manager_that_is_killed() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    begin(kubectl, "outlives", 8);
    let killed = on(&node_of(kubectl, "manager"), "pkill -9 -f ^/netreach-manager.run");
    assert_eq!(killed.code, 0, "{}", killed.err);
    let round = end(kubectl, "outlives");
    assert_eq!(
        (&round["status"], &round["succeedAgentNodeNumber"]),
        (&json!("succeed"), &json!(3)),
        "{round}"
    );
    cluster.await_reports();
}

#[test]
fn an_agent_that_is_killed_is_missing_by_the_name_of_its_node() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    let node = node_of(kubectl, "agent");
    begin(kubectl, "bereft", 8);
    // One that is back before the first probe is due has its part again.
    pass(kubectl, "bereft", 2);
    assert_eq!(on(&node, "pkill -9 -x netreach-agent").code, 0);
    let round = end(kubectl, "bereft");
    assert_eq!(round["notReportAgentNodeList"], json!([node]), "{round}");
    let reason = round["failureReason"].as_str().unwrap();
    assert!(reason.starts_with("AgentsMissing: ") && reason.contains(&node), "{reason}");
    assert!(reason.contains("its container ended"), "{reason}");
    kubectl.ok("-n netreach-system rollout status daemonset --timeout=60s");
}

#[test]
fn a_desk_out_of_reach_for_twenty_seconds_costs_nothing() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    begin(kubectl, "patient", 10);
    let node = node_of(kubectl, "manager");
    assert_eq!(script("fault.sh", &format!("{node} drop --port 9444")).code, 0);
    pass(kubectl, "patient", 20);
    assert_eq!(script("fault.sh", "clear").code, 0);
    let round = end(kubectl, "patient");
    assert_eq!(
        (&round["status"], &round["succeedAgentNodeNumber"]),
        (&json!("succeed"), &json!(3)),
        "{round}"
    );
}

#[test]
fn agents_that_are_replaced_in_mid_round_are_no_failure() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    begin(kubectl, "replaced", 8);
    kubectl.ok("-n netreach-system rollout restart daemonset netreach-agent");
    let node = node_of(kubectl, "agent");
    kubectl.ok(&format!("cordon {node}"));
    let round = end(kubectl, "replaced");
    kubectl.ok(&format!("uncordon {node}"));
    assert_eq!(
        (&round["status"], &round["succeedAgentNodeNumber"]),
        (&json!("succeed"), &json!(3)),
        "{round}"
    );
    // And one that begins while they are being replaced waits for them.
    kubectl.ok("-n netreach-system rollout restart daemonset netreach-agent");
    begin(kubectl, "amid", 2);
    let round = end(kubectl, "amid");
    assert_eq!(
        (&round["status"], &round["succeedAgentNodeNumber"]),
        (&json!("succeed"), &json!(3)),
        "{round}"
    );
    kubectl.ok("-n netreach-system rollout status daemonset --timeout=120s");
}
