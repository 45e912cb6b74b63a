//! What makes a round fail, and what does not.

use netreach_api::Expect;
use netreach_measure::Failure;
use netreach_report::{ClosedRound, NotBegun, RoundReport, Standing, Verdict, api_object, judge, merge};
use netreach_wire::{Gap, GapClass, IpFamily, TargetFamily};

use crate::fixture::{Change, Slot, agent, expect, mesh, target};

/// The verdict in a line: its word, then each reason as `code pod>target`.
fn check_with(expect: &Expect, round: ClosedRound, verdict: &str) {
    let line = match judge(&merge(round), expect) {
        Verdict::Failed(reasons) => reasons.iter().fold("fail".to_owned(), |line, reason| {
            let pod = reason.agent().map(|agent| format!(" {}", agent.pod)).unwrap_or_default();
            let target = reason.target().map(|target| format!(">{target}")).unwrap_or_default();
            format!("{line}; {}{pod}{target}", reason.code())
        }),
        Verdict::Unknown(why) => format!("unknown: {why}"),
        Verdict::Succeeded => "succeed".to_owned(),
    };
    assert_eq!(line, verdict);
}

fn check(round: ClosedRound, verdict: &str) {
    check_with(&expect(), round, verdict);
}

fn gap(class: GapClass) -> Gap {
    Gap {
        family: TargetFamily::ClusterIp,
        ip_family: IpFamily::V6,
        class,
        reason: "the Service has no IPv6 address".to_owned(),
    }
}

#[test]
fn a_whole_mesh_succeeds() {
    check(mesh(&["a", "b", "c"]), "succeed");
}

#[test]
fn an_agent_that_is_silent_lost_or_late_is_missing() {
    check(mesh(&["a", "b"]).silent("b"), "fail; AgentsMissing agent-b");
    check(mesh(&["a", "b"]).late("b"), "fail; AgentsMissing agent-b");
    check(mesh(&["a", "b"]).silent("a").silent("b"), "fail; AgentsMissing agent-a; AgentsMissing agent-b");
    let mut killed = mesh(&["a", "b"]).silent("b");
    killed.lost.insert(agent("b"), "process ended by signal 9".to_owned());
    let report = merge(killed);
    assert_eq!(report.missing[0].why, "process ended by signal 9");
    let Verdict::Failed(reasons) = judge(&report, &expect()) else {
        panic!("a lost agent must fail the round")
    };
    assert_eq!(reasons[0].to_string(), "agent-b on n-b left no result: process ended by signal 9");
}

#[test]
fn one_bad_answer_fails_its_target_and_no_other() {
    let refused = mesh(&["a", "b"]).seen("a", "b", |seen| seen.become_(3, Slot::Failed(Failure::Refused)));
    let Verdict::Failed(reasons) = judge(&merge(refused.clone()), &expect()) else {
        panic!("3 were refused")
    };
    let sentence = "agent-a on n-a: 97 of 100 probes to AgentPodV4IP_agent-b_127.0.0.1 succeeded \
                    (expected rate: at least 1; refused: 3)";
    assert_eq!(reasons[0].to_string(), sentence);
    check(refused.clone(), &format!("fail; SuccessRate agent-a>{}", target("b")));
    check_with(&Expect { success_rate: 0.97, ..expect() }, refused.clone(), "succeed");
    check_with(
        &Expect { success_rate: 0.98, ..expect() },
        refused,
        &format!("fail; SuccessRate agent-a>{}", target("b")),
    );
}

#[test]
fn the_expected_status_is_2xx_unless_one_is_named() {
    let answered = |status| mesh(&["a"]).seen("a", "a", |seen| seen.become_(100, Slot::Answered(status)));
    let failed = format!("fail; SuccessRate agent-a>{}", target("a"));
    check(answered(204), "succeed");
    check(answered(404), &failed);
    check(answered(302), &failed);
    let named = Expect { status_code: Some(404), ..expect() };
    check_with(&named, answered(404), "succeed");
    check_with(&named, mesh(&["a"]), &failed);
}

#[test]
fn a_slow_target_fails_and_a_tired_agent_is_named_instead() {
    let slow = |lateness_us| {
        mesh(&["a"]).seen("a", "a", |seen| (seen.latency_us, seen.lateness_us) = (1_500_001, lateness_us))
    };
    check(slow(120), &format!("fail; MeanDelay agent-a>{}", target("a")));
    // A tenth of 1,500 ms, within the two digits that lateness keeps.
    check(slow(148_000), &format!("fail; MeanDelay agent-a>{}", target("a")));
    check(slow(152_000), &format!("fail; AgentStarved agent-a>{}", target("a")));
    let strict = Expect { mean_access_delay_ms: 1, ..expect() };
    let late = |lateness_us| mesh(&["a"]).seen("a", "a", |seen| seen.lateness_us = lateness_us);
    check_with(&strict, late(4_900), &format!("fail; MeanDelay agent-a>{}", target("a")));
    check_with(&strict, late(5_100), &format!("fail; AgentStarved agent-a>{}", target("a")));
    check(late(500_000), "succeed");
}

