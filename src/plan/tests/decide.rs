//! The life of a NetReach's rounds, decision by decision.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use netreach_api::{CheckedSpec, ClusterFacts, admit};
use netreach_plan::{Case, Decision, DueRound, OpenRound, decide};
use netreach_wire::{AgentId, RoundId};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

const CREATED: &str = "2026-03-01T12:00:00Z";

fn spec(schedule: &str, rounds: i64, timeout_min: u64, suspend: bool) -> CheckedSpec {
    let object = json!({
        "apiVersion": "kdoctor.io/v1beta1",
        "kind": "NetReach",
        "metadata": { "name": "task" },
        "spec": {
            "schedule": { "schedule": schedule, "roundNumber": rounds, "roundTimeoutMinute": timeout_min },
            "suspend": suspend,
        },
    });
    admit(object, &ClusterFacts { ipv4: true, ipv6: true, ..ClusterFacts::default() })
        .expect("a valid spec")
        .checked
}

fn at(minute: f64) -> Timestamp {
    let created: Timestamp = CREATED.parse().expect("an instant");
    created + SignedDuration::from_secs_f64(minute * 60.0)
}

fn minute(instant: Timestamp) -> f64 {
    instant.duration_since(at(0.0)).as_secs_f64() / 60.0
}

fn agent(pod: &str) -> AgentId {
    AgentId { node: "node".to_owned(), pod: pod.to_owned() }
}

/// Minutes count from the creation; `done` is the last round done and when it was due.
fn check(spec: &CheckedSpec, done: Option<(u64, f64)>, now_min: f64, expected: &str) {
    let last = done.map(|(number, due)| DueRound { number, due: at(due) });
    let case = Case { created: at(0.0), last, open: None };
    assert_eq!(show(&decide(spec, &case, at(now_min))), expected, "done {done:?}, minute {now_min}");
}

fn show(decision: &Decision) -> String {
    let round = |round: &DueRound| format!("{} of {}", round.number, minute(round.due));
    match decision {
        Decision::Wait { until: Some(until) } => format!("wait until {}", minute(*until)),
        Decision::Wait { until: None } => "wait".to_owned(),
        Decision::Open { round: due, deadline } => {
            format!("open {}, deadline {}", round(due), minute(*deadline))
        }
        Decision::Miss { first, last } => format!("miss {} to {}", round(first), round(last)),
        Decision::Close { round, reason, missing } => {
            let pods: Vec<&str> = missing.iter().map(|agent| agent.pod.as_str()).collect();
            format!("close {}: {reason:?}, missing {pods:?}", round.number)
        }
        Decision::Finished => "finished".to_owned(),
    }
}

#[test]
fn rounds_open_when_they_are_due() {
    let spec = spec("0 5", 2, 1, false);
    check(&spec, None, -1.0, "wait until 0");
    check(&spec, None, 0.0, "open 1 of 0, deadline 1");
    check(&spec, None, 0.5, "open 1 of 0, deadline 1.5");
    check(&spec, Some((1, 0.0)), 1.0, "wait until 5");
    check(&spec, Some((1, 0.0)), 5.0, "open 2 of 5, deadline 6");
    check(&spec, Some((2, 5.0)), 6.0, "finished");
    check(&spec, Some((9, 5.0)), 6.0, "finished");
}

#[test]
fn after_an_absence_the_latest_round_runs_while_its_time_lasts() {
    let forever = spec("0 5", -1, 2, false);
    check(&forever, Some((1, 0.0)), 21.0, "miss 2 of 5 to 4 of 15");
    check(&forever, Some((4, 15.0)), 21.0, "open 5 of 20, deadline 23");
    check(&forever, Some((1, 0.0)), 22.0, "miss 2 of 5 to 5 of 20");
    check(&forever, Some((5, 20.0)), 22.0, "wait until 25");
    check(&forever, None, 3.0, "miss 1 of 0 to 1 of 0");
}

#[test]
fn missed_rounds_count_as_done() {
    let three = spec("0 5", 3, 1, false);
    check(&three, None, 1_000.0, "miss 1 of 0 to 3 of 10");
    check(&three, Some((3, 10.0)), 1_000.0, "finished");
    check(&three, Some((1, 0.0)), 10.5, "miss 2 of 5 to 2 of 5");
    check(&three, Some((2, 5.0)), 10.5, "open 3 of 10, deadline 11.5");
}

#[test]
fn a_suspended_spec_waits_and_counts_its_absence_as_missed() {
    let schedule = "0 5";
    check(&spec(schedule, 3, 1, true), None, 7.0, "wait");
    check(&spec(schedule, 3, 1, true), Some((3, 10.0)), 70.0, "finished");
    check(&spec(schedule, 3, 1, false), None, 7.0, "miss 1 of 0 to 2 of 5");
}

