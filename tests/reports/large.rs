//! Rounds that are too large to be held: shortened in the object, whole where they are asked for, read as they are sent.

use netreach_tests::{most_resident_kib, net_reach};
use serde_json::Value;

use super::ground::Ground;
use super::shelf::{Found, keep, round, well};

const ROUND: &str = "/apis/system.kdoctor.io/v1beta1/kdoctorreports/netreach-task/rounds/last";
const AGENTS: usize = 3_000;

#[test]
fn a_large_round_is_shortened_in_its_object_and_whole_where_it_is_asked_for() {
    let ground = Ground::new();
    ground.apply(&net_reach("task").with("/spec/suspend", true));
    let mut found: Vec<_> = (0..AGENTS).map(|nth| well(format!("node-{nth:04}"), 1_000)).collect();
    found[2_222] = Found { cluster_ip: 1, ..well("node-2222", 9_000) };
    keep(&ground, &round(&ground, "task", 1, &found));
    let manager = ground.manager();
    let _api = ground.publish_reports();
    ground.await_finish("task");
    let before = most_resident_kib(manager.pid());

    let report = ground.kubectl.get("kdoctorreport netreach-task");
    let agents = |report: &Value| report["spec"]["Report"].as_array().unwrap().clone();
    let truncated = &report["status"]["truncated"];
    let (shown, left_out) = (agents(&report).len(), truncated["agents"].as_u64().unwrap());
    println!("reports: {shown} of {AGENTS} agents in the object, {truncated}");
    assert_eq!(shown + usize::try_from(left_out).unwrap(), AGENTS);
    assert!(shown < 400, "{shown}");
    assert_eq!(truncated["command"], "netreach report task --round 1 --node <NODE>");
    let failing = |agent: &Value| agent["NetReachTask"]["Succeed"] == false;
    assert_eq!(agents(&report).iter().filter(|agent| failing(agent)).count(), 1);

    let raw = |query: &str| ground.kubectl.call("get --raw").arg(format!("{ROUND}{query}")).run().json();
    let whole = raw("");
    assert_eq!((agents(&whole).len(), &whole["status"]), (AGENTS, &Value::Null));
    let one = raw("?node=node-0007");
    assert_eq!((agents(&one).len(), &agents(&one)[0]), (1, &agents(&whole)[7]));
    let failed = agents(&raw("?failed=true"));
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["NetReachTask"]["Detail"].as_array().unwrap().len(), 1);
    let after = most_resident_kib(manager.pid());
    let bytes = whole.to_string().len();
    println!(
        "reports: {bytes} bytes of JSON were sent; the manager held {before} KiB before and {after} KiB at the most"
    );
    assert!((after - before) * 1_024 < bytes as u64 / 2, "{before} KiB, then {after} KiB for {bytes} bytes");
}
