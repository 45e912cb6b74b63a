//! A network that is broken is told so, with the nodes by name; and when it is mended, the next round succeeds.

use netreach_tests::{Kubectl, net_reach};
use serde_json::{Value, json};

use super::cluster::{Cluster, script};

/// Heals the nodes, however a test ends.
struct Healing;

impl Drop for Healing {
    fn drop(&mut self) {
        let _ = script("fault.sh", "clear");
    }
}

/// A worker on which the manager does not run, and the agent there.
fn elsewhere(kubectl: &Kubectl) -> (String, String) {
    let node_of = |component: &str| {
        let pods =
            kubectl.get(&format!("pods -n netreach-system -l app.kubernetes.io/component={component}"));
        let of = |pod: &Value| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&pod["spec"]["nodeName"]), text(&pod["metadata"]["name"]))
        };
        pods["items"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let managers = node_of("manager");
    let agents = node_of("agent");
    let is_elsewhere = |(node, _): &(String, String)| {
        !node.ends_with("control-plane") && managers.iter().all(|(manager, _)| manager != node)
    };
    agents.into_iter().find(is_elsewhere).expect("a worker without the manager")
}

/// One round over pods and cluster addresses, and what came of it.
fn round(kubectl: &Kubectl, name: &str) -> Value {
    let spec = net_reach(name).lasting_s(3).with("/spec/target/clusterIP", true);
    // A replica of the webhook may be on the broken node: then an apply in two is refused.
    kubectl.await_answer("", &spec.yaml(), |answer| answer.code == 0);
    kubectl.ok(&format!("wait --for=condition=Complete nr/{name} --timeout=150s"));
    let status = kubectl.get(&format!("netreach {name}"))["status"].take();
    kubectl.await_ok(&format!("delete netreach {name}"));
    status["history"][0].clone()
}

fn is_in(list: &Value, node: &str) -> bool {
    list.as_array().unwrap().iter().any(|one| one == node)
}

fn succeeds(kubectl: &Kubectl, name: &str) {
    let round = round(kubectl, name);
    assert_eq!(round["status"], "succeed", "{round}");
}

#[test]
fn what_is_broken_is_named_and_what_is_mended_succeeds() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    let _healing = Healing;
    let (node, pod) = elsewhere(kubectl);
    succeeds(kubectl, "whole");

    assert_eq!(script("fault.sh", &format!("{node} dead-backend netreach-system/{pod} 80")).code, 0);
    let dead = round(kubectl, "dead-backend");
    let reason = dead["failureReason"].as_str().unwrap();
    println!("e2e: a dead backend: {reason}");
    assert_eq!((&dead["status"], &dead["notReportAgentNodeNumber"]), (&json!("fail"), &json!(0)), "{dead}");
    assert!(reason.starts_with("SuccessRate: ") && reason.contains("timeout-connect"), "{dead}");
    assert_eq!(script("fault.sh", "clear").code, 0);
    succeeds(kubectl, "alive-again");

    assert_eq!(script("fault.sh", &format!("{node} drop")).code, 0);
    let cut = round(kubectl, "cut-off");
    println!("e2e: a node's pods cut off: {}", cut["failureReason"]);
    assert!(is_in(&cut["notReportAgentNodeList"], &node), "{cut}");
    assert!(cut["failureReason"].as_str().unwrap().contains("AgentsMissing"), "{cut}");
    assert_eq!(cut["failedAgentNodeNumber"], 2, "the others could not reach it: {cut}");
    assert_eq!(script("fault.sh", "clear").code, 0);
    succeeds(kubectl, "joined-again");

    assert_eq!(script("fault.sh", &format!("{node} down")).code, 0);
    let down = round(kubectl, "down");
    println!("e2e: a node that stands still: {}", down["failureReason"]);
    assert_eq!(down["notReportAgentNodeList"], json!([node]), "{down}");
    assert!(down["failureReason"].as_str().unwrap().contains("AgentsMissing"), "{down}");
    assert_eq!(script("fault.sh", "clear").code, 0);
    kubectl.ok(&format!("wait node/{node} --for=condition=Ready --timeout=120s"));
    kubectl.ok("-n netreach-system rollout status daemonset --timeout=120s");
    succeeds(kubectl, "up-again");
}
