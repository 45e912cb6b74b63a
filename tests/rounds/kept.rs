//! What is left of rounds when the manager's volume is lost, and of NetReaches that are deleted while no manager is there.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use netreach_tests::net_reach;
use serde_json::{Value, json};

use super::ground::Ground;

const LOST: &str = "Unknown: the results cannot be judged: they went with the volume of the manager that had begun the round";

/// Lets the round that goes on have begun a minute ago: the next one is due at once then.
fn began_a_minute_ago(ground: &Ground, name: &str) {
    let status = ground.kubectl.get(&format!("netreach {name}"))["status"].take();
    let began: Timestamp = status["history"][0]["startTimeStamp"].as_str().unwrap().parse().unwrap();
    let before = (began - SignedDuration::from_mins(1)).to_string();
    let patch = json!([{"op": "replace", "path": "/status/history/0/startTimeStamp", "value": before}]);
    let patched = ground.kubectl.call("patch --subresource=status --type=json netreach").arg(name).arg("-p");
    let patched = patched.arg(patch.to_string()).run();
    assert_eq!(patched.code, 0, "{}", patched.err);
}

#[test]
fn a_round_that_was_lost_with_the_volume_is_unknown_and_its_number_is_used_up() {
    let ground = Ground::new();
    let manager = ground.manager();
    ground.apply(&net_reach("task").lasting_s(8).with("/spec/schedule/roundNumber", 2));
    ground.await_status("task", |status| status["history"][0]["status"] == "ongoing");
    drop(manager);
    fs::remove_dir_all(ground.store()).unwrap();
    began_a_minute_ago(&ground, "task");
    let _manager = ground.manager();
    let is_lost = |status: &Value| status["doneRound"] == 1 && status["lastRoundStatus"] == "unknown";
    ground.await_status("task", is_lost);
    assert!(ground.record("task", 1).agents.is_empty());
    // Its agents are still at it, and are free for the next one all the same.
    let status = ground.await_finish("task");
    let told = |round: &Value| {
        (round["roundNumber"].clone(), round["status"].clone(), round["failureReason"].clone())
    };
    let history: Vec<_> = status["history"].as_array().unwrap().iter().map(told).collect();
    let (second, first) = ((json!(2), json!("succeed"), Value::Null), (json!(1), json!("fail"), json!(LOST)));
    assert_eq!(history, [second, first], "{status}");
    assert_eq!((&status["doneRound"], &status["lastRoundStatus"]), (&json!(2), &json!("succeed")));
    assert_eq!(ground.events("task"), ["RoundFailed", "RoundStarted", "RoundStarted", "RoundSucceeded"]);
    // Nothing came of the lost one, and the next one was done once and whole.
    assert!(ground.record("task", 1).agents.is_empty());
    let agents = ground.record("task", 2).agents;
    assert_eq!(agents.len(), 2);
    for target in agents.iter().flat_map(|agent| &agent.targets) {
        assert_eq!((target.sent(), target.unsent), (160, 0), "{target:?}");
    }
}

#[test]
fn records_of_a_netreach_that_is_deleted_while_nobody_is_there_go_unless_they_are_to_be_retained() {
    let ground = Ground::new();
    let manager = ground.manager();
    let retained = json!({"kdoctor.io/retain-reports": "true"});
    let names = ["staying", "going", "retained", "retained-live"];
    for name in names {
        let spec = net_reach(name);
        let is_retained = name.starts_with("retained");
        ground.apply(&if is_retained { spec.with("/metadata/annotations", retained.clone()) } else { spec });
    }
    let folders = names.map(|name| {
        ground.await_finish(name);
        ground.store().join(ground.uid(name))
    });
    let kept = || folders.clone().map(|folder| folder.join("rounds/1/closed").exists());
    assert_eq!(kept(), [true; 4]);
    ground.kubectl.ok("delete netreach retained-live");
    drop(manager);
    ground.kubectl.ok("delete netreach going retained");
    let _manager = ground.manager();
    ground.until(|| !kept()[1]);
    assert_eq!(kept(), [true, false, true, true]);
    // One that does not ask for it any more is like any other.
    let noted = folders[0].join("retained");
    ground.kubectl.ok("annotate netreach staying kdoctor.io/retain-reports=true");
    ground.until(|| noted.exists());
    ground.kubectl.ok("annotate netreach staying kdoctor.io/retain-reports-");
    ground.until(|| !noted.exists());
    ground.kubectl.ok("delete netreach staying");
    ground.until(|| !kept()[0]);
    assert_eq!(kept(), [false, false, true, true]);
}
