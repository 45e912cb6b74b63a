//! Statuses that nobody in their senses would write.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use netreach_api::{LastRoundStatus, NetReachStatus, RoundHistory, RoundStatus};
use netreach_report::limits::{FAILED_ROUNDS_MAX, HISTORY_MAX, STATUS_BYTES_MAX};
use netreach_report::{History, StatusFacts, Verdict, status};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use crate::fixture::{deadline, due, facts, next, report};

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![3 => 0..20i64, 1 => any::<i64>(), 1 => Just(i64::MAX), 1 => Just(i64::MIN)]
}

fn instant() -> impl Strategy<Value = Time> {
    let seconds = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
    prop_oneof![
        (seconds, 0..1_000_000_000).prop_map(|(second, ns)| Timestamp::new(second, ns).unwrap_or_default()),
        Just(Timestamp::MIN),
        Just(Timestamp::MAX),
        (0..20u64).prop_map(due),
    ]
    .prop_map(Time)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z][a-z]{0,9}: .{0,9}",
        ".{0,40}",
        ("\\PC{1,9}", 0..2_000usize).prop_map(|(s, n)| s.repeat(n))
    ]
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        prop::collection::vec(text(), 0..3),
        (text(), 0..600usize).prop_map(|(name, count)| vec![name; count])
    ]
}

fn round() -> impl Strategy<Value = RoundHistory> {
    let status = prop::sample::select(vec![
        RoundStatus::Succeed,
        RoundStatus::Fail,
        RoundStatus::Ongoing,
        RoundStatus::NotStarted,
    ]);
    let texts = (prop::option::of(text()), prop::option::of(text()));
    let numbers = (number(), prop::option::of(number()), prop::option::of(number()));
    let instants = (instant(), instant(), prop::option::of(instant()));
    (status, texts, numbers, instants, names(), names(), names()).prop_map(
        |(
            status,
            (duration, reason),
            (number, missed, count),
            (start, deadline, end),
            failed,
            silent,
            well,
        )| {
            RoundHistory {
                deadline_time_stamp: deadline,
                duration,
                end_time_stamp: end,
                expected_actor_number: count,
                failed_agent_node_list: failed,
                failed_agent_node_number: count,
                failure_reason: reason,
                missed_round_number: missed,
                not_report_agent_node_list: silent,
                not_report_agent_node_number: count,
                round_number: number,
                start_time_stamp: start,
                status,
                succeed_agent_node_list: well,
                succeed_agent_node_number: count,
            }
        },
    )
}

fn condition() -> impl Strategy<Value = Condition> {
    let type_ = prop::sample::select(vec!["Ready", "Progressing", "Complete", "Healthy", "Odd"]);
    let status = prop::sample::select(vec!["True", "False", "Unknown", ""]);
    (instant(), text(), text(), type_, status).prop_map(|(at, message, reason, type_, status)| Condition {
        last_transition_time: at,
        message,
        observed_generation: None,
        reason,
        status: status.to_owned(),
        type_: type_.to_owned(),
    })
}

fn statuses() -> impl Strategy<Value = NetReachStatus> {
    let last = prop::sample::select(vec![
        None,
        Some(LastRoundStatus::Succeed),
        Some(LastRoundStatus::Fail),
        Some(LastRoundStatus::Unknown),
    ]);
    let history = prop::collection::vec(round(), 0..15);
    let conditions = prop::collection::vec(condition(), 0..6);
    (prop::option::of(number()), prop::option::of(instant()), history, last, conditions).prop_map(
        |(done_round, finish_time, history, last_round_status, conditions)| NetReachStatus {
            done_round,
            finish_time,
            history: Some(history),
            last_round_status,
            conditions: Some(conditions),
            ..NetReachStatus::default()
        },
    )
}

proptest! {
    #![proptest_config(Config {
        cases: 256,
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn any_status_gives_a_history_and_a_bounded_status(odd in statuses(), missed in 0..3u64) {
        let mut history = History::from_status(Some(&odd));
        prop_assert!(history.done() <= i64::MAX.unsigned_abs());
        prop_assert_eq!(history.last().map_or(0, |(number, _)| number), history.done());
        let (first, last) = (history.next_number(), history.next_number().saturating_add(missed));
        for step in 0..3 {
            let facts = StatusFacts {
                next: next(5),
                before: Some(&odd),
                finished: step == 1,
                ..facts(&history, 9)
            };
            let said = status(&facts);
            let json = serde_json::to_vec(&said).unwrap();
            prop_assert!(json.len() <= STATUS_BYTES_MAX, "{} bytes", json.len());
            prop_assert!(said.history.iter().flatten().count() <= HISTORY_MAX);
            prop_assert!(history.failed_rounds().len() <= FAILED_ROUNDS_MAX);
            prop_assert!(history.failed_rounds().is_sorted());
            prop_assert!(said.conditions.iter().flatten().all(|one| !one.reason.is_empty()));
            prop_assert_eq!(&status(&StatusFacts { before: Some(&said), ..facts.clone() }), &said);
            let rebuilt = History::from_status(Some(&said));
            let again = StatusFacts { before: Some(&said), history: &rebuilt, ..facts };
            prop_assert_eq!(&status(&again), &said);
            match step {
                0 => history.miss((first, due(1)), (last, due(2)), deadline(due(2))),
                _ => {
                    let number = history.next_number();
                    history.close(&report(number, &[], &[]), &Verdict::Unknown("odd".to_owned()));
                }
            }
        }
    }
}
