//! Specs that are edited: to another schedule, to something that does not pass, and back.

use jiff::{SignedDuration, Timestamp};
use netreach_tests::net_reach;
use serde_json::{Value, json};

use super::agent::patch_status;
use super::ground::{Ground, condition, words};

/// A date that never comes: a schema does not see that.
const NEVER: &str = "0 0 30 2 *";
/// A date that comes late enough.
const YEARLY: &str = "0 0 1 1 *";
const EVERY_MINUTE: &str = "* * * * *";

/// Four rounds are done, the last of them half an hour ago, as a manager left it that is gone.
fn done_half_an_hour_ago(ground: &Ground, name: &str) {
    let at = Timestamp::now() - SignedDuration::from_mins(30);
    let at = at.strftime("%Y-%m-%dT%H:%M:00Z").to_string();
    let round = json!({
        "roundNumber": 4, "status": "succeed", "startTimeStamp": at, "endTimeStamp": at, "deadLineTimeStamp": at,
        "failedAgentNodeList": [], "notReportAgentNodeList": [], "succeedAgentNodeList": ["node-1", "node-2"],
    });
    let status = json!({
        "doneRound": 4, "expectedRound": -1, "observedGeneration": 1, "finish": false, "lastRoundStatus": "succeed", "history": [round],
    });
    patch_status(&ground.kubectl, &format!("netreach {name}"), &status);
}

/// The fifth round was the next and the last, and began after that instant.
fn went_on(ground: &Ground, name: &str, after: Timestamp) {
    let status = ground.await_complete(name);
    let numbers = |round: &Value| (round["roundNumber"].clone(), round["missedRoundNumber"].clone());
    let history: Vec<_> = status["history"].as_array().unwrap().iter().map(numbers).collect();
    assert_eq!(history, [(json!(5), Value::Null), (json!(4), Value::Null)], "{name}: {status}");
    let round = &status["history"][0];
    assert_eq!(round["status"], "succeed", "{name}: {status}");
    let began: Timestamp = round["startTimeStamp"].as_str().unwrap().parse().unwrap();
    assert!(began.as_second() >= after.as_second(), "{name}: {status}");
    assert!(!ground.events(name).contains(&"RoundMissed".to_owned()), "{name}");
}

#[test]
fn a_schedule_that_is_edited_has_missed_nothing_and_rounds_go_on_by_the_new_one() {
    let ground = Ground::new();
    let endless = |name, schedule| {
        net_reach(name).with("/spec/schedule/roundNumber", -1).with("/spec/schedule/schedule", schedule)
    };
    ground.apply(&endless("live", YEARLY));
    ground.apply(&endless("away", YEARLY));
    ground.apply(&endless("faulty", EVERY_MINUTE).with("/spec/suspend", true));
    for name in ["live", "away", "faulty"] {
        done_half_an_hour_ago(&ground, name);
    }
    let once_more = json!({"schedule": {"schedule": EVERY_MINUTE, "roundNumber": 5}});
    let edited = Timestamp::now();
    ground.edit("away", &once_more);
    let _manager = ground.manager();
    ground.await_status("live", |status| status["nextRoundTime"].is_string());
    ground.await_status("faulty", |status| status["conditions"].is_array());
    ground.edit("live", &once_more);
    ground.edit("faulty", &json!({"schedule": {"schedule": NEVER}}));
    ground.await_status("faulty", |status| condition(status, "Ready") == ("False", "InvalidSpec"));
    ground
        .edit("faulty", &json!({"schedule": {"schedule": EVERY_MINUTE, "roundNumber": 5}, "suspend": false}));
    for name in ["live", "away", "faulty"] {
        went_on(&ground, name, edited);
    }
}

#[test]
fn a_spec_that_does_not_pass_any_more_begins_no_round_and_lets_one_under_way_end() {
    let ground = Ground::new();
    let _manager = ground.manager();
    let of_schedule = |schedule: &str| json!({"schedule": {"schedule": schedule}});
    ground.apply(&net_reach("edited").lasting_s(5));
    ground.apply(&net_reach("born-faulty").with("/spec/schedule/schedule", NEVER));
    let born = ground.await_status("born-faulty", |status| status["conditions"].is_array());
    assert_eq!(condition(&born, "Ready"), ("False", "InvalidSpec"));
    ground.await_status("edited", |status| status["history"][0]["status"] == "ongoing");
    ground.edit("edited", &of_schedule(NEVER));

    let status =
        ground.await_status("edited", |status| condition(status, "Ready") == ("False", "InvalidSpec"));
    assert_eq!(status["history"][0]["status"], "ongoing", "{status}");
    assert!(words(&status, "Ready").starts_with("spec.schedule.schedule: "), "{status}");
    // It ends by the spec that it was begun with.
    let status = ground.await_status("edited", |status| status["doneRound"] == 1);
    assert_eq!(
        (&status["lastRoundStatus"], &status["finish"]),
        (&json!("succeed"), &json!(false)),
        "{status}"
    );
    assert_eq!(
        (condition(&status, "Ready"), &status["nextRoundTime"]),
        (("False", "InvalidSpec"), &Value::Null)
    );
    assert_eq!(status["history"].as_array().unwrap().len(), 1, "{status}");

    for name in ["edited", "born-faulty"] {
        ground.edit(name, &of_schedule("0 1"));
        let status = ground.await_finish(name);
        let rounds = (&status["doneRound"], &status["lastRoundStatus"]);
        assert_eq!(rounds, (&json!(1), &json!("succeed")), "{name}: {status}");
        assert_eq!(condition(&status, "Ready"), ("True", "Prepared"), "{name}: {status}");
    }
}
