//! What a status says of what has happened.

use jiff::SignedDuration;
use netreach_api::{NetReachStatus, Rounds};
use netreach_report::{History, NotBegun, Reason, Standing, StatusFacts, Verdict, status};
use netreach_wire::{Gap, GapClass, IpFamily, TargetFamily};

use crate::fixture::{agent, due, facts, history, holds, line, lossy, next, open, report, tell};

fn check(sentence: &str, said: &str) {
    let history = history(sentence);
    assert_eq!(line(&status(&facts(&history, 9))), said, "{sentence}");
}

/// What holds, without Ready.
fn check_holds(facts: &StatusFacts<'_>, held: &str) {
    assert_eq!(holds(&status(facts)).split_once(' ').unwrap().1, held);
}

fn reason_of(reasons: Vec<Reason>) -> String {
    let mut history = History::from_status(None);
    history.close(&report(1, &[agent("a"), agent("b")], &[]), &Verdict::Failed(reasons));
    status(&facts(&history, 1)).history.unwrap()[0].failure_reason.clone().unwrap()
}

#[test]
fn a_status_tells_its_rounds_newest_first() {
    check("", "false 0/9 -");
    check("1 ok", "false 1/9 succeed | 1 succeed +n-a +n-b +n-c");
    check("1 ok, 2 lossy b", "false 2/9 fail | 2 fail SuccessRate +n-a +n-c -n-b | 1 succeed +n-a +n-b +n-c");
    check("1 silent b c", "false 1/9 fail | 1 fail AgentsMissing +n-a ?n-b ?n-c");
    check("1 unknown", "false 1/9 unknown | 1 fail Unknown");
    check("missed 1", "false 1/9 unknown | 1x1 fail Missed");
}

#[test]
fn missed_rounds_in_a_row_are_one_entry() {
    check("missed 1-4, missed 5-7", "false 7/9 unknown | 7x7 fail Missed");
    check(
        "missed 1-2, 3 ok, missed 4",
        "false 4/9 unknown | 4x1 fail Missed | 3 succeed +n-a +n-b +n-c | 2x2 fail Missed",
    );
    let reason = |sentence: &str| {
        let history = status(&facts(&history(sentence), 9)).history.unwrap();
        history[0].failure_reason.clone().unwrap()
    };
    assert_eq!(
        reason("missed 1-4, missed 5-7"),
        "Missed: rounds 1 to 7, due 2023-08-01T08:37:00Z to 2023-08-01T08:43:00Z, could not be started in time"
    );
    assert_eq!(reason("missed 2"), "Missed: round 2, due 2023-08-01T08:38:00Z, could not be started in time");
}

#[test]
fn what_is_done_is_done_once() {
    check("1 ok, 1 lossy a, missed 1", "false 1/9 succeed | 1 succeed +n-a +n-b +n-c");
    check("1 ok, missed 1-3", "false 3/9 unknown | 3x2 fail Missed | 1 succeed +n-a +n-b +n-c");
}

#[test]
fn kubectl_get_shows_what_todays_users_know() {
    let history = history("1 ok");
    let status = serde_json::to_value(status(&facts(&history, 1))).unwrap();
    assert_eq!(status["finish"], true);
    assert_eq!(status["expectedRound"], 1);
    assert_eq!(status["doneRound"], 1);
    assert_eq!(status["lastRoundStatus"], "succeed");
    assert_eq!(status["finishTime"], "2023-08-01T08:37:11Z");
    let round = &status["history"][0];
    assert_eq!(round["startTimeStamp"], "2023-08-01T08:37:00Z");
    assert_eq!(round["endTimeStamp"], "2023-08-01T08:37:11Z");
    assert_eq!(round["deadLineTimeStamp"], "2023-08-01T08:38:00Z");
    assert_eq!(round["duration"], "11.178s");
    assert_eq!(round["expectedActorNumber"], 3);
    assert_eq!(round["succeedAgentNodeNumber"], 3);
    assert_eq!(round["failedAgentNodeList"], serde_json::json!([]));
}

