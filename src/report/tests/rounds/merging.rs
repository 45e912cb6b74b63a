//! What the merge believes, and what it refuses.

use netreach_report::{ClosedRound, Merging, RoundReport, Submitted, Verdict, judge, merge};
use netreach_wire::{AgentResult, RoundId, WireTally};

use crate::fixture::{Change, START_US, Slot, agent, expect, mesh, tally, well};

/// The reason for which b's result is refused.
fn check(change: impl FnOnce(&mut AgentResult), why: &str) {
    let report = merge(mesh(&["a", "b"]).says("b", change));
    assert_eq!(report.agents.len(), 1);
    assert_eq!(report.missing.len(), 1);
    assert_eq!((&report.missing[0].agent, report.missing[0].why.as_str()), (&agent("b"), why));
}

fn edited(tally: &WireTally, edit: impl FnOnce(&mut serde_json::Value)) -> WireTally {
    let mut value = serde_json::to_value(tally).unwrap();
    edit(&mut value);
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_result_that_contradicts_itself_or_its_assignment_is_missing_with_the_reason() {
    check(|result| result.round = RoundId { uid: "0c5e".to_owned(), number: 2 }, {
        "result refused: result is of round 0c5e/2 (this is 0c5e/1)"
    });
    check(|result| drop(result.targets.pop()), "result refused: result holds 1 targets (assigned: 2)");
    check(
        |result| {
            let mut seen = well();
            seen.slots.pop();
            result.targets[1].tally = tally(&seen, "agent-b");
        },
        "result refused: result counts 99 of 100 slots at AgentPodV4IP_agent-b_127.0.0.1 \
         (a whole round counts each once)",
    );
    check(
        |result| {
            let tally = &mut result.targets[0].tally;
            *tally = edited(tally, |value| value["failures"]["cosmic-rays"] = 1.into());
        },
        "result refused: failure \"cosmic-rays\" is not in the taxonomy",
    );
    check(
        |result| result.started_at_us = i64::MAX,
        "result refused: result began or ended at no instant of the calendar (years -9999 to 9999)",
    );
    check(
        |result| result.elapsed_us = u64::MAX,
        "result refused: result began or ended at no instant of the calendar (years -9999 to 9999)",
    );
    check(|result| result.usage.cpu_max_percent = f64::NAN, {
        "result refused: CPU share is negative or no number"
    });
}

#[test]
fn more_slots_than_planned_are_refused_even_of_a_stopped_agent() {
    let mut seen = well();
    seen.slots.push(Slot::Unsent);
    let change = |result: &mut AgentResult| {
        result.interrupted = true;
        result.targets[0].tally = tally(&seen, "agent-a");
    };
    check(
        change,
        "result refused: result counts 101 of 100 slots at AgentPodV4IP_agent-a_127.0.0.1 \
         (a whole round counts each once)",
    );
}

#[test]
fn slots_a_stopped_agent_never_came_to_are_unsent() {
    let mut seen = well();
    seen.slots.truncate(30);
    let report = merge(mesh(&["a"]).says("a", |result| {
        result.interrupted = true;
        result.targets[0].tally = tally(&seen, "agent-a");
    }));
    let target = &report.agents[0].targets[0];
    assert_eq!((target.slots, target.sent(), target.unsent), (100, 30, 70));
}

#[test]
fn an_agents_clock_is_brought_to_the_managers() {
    let mut round = mesh(&["a"]).says("a", |result| result.started_at_us = START_US + 90_000_000);
    round.clock_offsets_us.insert(agent("a"), 90_000_000);
    let agent = &merge(round).agents[0];
    assert_eq!(agent.started.as_microsecond(), START_US);
    assert_eq!(agent.targets[0].began.as_microsecond(), START_US + 40_000);
}

#[test]
fn a_doubled_result_counts_once_and_the_one_on_time_wins() {
    let mut round = mesh(&["a"]);
    let late = Submitted { late: true, ..round.submitted[0].clone() };
    round.submitted = vec![late.clone(), round.submitted[0].clone(), late];
    let report = merge(round);
    assert_eq!(report.agents.len(), 1);
    assert!(!report.agents[0].late);
}

#[test]
fn a_result_nobody_asked_for_is_dropped() {
    let mut round = mesh(&["a"]);
    round.submitted.push(mesh(&["z"]).submitted.remove(0));
    assert_eq!(merge(round), merge(mesh(&["a"])));
}

#[test]
fn figures_are_those_of_the_samples() {
    let report = merge(mesh(&["a"]));
    let latency = report.agents[0].targets[0].latency.unwrap();
    // 23,080 µs to 23,179 µs in steps of one.
    assert_eq!((latency.count, latency.min_us, latency.max_us), (100, 23_080, 23_179));
    assert!((latency.mean_us() - 23_129.5).abs() < 1e-9, "mean {}", latency.mean_us());
    assert!(latency.p50_us.abs_diff(23_129) <= 24 && latency.p99_us.abs_diff(23_178) <= 24);
    assert_eq!(report.agents[0].lateness.unwrap().count, 100);
}

#[test]
fn a_report_survives_its_own_json() {
    let round = ClosedRound { sampling: Some("1 of 2 peers".to_owned()), ..mesh(&["a", "b"]).silent("b") };
    let report = merge(round);
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<RoundReport>(&text).unwrap(), report);
}

#[test]
fn results_taken_one_at_a_time_make_the_report_that_all_at_once_make() {
    let mut round = mesh(&["a", "b", "c"]).silent("b").late("c");
    let whole = merge(round.clone());
    let submitted = std::mem::take(&mut round.submitted);
    let mut merging = Merging::new(round);
    submitted.iter().rev().for_each(|one| merging.take(one));
    assert_eq!(merging.finish(), whole);
}

#[test]
fn a_clock_that_comes_with_the_result_counts_as_one_that_was_known() {
    let mut round = mesh(&["a"]).says("a", |result| result.started_at_us = START_US + 90_000_000);
    let one = round.submitted.remove(0);
    let mut merging = Merging::new(round);
    merging.take_by_clock(&one, 90_000_000);
    assert_eq!(merging.finish(), merge(mesh(&["a"])));
}

#[test]
fn a_round_of_which_a_result_was_lost_on_the_way_cannot_be_judged() {
    let mut merging = Merging::new(mesh(&["a"]));
    merging.lose("that of agent-b is torn".to_owned());
    let unknown = "the results cannot be judged: that of agent-b is torn".to_owned();
    assert_eq!(judge(&merging.finish(), &expect()), Verdict::Unknown(unknown));
}

#[test]
fn a_damaged_result_is_lost_unless_another_of_its_agent_is_whole() {
    let mut round = mesh(&["a", "b"]).silent("b");
    let [a, b] = [0, 1].map(|at| round.assignments[at].agent.clone());
    let whole = round.submitted.remove(0);
    let mut merging = Merging::new(round);
    merging.take(&whole);
    merging.lose_result(&a, "it is torn");
    merging.lose_result(&b, "it is torn");
    let report = merging.finish();
    let lost: Vec<_> = report.missing.iter().map(|one| (&one.agent, one.why.as_str())).collect();
    assert_eq!(lost, [(&b, "its result is damaged: it is torn")]);
    assert_eq!(report.results_lost, Some(format!("that of {b} is damaged: it is torn")));
}
