//! Reports over a change of leaders.

use std::time::{Duration, Instant};

use netreach_tests::net_reach;
use serde_json::Value;

use super::ground::Ground;
use super::managers::{assert_done, hear_lead, pair};

const REPORTS: &str = "/apis/system.kdoctor.io/v1beta1/kdoctorreports";

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

#[test]
fn versions_of_reports_rise_from_one_leader_to_the_next() {
    let ground = Ground::new();
    let (_, leader, mut other) = pair(&ground);
    let _api = ground.publish_reports();
    ground.apply(&net_reach("task"));
    assert_done(&ground);
    let is_whole = |list: &Value| list["items"].as_array().is_some_and(|items| items.len() == 1);
    let before = ground.kubectl.await_object("kdoctorreports", is_whole);
    let stopped = Instant::now();
    leader.signal("TERM", leader.pid());
    hear_lead(&mut other, stopped, "from SIGTERM to the next leader of reports", Duration::from_secs(2));
    let ended = leader.finish();
    assert_eq!(ended.code, 0, "{}", ended.err);
    let after = ground.kubectl.await_object("kdoctorreports", is_whole);
    let name = |list: &Value| list["items"][0]["metadata"]["uid"].clone();
    assert_eq!(name(&before), name(&after));
    let items = [&before["items"][0], &after["items"][0]].map(version);
    let path = format!("{REPORTS}?resourceVersion={}&resourceVersionMatch=Exact&limit=5", items[0]);
    // In the upper half is the epoch.
    assert!(items[1] >> 32 > items[0] >> 32, "{items:?}");
    // Whoever has seen the first one's is told to list again.
    let outdated = ground.kubectl.call("get --raw").arg(path).run();
    assert_ne!(outdated.code, 0, "{}", outdated.out);
    assert!(outdated.err.contains("Expired") || outdated.err.contains("too old"), "{}", outdated.err);
}