#[test]
fn the_round_under_way_or_else_the_one_to_come_is_the_newest() {
    let history = history("1 ok");
    let said = |open, next, suspended| {
        let facts = StatusFacts { open, next, suspended, ..facts(&history, 9) };
        let status = status(&facts);
        let first = line(&status).split(" | ").nth(1).unwrap().to_owned();
        (first, status.next_round_time.map(|at| at.0))
    };
    let done = "1 succeed +n-a +n-b +n-c".to_owned();
    assert_eq!(said(open(2), next(3), false), ("2 ongoing".to_owned(), Some(due(3))));
    assert_eq!(said(None, next(2), false), ("2 notstarted".to_owned(), Some(due(2))));
    assert_eq!(said(None, next(2), true), (done.clone(), None));
    assert_eq!(said(open(1), None, false), (done, None), "it is done already");
}

#[test]
fn only_ten_rounds_are_told() {
    let many = (1..=20).map(|number| format!("{number} ok")).collect::<Vec<_>>().join(", ");
    let history = history(&many);
    let told = |next| status(&StatusFacts { next, ..facts(&history, 99) }).history.unwrap();
    let numbers = |told: Vec<netreach_api::RoundHistory>| {
        (told[0].round_number, told[told.len() - 1].round_number, told.len())
    };
    assert_eq!(numbers(told(None)), (20, 11, 10));
    assert_eq!(numbers(told(next(21))), (21, 12, 10));
}

#[test]
fn conditions_say_what_holds() {
    let (none, one) = (history(""), history("1 ok"));
    check_holds(
        &facts(&none, 2),
        "Progressing=False/Waiting Complete=False/RoundsLeft Healthy=Unknown/NoRoundYet",
    );
    check_holds(
        &StatusFacts { open: open(2), suspended: true, ..facts(&one, 2) },
        "Progressing=True/RoundOngoing Complete=False/RoundsLeft Healthy=True/Succeeded",
    );
    check_holds(
        &StatusFacts { suspended: true, ..facts(&one, 2) },
        "Progressing=False/Suspended Complete=False/RoundsLeft Healthy=True/Succeeded",
    );
    check_holds(
        &facts(&one, 1),
        "Progressing=False/Finished Complete=True/RoundsDone Healthy=True/Succeeded",
    );
    for (sentence, healthy) in [
        ("1 lossy b", "Healthy=False/SuccessRate"),
        ("1 silent b", "Healthy=False/AgentsMissing"),
        ("1 unknown", "Healthy=Unknown/Unknown"),
        ("1 ok, missed 2", "Healthy=Unknown/Missed"),
        ("1 lossy b, 2 ok", "Healthy=True/Succeeded"),
    ] {
        let history = history(sentence);
        assert!(holds(&status(&facts(&history, 9))).ends_with(healthy), "{sentence}");
    }
}

#[test]
fn conditions_speak_in_sentences() {
    let message = |facts: &StatusFacts<'_>, at: usize| status(facts).conditions.unwrap()[at].message.clone();
    let history = history("1 lossy b");
    let finished = StatusFacts { finished: true, ..facts(&history, 5) };
    for (facts, at, said) in [
        (facts(&history, 5), 0, "3 of 3 agents"),
        (
            StatusFacts { open: open(2), ..facts(&history, 5) },
            1,
            "round 2 is under way until 2023-08-01T08:39:00Z at the latest",
        ),
        (StatusFacts { next: next(2), ..facts(&history, 5) }, 1, "round 2 is due at 2023-08-01T08:38:00Z"),
        (facts(&history, 5), 2, "rounds done: 1, wanted: 5"),
        (
            StatusFacts { rounds: Rounds::Forever, ..facts(&history, 5) },
            2,
            "rounds done: 1, wanted: no end of them",
        ),
        (finished, 2, "rounds done: 1, wanted: 5, but the schedule has no further date"),
        (
            facts(&history, 5),
            3,
            "round 1: agent-b on n-b: 97 of 100 probes to AgentPodV4IP_agent-b_10.0.0.2 \
             succeeded (expected rate: at least 1; timeout-connect: 3)",
        ),
    ] {
        assert_eq!(message(&facts, at), said);
    }
}

