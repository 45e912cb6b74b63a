//! Statuses one after another, and what is said of each.

use netreach_api::{Load, NetReachStatus, RequestConnection, Rounds};
use serde_json::{Value, json};

use super::story::{EndedRound, Story, Tale};
use super::wording::Wanted;
use crate::ending::Ending;

const NOW: &str = "2023-08-01T08:36:56Z";

fn wanted(rounds: Rounds) -> Wanted {
    let load = Load { qps: 10, duration_s: 10, timeout_ms: 500, connection: RequestConnection::New };
    Wanted { rounds, load }
}

fn round(number: u64, status: &str, more: Value) -> Value {
    let mut round = json!({
        "deadLineTimeStamp": "2023-08-01T08:37:56Z", "startTimeStamp": NOW, "roundNumber": number, "status": status,
        "failedAgentNodeList": [], "notReportAgentNodeList": [], "succeedAgentNodeList": [],
    });
    round.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    round
}

fn succeed(number: u64) -> Value {
    round(number, "succeed", json!({}))
}

fn fail(number: u64, why: &str) -> Value {
    round(number, "fail", json!({"failureReason": why}))
}

fn missed(last: u64, count: u64) -> Value {
    round(last, "fail", json!({"failureReason": "Missed: due too early", "missedRoundNumber": count}))
}

fn ongoing(number: u64) -> Value {
    round(number, "ongoing", json!({"expectedActorNumber": 3}))
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": NOW})
}

fn status(history: &[Value]) -> Value {
    let done = history.iter().filter(|round| round["status"] == "succeed" || round["status"] == "fail");
    let done = done.filter_map(|round| round["roundNumber"].as_u64()).max().unwrap_or(0);
    json!({"finish": false, "history": history, "doneRound": done, "expectedRound": 3})
}

fn finished(history: &[Value]) -> Value {
    with(status(history), "finish", true)
}

fn with(mut status: Value, field: &str, value: impl Into<Value>) -> Value {
    status[field] = value.into();
    status
}

fn look(story: &mut Story, status: &Value) -> Vec<Tale> {
    let status: NetReachStatus = serde_json::from_value(status.clone()).unwrap();
    story.look(&status, NOW.parse().unwrap())
}

/// Each status with the lines that are said of it; what is said is not said again.
#[track_caller]
fn check(rounds: Rounds, statuses: &[(Value, &[&str])], ending: Ending) {
    let (mut story, wanted) = (Story::new(rounds), wanted(rounds));
    for (status, expected) in statuses {
        let said: Vec<_> = look(&mut story, status).iter().filter_map(|tale| wanted.line(tale)).collect();
        assert_eq!(said, *expected);
        let again = look(&mut story, status);
        assert!(again.is_empty(), "{again:?}");
    }
    assert_eq!(story.ending(), ending);
}

#[test]
fn a_run_is_told_from_its_agents_to_its_last_round() {
    let lacking = condition("Ready", "False", "Preparing", "1 of 3 agent pods are there");
    let ready = condition("Ready", "True", "Prepared", "agents and addresses are there");
    let to_come = |number| round(number, "notstarted", json!({}));
    let next = |status, at: &str| with(status, "nextRoundTime", at);
    let statuses: [(Value, &[&str]); 6] = [
        (
            with(next(status(&[to_come(1)]), NOW), "conditions", json!([lacking])),
            &["waiting for agents: 1 of 3 agent pods are there"],
        ),
        (with(status(&[to_come(1)]), "conditions", json!([ready])), &[]),
        (
            status(&[ongoing(1)]),
            &["round 1/2: 3 agents send 10 requests/s to each of their targets for 10 s"],
        ),
        (
            next(status(&[to_come(2), succeed(1)]), "2023-08-01T09:36:56Z"),
            &["round 1/2 has ended: succeed", "next round at 2023-08-01T09:36:56Z; Ctrl-C ends the run"],
        ),
        (
            status(&[ongoing(2), succeed(1)]),
            &["round 2/2: 3 agents send 10 requests/s to each of their targets for 10 s"],
        ),
        (finished(&[succeed(2), succeed(1)]), &["round 2/2 has ended: succeed"]),
    ];
    check(Rounds::Count(2), &statuses, Ending::Succeeded);
}