#[test]
fn what_an_agent_could_not_send_never_helps_a_round_to_pass() {
    let lacking = |count, slot| {
        mesh(&["a", "b"]).seen("b", "a", |seen: &mut crate::fixture::Seen| seen.become_(count, slot))
    };
    let starved = format!("fail; AgentStarved agent-b>{}", target("a"));
    check(lacking(1, Slot::Unsent), &starved);
    check(lacking(100, Slot::Unsent), &starved);
    check(lacking(1, Slot::Failed(Failure::LocalResource)), &starved);
    check(lacking(100, Slot::Failed(Failure::LocalResource)), &starved);
    let lenient = Expect { success_rate: 0.9, ..expect() };
    check_with(&lenient, lacking(10, Slot::Unsent), "succeed");
    check_with(&lenient, lacking(11, Slot::Unsent), &starved);
    check_with(&Expect { success_rate: 0.0, ..expect() }, lacking(100, Slot::Unsent), &starved);
}

#[test]
fn timeouts_of_a_tired_agent_are_its_own_unless_the_target_hardly_answers() {
    let timed_out = |count, lateness_us| {
        mesh(&["a"]).seen("a", "a", |seen| {
            seen.become_(count, Slot::Failed(Failure::TimeoutResponse));
            seen.lateness_us = lateness_us;
        })
    };
    check(timed_out(5, 120), &format!("fail; SuccessRate agent-a>{}", target("a")));
    check(timed_out(5, 500_000), &format!("fail; AgentStarved agent-a>{}", target("a")));
    check(timed_out(50, 500_000), &format!("fail; SuccessRate agent-a>{}", target("a")));
}

#[test]
fn a_gap_fails_the_round_only_where_an_address_should_have_been() {
    let with = |class| ClosedRound { gaps: vec![gap(class)], ..mesh(&["a"]) };
    check(with(GapClass::NotHere), "succeed");
    check(with(GapClass::Missing), "fail; TargetMissing");
}

#[test]
fn a_round_that_probed_nothing_is_no_success() {
    check(mesh(&[]), "fail; TargetMissing");
    check(ClosedRound { gaps: vec![gap(GapClass::NotHere)], ..mesh(&[]) }, "fail; TargetMissing");
}

#[test]
fn an_interrupted_round_is_unknown_and_an_interrupted_agent_fails_it() {
    let stopped = ClosedRound { interrupted: true, ..mesh(&["a"]) };
    check(stopped, "unknown: the round was interrupted, its report is partial");
    let alone = mesh(&["a", "b"])
        .seen("a", "b", |seen| seen.become_(40, Slot::Unsent))
        .says("a", |result| result.interrupted = true);
    check(alone, &format!("fail; Interrupted agent-a>{}", target("b")));
}

#[test]
fn results_that_were_lost_leave_the_verdict_open() {
    let lost = ClosedRound { results_lost: Some("the disk is full".to_owned()), ..mesh(&["a"]) };
    check(lost, "unknown: the results cannot be judged: the disk is full");
}

#[test]
fn a_round_that_never_began_fails_and_says_why() {
    let unbegun = |not_begun| ClosedRound { not_begun: Some(not_begun), ..mesh(&[]) };
    let no_agents = unbegun(NotBegun::NoAgents { why: "pods are forbidden".to_owned() });
    let over_budget = unbegun(NotBegun::OverBudget { why: "cannot plan a round of 6000 agents".to_owned() });
    check(no_agents.clone(), "fail; AgentsMissing");
    check(over_budget.clone(), "fail; OverBudget");
    check(
        ClosedRound { gaps: vec![gap(GapClass::Missing)], ..no_agents.clone() },
        "fail; AgentsMissing; TargetMissing",
    );
    let standing = Standing { rounds_expected: 1, rounds_done: 1, rounds_failed: vec![1], finished: true };
    for (round, code, message) in [
        (no_agents, "AgentsMissing", "no agent could be started: pods are forbidden"),
        (over_budget, "OverBudget", "the round was not begun: cannot plan a round of 6000 agents"),
    ] {
        let report = merge(round);
        let stored = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<RoundReport>(&stored).unwrap(), report);
        let document = serde_json::to_value(api_object(&report, &expect(), &standing)).unwrap();
        let reason = &document["spec"]["FailureReasons"][0];
        assert_eq!((&reason["Code"], &reason["Message"]), (&code.into(), &message.into()));
    }
}
