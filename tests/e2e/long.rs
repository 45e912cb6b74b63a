//! What takes many minutes: run by name, `hack/e2e.sh --ignored long::`.

use netreach_tests::{Kubectl, Spec, net_reach};
use serde_json::{Value, json};

use super::cluster::{Cluster, on_node};

const ROUNDS: u64 = 30;
/// What resident memory may grow by over them, KiB: pages that are first touched late.
const GROWTH_KB_MAX: u64 = 1_024;

/// A round each minute.
fn minutely(name: &str, rounds: i64) -> Spec {
    let spec = net_reach(name)
        .with("/spec/schedule/schedule", "* * * * *")
        .with("/spec/schedule/roundNumber", rounds)
        .lasting_s(10)
        .with("/spec/request/qps", 5)
        .with("/spec/target/ipv6", true);
    ["clusterIP", "nodePort", "loadBalancer", "ingress"]
        .iter()
        .fold(spec, |spec, family| spec.with(&format!("/spec/target/{family}"), true))
}

fn await_done(kubectl: &Kubectl, name: &str, rounds: u64) -> Value {
    kubectl.ok(&format!("wait --for=jsonpath={{.status.doneRound}}={rounds} nr/{name} --timeout=150s"));
    kubectl.get(&format!("netreach {name}"))["status"].take()
}

/// Resident memory of the agents and the manager, KiB.
fn resident(kubectl: &Kubectl) -> Vec<u64> {
    let nodes = kubectl.ok("get nodes -o name");
    let of = |node: &str, pattern: &str| -> Vec<u64> {
        let read = format!(
            "for pid in $(pgrep -f '{pattern}'); do sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status; done"
        );
        on_node(node, &read).lines().map(|line| line.trim().parse().unwrap()).collect()
    };
    let nodes: Vec<_> = nodes.lines().map(|name| name.trim_start_matches("node/")).collect();
    ["^/netreach-agent", "^/netreach-manager run"]
        .iter()
        .flat_map(|pattern| nodes.iter().flat_map(|node| of(node, pattern)).collect::<Vec<_>>())
        .collect()
}

#[test]
#[ignore = "takes half an hour"]
fn thirty_rounds_of_a_minute_are_all_accounted_for_and_memory_is_flat() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    assert_eq!(kubectl.apply(&minutely("thirty", 30).yaml()).code, 0);
    // After the first rounds everything has been touched once.
    await_done(kubectl, "thirty", 2);
    let before = resident(kubectl);
    let version = |of: &Kubectl| of.get("netreach thirty")["metadata"]["generation"].clone();
    let generation = version(kubectl);
    for number in 3..=ROUNDS {
        let status = await_done(kubectl, "thirty", number);
        let mut rounds = status["history"].as_array().unwrap().iter();
        let newest = rounds.find(|round| round["roundNumber"] == number).unwrap();
        assert_eq!(newest["status"], "succeed", "{status}");
        println!("e2e: round {number} began {}, took {}", newest["startTimeStamp"], newest["duration"]);
    }
    let after = resident(kubectl);
    println!("e2e: resident, KiB: {before:?} after 2 rounds, {after:?} after {ROUNDS}");
    assert_eq!(before.len(), after.len());
    assert_eq!(generation, version(kubectl));
    for (before, after) in before.iter().zip(&after) {
        assert!(*after <= before + GROWTH_KB_MAX, "{before} {after}");
    }
    kubectl.ok("delete netreach thirty");
}

#[test]
#[ignore = "takes five minutes"]
fn a_manager_that_is_away_over_two_slots_has_missed_them_and_goes_on() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    assert_eq!(kubectl.apply(&minutely("away", -1).yaml()).code, 0);
    let before = await_done(kubectl, "away", 1);
    let scale = |replicas: u8| {
        kubectl.ok(&format!("-n netreach-system scale deployment netreach-manager --replicas={replicas}"))
    };
    scale(0);
    // Four minutes as the API server tells them hold at least three slots: the last one is still to be had when it is back.
    let _ = kubectl.run("wait nr/away --for=jsonpath={.status.doneRound}=99 --timeout=210s");
    scale(1);
    let status = kubectl.get("netreach away")["status"].take();
    assert_eq!(status["doneRound"], before["doneRound"], "{status}");
    kubectl.ok("-n netreach-system rollout status deployment netreach-manager --timeout=120s");
    let is_past = |object: &Value| {
        let history = object["status"]["history"].as_array().unwrap();
        let missed = history.iter().find(|round| round["missedRoundNumber"].is_number());
        let is_later =
            |round: &Value| round["endTimeStamp"].is_string() && round["missedRoundNumber"].is_null();
        missed.is_some_and(|missed| {
            let number = |round: &Value| round["roundNumber"].as_u64();
            history.iter().any(|round| is_later(round) && number(round) > number(missed))
        })
    };
    let mut slow = 0;
    let object = loop {
        let object = kubectl.get("netreach away");
        if is_past(&object) {
            break object;
        }
        slow += 1;
        assert!(slow < 12, "{}", object["status"]);
        // Until something changes, or for a while.
        let _ = kubectl.run("wait nr/away --for=jsonpath={.status.lastRoundStatus}=never --timeout=10s");
    };
    let history = object["status"]["history"].as_array().unwrap();
    let missed: Vec<_> = history.iter().filter(|round| round["missedRoundNumber"].is_number()).collect();
    println!("e2e: away: {}", json!(history));
    assert_eq!(missed.len(), 1, "{}", object["status"]);
    assert!(missed[0]["missedRoundNumber"].as_u64().unwrap() >= 2, "{}", object["status"]);
    assert!(
        history
            .iter()
            .filter(|round| round["endTimeStamp"].is_string() && round["missedRoundNumber"].is_null())
            .all(|round| round["status"] == "succeed")
    );
    kubectl.ok("delete netreach away");
}