#[test]
fn a_round_that_failed_fails_the_run_whatever_comes_after() {
    let statuses: [(Value, &[&str]); 2] = [
        (status(&[fail(1, "SuccessRate: 3 of 100")]), &["round 1/2 has ended: fail: SuccessRate: 3 of 100"]),
        (finished(&[succeed(2), fail(1, "SuccessRate: 3 of 100")]), &["round 2/2 has ended: succeed"]),
    ];
    check(Rounds::Count(2), &statuses, Ending::NotSucceeded);
    let unknown = finished(&[fail(1, "Unknown: results are lost")]);
    let said: &[&str] = &["round 1/1 has ended: unknown: Unknown: results are lost"];
    check(Rounds::Count(1), &[(unknown, said)], Ending::NotSucceeded);
}

#[test]
fn missed_rounds_are_told_once_and_fail_the_run() {
    let statuses: [(Value, &[&str]); 3] = [
        (status(&[missed(2, 2)]), &["rounds 1 to 2: Missed: due too early; there is no report"]),
        (status(&[missed(3, 3)]), &["round 3/4: Missed: due too early; there is no report"]),
        (finished(&[succeed(4), missed(3, 3)]), &["round 4/4 has ended: succeed"]),
    ];
    check(Rounds::Count(4), &statuses, Ending::NotSucceeded);
}

#[test]
fn rounds_that_ended_unseen_are_told_and_only_the_newest_has_a_report() {
    let mut story = Story::new(Rounds::Count(9));
    let tales = look(&mut story, &status(&[missed(7, 2), succeed(5), fail(4, "MeanDelay: slow")]));
    let newest = |tale: &Tale| match tale {
        Tale::Ended(EndedRound { number, is_newest, .. }) => Some((*number, *is_newest)),
        _ => None,
    };
    assert_eq!(tales.iter().filter_map(newest).collect::<Vec<_>>(), [(4, false), (5, true)]);
    assert_eq!(tales[0], Tale::Untold { first: 1, last: 3 });
    // A status that counts rounds and tells of none.
    let tales = look(&mut story, &with(status(&[]), "doneRound", 8));
    assert_eq!(tales, [Tale::Untold { first: 8, last: 8 }]);
    assert_eq!(story.ending(), Ending::NotSucceeded);
}

#[test]
fn a_run_whose_schedule_ends_early_is_short_and_no_success() {
    let mut story = Story::new(Rounds::Count(2));
    look(&mut story, &finished(&[succeed(1)]));
    assert!(story.is_short());
    assert_eq!((story.ending(), story.done()), (Ending::NotSucceeded, 1));
    let mut endless = Story::new(Rounds::Forever);
    look(&mut endless, &finished(&[succeed(1)]));
    assert_eq!((endless.ending(), endless.is_short()), (Ending::Succeeded, false));
}

#[test]
fn a_spec_that_the_manager_refuses_will_never_run() {
    let invalid = condition("Ready", "False", "InvalidSpec", "spec.request.qps: must be at least 1");
    let mut story = Story::new(Rounds::Forever);
    let tales = look(&mut story, &with(status(&[]), "conditions", json!([invalid])));
    assert_eq!(tales, [Tale::Invalid("spec.request.qps: must be at least 1".to_owned())]);
}

#[test]
fn a_netreach_that_is_suspended_says_so() {
    let suspended =
        condition("Progressing", "False", "Suspended", "no new round starts while spec.suspend is true");
    let said: &[&str] = &["waiting: no new round starts while spec.suspend is true"];
    check(
        Rounds::Forever,
        &[(with(status(&[]), "conditions", json!([suspended])), said)],
        Ending::NotSucceeded,
    );
}
