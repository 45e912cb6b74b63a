//! What is sent comes back.

use netreach_measure::{Digits, Outcome, Phases, Sample, Spread, Tally};
use netreach_wire::{AgentResult, Malformed, WireTally};
use proptest::prelude::*;

use crate::samples::{results, tallies};

const QUANTILES: [f64; 6] = [0.1, 0.5, 0.9, 0.95, 0.99, 1.0];

fn sent(tally: &WireTally) -> Result<Tally, Malformed> {
    let text = serde_json::to_string(tally).unwrap();
    Tally::try_from(&serde_json::from_str::<WireTally>(&text).unwrap())
}

/// Every distribution, those in front with as many digits as the receiver keeps of them.
fn spreads(tally: &Tally) -> [&Spread; 6] {
    let parts = tally.parts();
    [&parts.latency, &parts.from_slot, &parts.lateness, &parts.connect, &parts.first_byte, &parts.rtt]
}

/// What must be the same whatever digits were lost.
fn exact(tally: &Tally) -> impl PartialEq + std::fmt::Debug + use<> {
    let parts = tally.parts().clone();
    let spreads =
        spreads(tally).map(|spread| (spread.count(), spread.min_us(), spread.max_us(), spread.sum_us()));
    (
        (parts.unsent, parts.body_bytes, parts.retransmits),
        (parts.statuses, parts.failures, parts.backends, spreads),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tally_comes_back_with_every_count_and_percentile(tally in tallies()) {
        let again = sent(&WireTally::from(&tally))?;
        prop_assert_eq!(exact(&again), exact(&tally));
        for (again, spread) in spreads(&again).into_iter().zip(spreads(&tally)) {
            prop_assert_eq!(QUANTILES.map(|q| again.quantile_us(q)), QUANTILES.map(|q| spread.quantile_us(q)));
        }
        // And goes on as it came.
        prop_assert_eq!(WireTally::from(&again), WireTally::from(&tally));
    }

    #[test]
    fn a_tally_cut_to_size_keeps_its_counts_and_tells_no_time_too_short(tally in tallies(), bytes in 1_200..4_000_usize) {
        let wire = WireTally::all_within(bytes, std::iter::once(&tally)).remove(0);
        let again = sent(&wire)?;
        prop_assert_eq!(exact(&again), exact(&tally));
        for (again, spread) in spreads(&again).into_iter().zip(spreads(&tally)) {
            for (coarse, fine) in QUANTILES.iter().filter_map(|&q| again.quantile_us(q).zip(spread.quantile_us(q))) {
                prop_assert!(coarse >= fine && coarse <= fine.saturating_mul(2).max(1), "{coarse} for {fine}");
            }
        }
        // It is cut no more than it must be.
        let whole = WireTally::from(&tally);
        if serde_json::to_string(&whole).unwrap().len() <= bytes {
            prop_assert_eq!(wire, whole);
        }
    }

    #[test]
    fn a_result_comes_back_as_it_was_sent_and_passes_its_check(result in results()) {
        let again: AgentResult = serde_json::from_str(&serde_json::to_string(&result).unwrap()).unwrap();
        prop_assert_eq!(again.check(), Ok(()));
        prop_assert_eq!(again, result);
    }
}

#[test]
fn the_fullest_distribution_there_can_be_goes_over_the_wire() {
    // One time in each of the buckets that three digits have up to an hour.
    let times =
        (0_u64..2_048).chain((0..21).flat_map(|fold| (1_024..2_048).map(move |step| step << (fold + 1))));
    let mut tally = Tally::new(Digits::Three);
    for us in times {
        tally.record(&Sample {
            outcome: Outcome::Answered(200),
            latency_us: us,
            lateness_us: 0,
            phases: Phases::default(),
            body_bytes: 0,
            backend: None,
        });
    }
    let filled = tally.parts().latency.buckets().count();
    assert!(filled > 23_000 && filled <= netreach_wire::limits::BUCKETS_MAX, "{filled}");
    assert_eq!(exact(&sent(&WireTally::from(&tally)).unwrap()), exact(&tally));
}

#[test]
fn nothing_sent_is_nothing_received() {
    let tally = Tally::new(Digits::Three);
    assert_eq!(exact(&sent(&WireTally::from(&tally)).unwrap()), exact(&tally));
}