#[test]
fn years_of_absence_cost_a_bounded_walk() {
    let year = 365.0 * 24.0 * 60.0;
    check(&spec("0 1", -1, 1, false), None, 10.0 * year, "miss 1 of 0 to 5256000 of 5255999");
    check(&spec("* * * * *", -1, 1, false), None, 10.0 * year, "miss 1 of 1 to 50000 of 50000");
    check(
        &spec("* * * * *", -1, 1, false),
        Some((5_255_000, 10.0 * year - 1_000.0)),
        10.0 * year,
        "miss 5255001 of 5255001 to 5255999 of 5255999",
    );
    check(&spec("* * * * *", 30, 1, false), None, 10.0 * year, "miss 1 of 1 to 30 of 30");
}

#[test]
fn a_calendar_without_further_dates_is_finished() {
    check(
        &spec("0 0 1 1 *", -1, 1, false),
        Some((1, 0.0)),
        75.0 * 366.0 * 24.0 * 60.0,
        "miss 2 of 439920 to 75 of 38834640",
    );
    check(&spec("0 0 1 1 *", -1, 1, false), Some((75, 38_834_640.0)), 38_834_650.0, "finished");
}

#[test]
fn an_open_round_closes_by_what_is_known() {
    let check = |submitted: &str, lost: &str, now_min: f64, expected: &str| {
        let set = |pods: &str| -> BTreeSet<AgentId> { pods.split_whitespace().map(agent).collect() };
        let open = OpenRound {
            id: RoundId { uid: "u".to_owned(), number: 7 },
            start: at(30.0),
            deadline: at(31.0),
            expected: vec![agent("b"), agent("a")],
            submitted: set(submitted),
            lost: set(lost),
        };
        let case =
            Case { created: at(0.0), last: Some(DueRound { number: 6, due: at(25.0) }), open: Some(open) };
        // Whatever else is due or changed in the spec: first the open round ends.
        for spec in [spec("0 5", -1, 1, false), spec("0 5", 3, 1, true)] {
            assert_eq!(show(&decide(&spec, &case, at(now_min))), expected);
        }
    };
    check("", "", 30.5, "wait until 31");
    check("a", "", 30.5, "wait until 31");
    check("a b", "", 30.5, "close 7: AllIn, missing []");
    check("a", "b", 30.5, "close 7: AllIn, missing [\"b\"]");
    check("a b", "a b", 30.5, "close 7: AllIn, missing []");
    check("", "a", 30.5, "wait until 31");
    check("", "a b", 30.5, "close 7: NobodyLeft, missing [\"b\", \"a\"]");
    check("stranger", "a b", 30.5, "close 7: NobodyLeft, missing [\"b\", \"a\"]");
    check("", "", 31.0, "close 7: Deadline, missing [\"b\", \"a\"]");
    check("a", "", 35.0, "close 7: Deadline, missing [\"b\"]");
    check("a b", "", 35.0, "close 7: AllIn, missing []");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    /// A decider that sleeps and wakes at random: numbers run on without a hole, no round opens while another is
    /// open or past its time, and each due instant is used up once.
    #[test]
    fn every_due_round_is_opened_or_missed_exactly_once(
        schedule in prop_oneof![Just("0 5"), Just("3 7"), Just("*/10 * * * *"), Just("5,6 */2 * * *")],
        rounds in prop_oneof![Just(-1_i64), 1_i64..40],
        timeout_min in 1_u64..20,
        naps_s in prop::collection::vec(1_i64..3_000, 1..80),
    ) {
        let spec = spec(schedule, rounds, timeout_min, false);
        let mut case = Case { created: at(0.0), last: None, open: None };
        let mut opened: Option<DueRound> = None;
        let mut now = at(0.0);
        for nap_s in naps_s {
            now += SignedDuration::from_secs(nap_s);
            for _ in 0..4 {
                let next = case.last.map_or(1, |last| last.number + 1);
                match decide(&spec, &case, now) {
                    Decision::Wait { until } => {
                        prop_assert!(until.is_some_and(|until| until > now));
                        break;
                    }
                    Decision::Finished => {
                        prop_assert_eq!(case.last.map(|last| last.number as i64), Some(rounds));
                        break;
                    }
                    Decision::Open { round, deadline } => {
                        prop_assert!(case.open.is_none() && round.number == next && round.due <= now);
                        prop_assert!(now < round.due + SignedDuration::from_mins(timeout_min as i64));
                        prop_assert!(case.last.is_none_or(|last| last.due < round.due));
                        let id = RoundId { uid: "u".to_owned(), number: round.number };
                        opened = Some(round);
                        case.open = Some(OpenRound {
                            id, start: now, deadline, expected: vec![agent("a")],
                            submitted: BTreeSet::new(), lost: BTreeSet::new(),
                        });
                    }
                    Decision::Miss { first, last } => {
                        prop_assert!(first.number == next && first.number <= last.number && last.due <= now);
                        prop_assert!(case.last.is_none_or(|last| last.due < first.due));
                        prop_assert!(rounds < 0 || last.number <= rounds as u64);
                        case.last = Some(last);
                    }
                    Decision::Close { round, .. } => {
                        prop_assert_eq!(Some(round.number), opened.map(|round| round.number));
                        case.last = opened.take();
                        case.open = None;
                    }
                }
            }
        }
    }
}