#[test]
fn a_condition_that_stays_as_it_was_keeps_its_time() {
    let mut history = history("1 ok");
    let first = status(&facts(&history, 9));
    tell(&mut history, "2 lossy b");
    let later = due(200) + SignedDuration::from_millis(1);
    let second = status(&StatusFacts { before: Some(&first), now: later, ..facts(&history, 9) });
    let since = |status: &NetReachStatus| -> Vec<_> {
        status.conditions.iter().flatten().map(|one| one.last_transition_time.0).collect()
    };
    assert_eq!(since(&first), [due(100); 4]);
    assert_eq!(since(&second), [due(100), due(100), due(100), due(200)]);
    assert_eq!(status(&StatusFacts { before: Some(&second), now: later, ..facts(&history, 9) }), second);
}

#[test]
fn a_reason_begins_with_the_word_that_tells_most() {
    let (a, b) = (agent("a"), agent("b"));
    let loss = "SuccessRate: agent-a on n-a: 97 of 100 probes to AgentPodV4IP_agent-b_10.0.0.2 succeeded (expected \
                rate: at least 1; timeout-connect: 3)";
    let starved =
        Reason::StarvedSlots { agent: b.clone(), target: "t".to_owned(), unsent: 9, local: 0, slots: 10 };
    let missing = Reason::AgentMissing { agent: b.clone(), why: "killed\nby signal 9".to_owned() };
    assert_eq!(reason_of(vec![lossy(&a, 97)]), loss);
    assert_eq!(reason_of(vec![lossy(&a, 97), lossy(&b, 3), lossy(&b, 4)]), format!("{loss}; and 2 more"));
    // A tired agent never speaks for the network, however often it was tired.
    assert_eq!(
        reason_of(vec![starved.clone(), starved.clone(), lossy(&a, 97)]),
        format!("{loss}; also AgentStarved: 2")
    );
    // What an agent that is gone costs the others is never told before it.
    assert_eq!(
        reason_of(vec![missing.clone(), starved, lossy(&a, 97), lossy(&b, 3)]),
        "AgentsMissing: agent-b on n-b left no result: killed by signal 9; also SuccessRate: 2, AgentStarved: 1"
    );
    assert_eq!(
        reason_of(vec![lossy(&b, 97), missing]),
        "AgentsMissing: agent-b on n-b left no result: killed by signal 9; also SuccessRate: 1"
    );
}

#[test]
fn a_reason_keeps_its_bounds_and_its_counts() {
    let long = |node: usize| lossy(&agent(&format!("{node}-{}", "x".repeat(700))), 3);
    let reason = reason_of((0..10).map(long).collect());
    assert!(reason.len() <= 600, "{}", reason.len());
    assert!(reason.ends_with("…; and 9 more"), "{reason}");
}

#[test]
fn a_round_that_never_began_says_why_before_what_it_lacked() {
    let gap = Gap {
        family: TargetFamily::PodIp,
        ip_family: IpFamily::V4,
        class: GapClass::Missing,
        reason: "no agent has one".to_owned(),
    };
    let gap = Reason::TargetMissing { gap };
    let why = "pods are forbidden".to_owned();
    let begun = Reason::NotBegun(NotBegun::NoAgents { why });
    assert_eq!(
        reason_of(vec![gap.clone(), gap, begun]),
        "AgentsMissing: no agent could be started: pods are forbidden; also TargetMissing: 2"
    );
}

