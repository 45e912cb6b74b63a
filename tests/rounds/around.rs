//! What goes on around a round: managers and agents that end, slots that pass, a NetReach that is deleted.

use std::fs;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use netreach_tests::{Service, net_reach, wait_until};
use serde_json::json;

use super::agent::{Agent, Post, patch_status};
use super::ground::{Ground, NAMESPACE};

/// For how long an agent that a round waits for has no desk: its part would be late if nobody waited.
const LONGER_THAN_THE_LEAD: Duration = Duration::from_secs(1);

#[test]
fn a_round_outlives_its_manager_and_is_closed_once() {
    let ground = Ground::new();
    let manager = ground.manager();
    ground.apply(&net_reach("task").lasting_s(4));
    ground.await_status("task", |status| status["history"][0]["status"] == "ongoing");
    // Dropped: killed on the spot.
    drop(manager);
    let mut manager = ground.manager();
    manager.hear("a round goes on that was begun before");
    let status = ground.await_finish("task");
    assert_eq!(
        (&status["doneRound"], &status["lastRoundStatus"]),
        (&json!(1), &json!("succeed")),
        "{status}"
    );
    assert_eq!(status["history"].as_array().unwrap().len(), 1);
    assert_eq!(status["history"][0]["succeedAgentNodeNumber"], 2);
}

#[test]
fn slots_that_passed_while_nobody_was_there_are_one_entry_and_the_schedule_goes_on() {
    let ground = Ground::new();
    let endless =
        net_reach("task").with("/spec/schedule/roundNumber", -1).with("/spec/schedule/schedule", "* * * * *");
    ground.apply(&endless);
    // As a manager left it that has been away for seven minutes.
    let at = |minutes: i64| {
        let at = Timestamp::now() - SignedDuration::from_mins(minutes);
        at.strftime("%Y-%m-%dT%H:%M:00Z").to_string()
    };
    let round = json!({
        "roundNumber": 4, "status": "succeed", "startTimeStamp": at(7), "endTimeStamp": at(7), "deadLineTimeStamp": at(6),
        "failedAgentNodeList": [], "notReportAgentNodeList": [], "succeedAgentNodeList": ["node-1", "node-2"],
    });
    let status = json!({"doneRound": 4, "expectedRound": -1, "observedGeneration": 1, "finish": false, "lastRoundStatus": "succeed", "history": [round]});
    patch_status(&ground.kubectl, "netreach task", &status);
    let _manager = ground.manager();
    // Those from the fifth on are missed, but for the last one, whose deadline is ahead.
    let status = ground.await_status("task", |status| {
        status["lastRoundStatus"] == "succeed" && status["doneRound"].as_i64() > Some(9)
    });
    let missed: Vec<_> = status["history"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|round| round["missedRoundNumber"].is_number())
        .collect();
    assert_eq!(missed.len(), 1, "{status}");
    assert_eq!(missed[0]["missedRoundNumber"], 6, "{status}");
    assert!(missed[0]["failureReason"].as_str().unwrap().starts_with("Missed: "), "{status}");
    assert!(status["nextRoundTime"].is_string(), "{status}");
    assert!(ground.events("task").contains(&"RoundMissed".to_owned()));
}

#[test]
fn a_round_waits_for_an_agent_that_is_on_its_way_back_to_its_desk() {
    let (service, mut agents) = (Service::start(), Vec::new());
    let by_service = format!("https://{}", service.address());
    let ground = Ground::of(2, |post| {
        let desk = if agents.is_empty() { by_service.as_str() } else { post.desk };
        agents.push(Agent::start(&Post { me: post.me.clone(), token: post.token.clone(), desk, ..*post }));
    });
    service.set_endpoints(&[ground.desk()]);
    let _manager = ground.manager();
    ground.apply(&net_reach("first"));
    ground.await_finish("first");
    // Both have come. Now one of them loses its desk, and the other does not.
    service.set_endpoints(&[]);
    service.cut();
    ground.apply(&net_reach("task"));
    let opened = ground.store().join(ground.uid("task")).join("rounds/1/opened");
    ground.until(|| opened.exists());
    wait_until(Instant::now() + LONGER_THAN_THE_LEAD);
    service.set_endpoints(&[ground.desk()]);
    let status = ground.await_finish("task");
    assert_eq!(status["lastRoundStatus"], "succeed", "{status}");
    for agent in &ground.record("task", 1).agents {
        for target in &agent.targets {
            assert_eq!((target.sent(), target.unsent, target.statuses[&200]), (20, 0, 20), "{target:?}");
        }
    }
}

#[test]
fn an_agent_whose_pod_goes_in_mid_round_is_missing_by_name_and_nobody_waits_for_it() {
    let mut ground = Ground::new();
    let _manager = ground.manager();
    let long = net_reach("task").lasting_s(5).with("/spec/schedule/roundTimeoutMinute", 10);
    ground.apply(&long);
    ground.await_status("task", |status| status["history"][0]["status"] == "ongoing");
    let gone = ground.agents.remove(0);
    ground.kubectl.ok(&format!("delete pod {} -n {NAMESPACE} --force --grace-period=0", gone.pod));
    drop(gone);
    let status = ground.await_finish("task");
    let round = &status["history"][0];
    assert_eq!(round["notReportAgentNodeList"], json!(["node-1"]), "{status}");
    let reason = round["failureReason"].as_str().unwrap();
    assert!(reason.contains("AgentsMissing") && reason.contains("pod was deleted"), "{reason}");
}

#[test]
fn a_pod_that_has_outlived_its_node_is_not_waited_for() {
    let ground = Ground::new();
    // Nobody tells the DaemonSet: what it wants is as many as before, and the pod stays.
    ground.kubectl.ok("delete node node-2");
    let _manager = ground.manager();
    ground.apply(&net_reach("task"));
    let status = ground.await_finish("task");
    let round = &status["history"][0];
    assert_eq!(
        (&round["status"], &round["succeedAgentNodeList"]),
        (&json!("succeed"), &json!(["node-1"])),
        "{status}"
    );
}

#[test]
fn a_netreach_that_is_deleted_in_mid_round_takes_everything_with_it() {
    let ground = Ground::new();
    let mut manager = ground.manager();
    ground.apply(&net_reach("task").lasting_s(30));
    ground.await_status("task", |status| status["history"][0]["status"] == "ongoing");
    let uid = ground.uid("task");
    assert!(ground.store().join(&uid).exists());
    ground.kubectl.ok("delete netreach task");
    manager.hear("a NetReach has left");
    assert!(!ground.store().join(&uid).join("rounds").exists());
    // A namesake is somebody else, and its agents are free for it.
    ground.apply(&net_reach("task"));
    let status = ground.await_finish("task");
    assert_eq!(
        (&status["doneRound"], &status["lastRoundStatus"]),
        (&json!(1), &json!("succeed")),
        "{status}"
    );
    drop(manager);
    assert!(fs::read_dir(ground.store()).unwrap().count() >= 1);
}
