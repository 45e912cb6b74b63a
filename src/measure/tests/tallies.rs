//! What a tally counts, and what cannot be one.
#![allow(clippy::unwrap_used, reason = "tests")]

use netreach_measure::{
    BACKENDS_MAX, Digits, Failure, Outcome, Phases, Sample, Spread, Tally, TallyError, TallyParts,
};
use proptest::prelude::*;

const PODS: [&str; 3] = ["agent-a", "agent-b", "agent-c"];

fn sample() -> impl Strategy<Value = Sample<'static>> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Answered(200)),
        1 => (100_u16..=999).prop_map(Outcome::Answered),
        1 => prop::sample::select(Failure::ALL.as_slice()).prop_map(Outcome::Failed),
    ];
    let phase = || prop::option::of(0_u64..2_000_000);
    let phases =
        (phase(), phase(), phase(), 0_u64..4).prop_map(|(connect_us, first_byte_us, rtt_us, retransmits)| {
            Phases { connect_us, first_byte_us, rtt_us, retransmits }
        });
    let backend = prop::option::of(prop::sample::select(PODS.as_slice()));
    (outcome, 0_u64..2_000_000, 0_u64..10_000, phases, 0_u64..500, backend).prop_map(
        |(outcome, latency_us, lateness_us, phases, body_bytes, backend)| Sample {
            outcome,
            latency_us,
            lateness_us,
            phases,
            body_bytes,
            backend,
        },
    )
}

fn tally(samples: &[Sample<'_>], unsent: u64) -> Tally {
    let mut tally = Tally::new(Digits::Three);
    samples.iter().for_each(|sample| tally.record(sample));
    tally.miss(unsent);
    tally
}

/// A tally as far as it can be told from another.
fn seen(tally: &Tally) -> impl PartialEq + std::fmt::Debug + use<> {
    let TallyParts {
        unsent,
        statuses,
        failures,
        backends,
        body_bytes,
        retransmits,
        latency,
        from_slot,
        lateness,
        connect,
        first_byte,
        rtt,
    } = tally.parts().clone();
    let spreads = [latency, from_slot, lateness, connect, first_byte, rtt];
    let seen = |spread: &Spread| {
        (spread.buckets().collect::<Vec<_>>(), spread.min_us(), spread.max_us(), spread.sum_us())
    };
    let spreads: Vec<_> = spreads.iter().map(seen).collect();
    ([unsent, body_bytes, retransmits], statuses, failures, backends, spreads)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merged_is_as_recorded_in_one_whatever_the_order(
        parts in prop::collection::vec((prop::collection::vec(sample(), 0..30), 0_u64..5), 1..4),
        turn in 0_usize..4,
    ) {
        let samples: Vec<_> = parts.iter().flat_map(|(samples, _)| samples.clone()).collect();
        let whole = tally(&samples, parts.iter().map(|(_, unsent)| unsent).sum());
        let mut tallies: Vec<Tally> = parts.iter().map(|(samples, unsent)| tally(samples, *unsent)).collect();
        let turn = turn % tallies.len();
        tallies.rotate_left(turn);
        let mut merged = Tally::new(Digits::Three);
        tallies.iter().for_each(|part| merged.merge(part));
        prop_assert_eq!(seen(&merged), seen(&whole));
    }

    #[test]
    fn every_probe_is_counted_once(samples in prop::collection::vec(sample(), 0..60), unsent in 0_u64..9) {
        let tally = tally(&samples, unsent);
        let answered = samples.iter().filter(|sample| matches!(sample.outcome, Outcome::Answered(_))).count();
        prop_assert_eq!((tally.sent(), tally.answered()), (samples.len() as u64, answered as u64));
        let parts = tally.parts();
        prop_assert_eq!((parts.unsent, parts.latency.count()), (unsent, answered as u64));
        prop_assert_eq!(parts.body_bytes, samples.iter().map(|sample| sample.body_bytes).sum::<u64>());
        // What it says of itself is believed.
        let again = Tally::from_parts(parts.clone()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(seen(&again), seen(&tally));
    }
}

#[test]
fn each_part_that_contradicts_the_outcomes_is_refused_by_its_name() {
    let sample = |outcome| Sample {
        outcome,
        latency_us: 700,
        lateness_us: 3,
        phases: Phases { connect_us: Some(100), first_byte_us: Some(600), rtt_us: Some(90), retransmits: 0 },
        body_bytes: 48,
        backend: Some("agent-a"),
    };
    let answered = sample(Outcome::Answered(200));
    let parts =
        tally(&[answered.clone(), answered, sample(Outcome::Failed(Failure::Reset))], 1).parts().clone();
    let check = |change: fn(&mut TallyParts), what: &'static str, found, expected| {
        let mut parts = parts.clone();
        change(&mut parts);
        let refused = Tally::from_parts(parts).unwrap_err();
        assert_eq!(refused, TallyError::CountsDisagree { what, found, expected });
    };
    check(|parts| parts.latency.record(1), "latency", 3, 2);
    check(|parts| parts.latency = Spread::new(Digits::Three), "latency", 0, 2);
    check(|parts| parts.from_slot.record(1), "fromSlot", 3, 2);
    check(|parts| parts.lateness.record(1), "lateness", 4, 3);
    check(|parts| _ = parts.statuses.insert(404, 1), "latency", 2, 3);
    check(|parts| _ = parts.statuses.remove(&200), "latency", 2, 0);
    check(|parts| _ = parts.failures.insert(Failure::Dns, 1), "lateness", 3, 4);
    check(|parts| _ = parts.failures.remove(&Failure::Reset), "lateness", 3, 2);
    check(|parts| parts.connect.record(1), "connect", 4, 3);
    check(|parts| parts.first_byte.record(1), "firstByte", 4, 3);
    check(|parts| parts.rtt.record(1), "rtt", 4, 3);
    check(|parts| _ = parts.backends.insert("agent-b".to_owned(), 1), "backends", 4, 3);
}

#[test]
fn more_backends_than_a_cluster_has_nodes_are_counted_in_all_and_not_by_name() {
    let mut tally = Tally::new(Digits::Two);
    for index in 0..BACKENDS_MAX + 10 {
        let pod = format!("agent-{index}");
        tally.record(&Sample {
            outcome: Outcome::Answered(200),
            latency_us: 1,
            lateness_us: 1,
            phases: Phases::default(),
            body_bytes: 0,
            backend: Some(&pod),
        });
    }
    assert_eq!((tally.parts().backends.len(), tally.sent()), (BACKENDS_MAX, BACKENDS_MAX as u64 + 10));
    let mut more = Tally::new(Digits::Two);
    more.merge(&tally);
    more.merge(&tally);
    assert_eq!(more.parts().backends.len(), BACKENDS_MAX);
    assert!(more.parts().backends.values().all(|&count| count == 2));
}
