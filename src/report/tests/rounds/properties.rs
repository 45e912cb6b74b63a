//! What holds of every round.

use netreach_measure::Failure;
use netreach_report::{ClosedRound, Standing, TargetReport, Verdict, api_object, judge, merge};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::Value;

use crate::fixture::{Change, LOAD, Slot, expect, mesh};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn slot() -> impl Strategy<Value = Slot> {
    prop_oneof![
        4 => Just(Slot::Answered(200)),
        1 => (100u16..=999).prop_map(Slot::Answered),
        1 => prop::sample::select(Failure::ALL.as_slice()).prop_map(Slot::Failed),
        1 => Just(Slot::Unsent),
    ]
}

/// A mesh of four in which some targets are seen otherwise and some agents are late, silent or stopped.
pub(crate) fn rounds() -> impl Strategy<Value = ClosedRound> {
    let seen = (0..4usize, 0..4usize, slot(), 1..=100usize);
    let agents = prop::collection::vec(0..4u8, 4);
    (prop::collection::vec(seen, 0..6), agents, any::<bool>()).prop_map(|(seen, agents, interrupted)| {
        let mut round = ClosedRound { interrupted, ..mesh(&NAMES) };
        for (from, to, slot, count) in seen {
            round = round.seen(NAMES[from], NAMES[to], |seen| seen.become_(count, slot));
        }
        for (name, fate) in NAMES.into_iter().zip(agents) {
            round = match fate {
                0 => round.silent(name),
                1 => round.late(name),
                2 => round.says(name, |result| result.interrupted = true),
                _ => round,
            };
        }
        round
    })
}

pub(crate) fn standing() -> Standing {
    Standing { rounds_expected: 1, rounds_done: 1, rounds_failed: Vec::new(), finished: true }
}

fn count(value: &Value) -> u64 {
    match value {
        Value::Object(map) => map.values().map(count).sum(),
        value => value.as_u64().unwrap(),
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 64,
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn the_order_of_results_changes_nothing(round in rounds(), seed in any::<[usize; 4]>()) {
        let mut shuffled = round.clone();
        for (at, with) in seed.into_iter().enumerate().take(shuffled.submitted.len()) {
            let with = with % shuffled.submitted.len();
            shuffled.submitted.swap(at, with);
            shuffled.assignments.swap(at, with);
        }
        let (one, other) = (merge(round), merge(shuffled));
        prop_assert_eq!(judge(&one, &expect()), judge(&other, &expect()));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn every_slot_is_counted_once_in_the_document(round in rounds()) {
        let document = serde_json::to_value(api_object(&merge(round), &expect(), &standing())).unwrap();
        for agent in document["spec"]["Report"].as_array().unwrap() {
            for detail in agent["NetReachTask"]["Detail"].as_array().unwrap() {
                let metrics = &detail["Metrics"];
                let requests = count(&metrics["RequestCounts"]);
                prop_assert_eq!(requests + count(&detail["UnsentCounts"]), LOAD.slots());
                prop_assert_eq!(count(&metrics["SuccessCounts"]) + count(&metrics["Errors"]), requests);
            }
        }
    }

    #[test]
    fn only_a_whole_round_in_time_and_without_errors_succeeds(round in rounds()) {
        let report = merge(round);
        let whole = report.agents.len() == NAMES.len() && !report.interrupted;
        let good = |target: &TargetReport| {
            let statuses = target.statuses.iter().filter(|(status, _)| (200..300).contains(*status));
            statuses.map(|(_, count)| count).sum::<u64>() == LOAD.slots()
        };
        let clean = report.agents.iter().all(|agent| !agent.late && agent.targets.iter().all(good));
        prop_assert_eq!(judge(&report, &expect()) == Verdict::Succeeded, whole && clean);
    }
}