#[test]
fn missing_agents_stand_before_the_targets_that_are_missing_with_them() {
    let gap = |family| Reason::TargetMissing {
        gap: Gap {
            family,
            ip_family: IpFamily::V4,
            class: GapClass::Missing,
            reason: "no agent has one".to_owned(),
        },
    };
    let nowhere = netreach_wire::AgentId { node: String::new(), pod: "agent-b".to_owned() };
    let why = "Unschedulable: 0/3 nodes are available: 3 Insufficient memory.".to_owned();
    let missing = Reason::AgentMissing { agent: nowhere, why };
    let faults = vec![gap(TargetFamily::PodIp), gap(TargetFamily::MultusIp), missing];
    let said = "AgentsMissing: agent-b on no node left no result: Unschedulable: 0/3 nodes are available: 3 \
                Insufficient memory.; also TargetMissing: 2";
    assert_eq!(reason_of(faults.clone()), said);
    // Other faults keep their place: by how many they are.
    let lossy = lossy(&agent("a"), 97);
    let with = |losses: usize| {
        let line = reason_of([faults.clone(), vec![lossy.clone(); losses]].concat());
        line.split_once("; also ").unwrap().1.to_owned()
    };
    assert_eq!(with(1), "TargetMissing: 2, SuccessRate: 1");
    assert_eq!(with(3), "SuccessRate: 3, TargetMissing: 2");

    let mut history = History::from_status(None);
    history.close(&report(1, &[agent("a")], &[]), &Verdict::Failed(faults));
    let status = status(&facts(&history, 1));
    let healthy = status.conditions.unwrap().pop().unwrap();
    assert_eq!(healthy.reason, "AgentsMissing");
    assert!(healthy.message.contains("Insufficient memory"), "{}", healthy.message);
}

#[test]
fn an_agent_on_no_node_is_counted_and_not_listed() {
    let nowhere = |pod: &str| netreach_wire::AgentId { node: String::new(), pod: pod.to_owned() };
    let missing = [nowhere("1"), nowhere("2"), agent("b")];
    let why = "nothing came by the deadline".to_owned();
    let reasons = missing.iter().map(|agent| Reason::AgentMissing { agent: agent.clone(), why: why.clone() });
    let mut history = History::from_status(None);
    history.close(&report(1, &[agent("a")], &missing), &Verdict::Failed(reasons.collect()));
    let round = status(&facts(&history, 1)).history.unwrap().remove(0);
    assert_eq!(round.expected_actor_number, Some(4));
    assert_eq!(round.not_report_agent_node_number, Some(3));
    assert_eq!(round.not_report_agent_node_list, ["n-b"]);
    assert_eq!((round.failed_agent_node_number, round.succeed_agent_node_number), (Some(0), Some(1)));
}

#[test]
fn a_node_belongs_to_the_worst_of_its_agents() {
    let on = |node: &str, pod: &str| netreach_wire::AgentId { node: node.to_owned(), pod: pod.to_owned() };
    let (reported, missing) = ([on("n-a", "1"), on("n-a", "2"), on("n-b", "3")], [on("n-b", "4")]);
    let mut history = History::from_status(None);
    let reasons = vec![lossy(&reported[1], 3), lossy(&reported[2], 3)];
    history.close(&report(1, &reported, &missing), &Verdict::Failed(reasons));
    let status = status(&facts(&history, 1));
    assert_eq!(line(&status), "true 1/1 fail | 1 fail SuccessRate -n-a ?n-b");
    assert_eq!(status.history.unwrap()[0].expected_actor_number, Some(4));
}

#[test]
fn a_report_knows_where_its_netreach_stands() {
    let standing = Standing::of(&history("1 lossy a, 2 ok, missed 3-5, 6 unknown"), Rounds::Forever, false);
    let rounds_failed = vec![1, 3, 4, 5, 6];
    assert_eq!(standing, Standing { rounds_expected: -1, rounds_done: 6, rounds_failed, finished: false });
    let endless = history("missed 1-100000");
    assert_eq!(endless.failed_rounds(), (99_901..=100_000).collect::<Vec<_>>());
    assert_eq!(endless.next_number(), 100_001);
}
