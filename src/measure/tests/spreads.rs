//! What a distribution promises, held against the sorted list it does not keep.
#![allow(clippy::unwrap_used, reason = "tests")]

use netreach_measure::{Digits, LATENCY_US_MAX, Spread};
use proptest::prelude::*;

const QUANTILES: [f64; 8] = [0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0];

fn spread(digits: Digits, times_us: &[u64]) -> Spread {
    let mut spread = Spread::new(digits);
    times_us.iter().for_each(|&us| spread.record(us));
    spread
}

/// The time at the quantile's rank: as many times do not pass it as the quantile says.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small lists"
)]
fn exact(sorted: &[u64], quantile: f64) -> u64 {
    let rank = (quantile * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted[rank - 1]
}

/// All figures of both precisions, against the list itself.
fn check(times_us: &[u64]) -> Result<(), TestCaseError> {
    let mut sorted = times_us.to_vec();
    sorted.sort_unstable();
    let sum: u64 = sorted.iter().sum();
    for (digits, part) in [(Digits::Two, 100), (Digits::Three, 1_000)] {
        let spread = spread(digits, times_us);
        prop_assert_eq!(spread.count(), sorted.len() as u64);
        prop_assert_eq!(
            (spread.min_us(), spread.max_us()),
            (sorted.first().copied(), sorted.last().copied())
        );
        prop_assert_eq!(spread.sum_us(), sum);
        #[allow(clippy::cast_precision_loss, reason = "sums stay below 2^53")]
        let mean = (!sorted.is_empty()).then(|| sum as f64 / sorted.len() as f64);
        prop_assert_eq!(spread.mean_us(), mean);
        for quantile in QUANTILES {
            let Some(told) = spread.quantile_us(quantile) else {
                prop_assert!(sorted.is_empty());
                continue;
            };
            let exact = exact(&sorted, quantile);
            let off = told.abs_diff(exact);
            prop_assert!(off * part <= exact, "{digits:?}: {quantile} is {told}, exactly {exact}");
        }
    }
    Ok(())
}

/// Constant, two humps far apart, and a tail over six orders of magnitude (Pareto, shape 1).
fn samples() -> impl Strategy<Value = Vec<u64>> {
    let constant = (0..=LATENCY_US_MAX, 0..300_usize).prop_map(|(us, count)| vec![us; count]);
    let hump = |around: u64| around..around + around / 5;
    let bimodal = prop::collection::vec(prop_oneof![3 => hump(300), 1 => hump(500_000)], 1..400);
    let tailed = prop::collection::vec((1_u64..1_000_000).prop_map(|part| 100_000_000 / part), 1..400);
    prop_oneof![constant, bimodal, tailed]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn extremes_and_mean_are_exact_and_quantiles_within_the_digits(times_us in samples()) {
        check(&times_us)?;
    }

    #[test]
    fn merged_is_as_recorded_in_one_whatever_the_order(
        parts in prop::collection::vec(samples(), 1..4), last_first in any::<bool>(),
    ) {
        let whole = spread(Digits::Three, &parts.concat());
        let mut merged = Spread::new(Digits::Three);
        let mut parts: Vec<Spread> = parts.iter().map(|part| spread(Digits::Three, part)).collect();
        if last_first {
            parts.reverse();
        }
        parts.iter().for_each(|part| merged.merge(part));
        prop_assert_eq!(merged.buckets().collect::<Vec<_>>(), whole.buckets().collect::<Vec<_>>());
        prop_assert_eq!(
            (merged.min_us(), merged.max_us(), merged.sum_us()),
            (whole.min_us(), whole.max_us(), whole.sum_us())
        );
    }

    #[test]
    fn its_buckets_make_it_again(times_us in samples()) {
        for digits in [Digits::Two, Digits::Three] {
            let spread = spread(digits, &times_us);
            let buckets: Vec<_> = spread.buckets().collect();
            let (min, max) = (spread.min_us().unwrap_or(0), spread.max_us().unwrap_or(0));
            let again = Spread::from_buckets(digits, &buckets, min, max, spread.sum_us());
            let again = again.ok_or_else(|| TestCaseError::fail(format!("{buckets:?} are refused")))?;
            prop_assert_eq!(again.buckets().collect::<Vec<_>>(), buckets.clone());
            // Whoever keeps more digits believes it, too.
            let finer = Spread::from_buckets(Digits::Three, &buckets, min, max, spread.sum_us());
            prop_assert_eq!(finer.map(|finer| finer.buckets().collect::<Vec<_>>()), Some(buckets));
            for quantile in QUANTILES {
                prop_assert_eq!(again.quantile_us(quantile), spread.quantile_us(quantile));
            }
        }
    }
}

#[test]
fn nothing_recorded_has_no_figures() {
    check(&[]).unwrap();
    check(&[0]).unwrap();
}

#[test]
fn a_time_beyond_the_bound_is_counted_at_the_bound() {
    for digits in [Digits::Two, Digits::Three] {
        let spread = spread(digits, &[1, LATENCY_US_MAX + 1, u64::MAX]);
        assert_eq!((spread.count(), spread.max_us()), (3, Some(LATENCY_US_MAX)));
        assert_eq!(spread.quantile_us(1.0), Some(LATENCY_US_MAX));
        let buckets: Vec<_> = spread.buckets().collect();
        assert!(Spread::from_buckets(digits, &buckets, 1, LATENCY_US_MAX, spread.sum_us()).is_some());
    }
}

#[test]
fn it_grows_with_the_spread_of_times_and_not_with_their_number() {
    let filled = |count: u64| {
        let times_us: Vec<u64> = (0..count).map(|step| 200 + step % 1_000).collect();
        spread(Digits::Two, &times_us).buckets().count()
    };
    assert_eq!(filled(1_000), filled(300_000));
    // Three orders of magnitude more: 128 buckets for each doubling.
    let wide: Vec<u64> = (0..300_000).map(|step| 200 + step * 4).collect();
    let (narrow, wide) = (filled(300_000), spread(Digits::Two, &wide).buckets().count());
    assert!(
        (300..500).contains(&narrow) && (narrow..=narrow + 11 * 128).contains(&wide),
        "{narrow} and {wide}"
    );
}

#[test]
fn contradictions_are_refused() {
    let check = |buckets: &[(u64, u32)], min, max, sum, taken: bool| {
        let made = Spread::from_buckets(Digits::Two, buckets, min, max, sum);
        assert_eq!(made.is_some(), taken, "{buckets:?} from {min} to {max}, {sum} in all");
    };
    check(&[(10, 2), (20, 1)], 10, 20, 40, true);
    // The smallest time may lie anywhere in the first bucket: of two digits, 1,000 to 1,003 are one.
    check(&[(1_003, 2)], 1_000, 1_003, 2_003, true);
    check(&[(1_003, 2)], 999, 1_003, 2_002, false);
    check(&[(1_003, 2)], 1_000, 1_002, 2_002, false);
    check(&[(10, 2), (10, 1)], 10, 10, 30, false);
    check(&[(20, 1), (10, 2)], 20, 10, 40, false);
    check(&[(10, 2), (20, 0)], 10, 20, 40, false);
    check(&[(10, u32::MAX), (20, 1)], 10, 20, 50_000_000_000, false);
    check(&[(10, 2), (20, 1)], 9, 20, 40, false);
    check(&[(10, 2), (20, 1)], 10, 21, 40, false);
    check(&[(10, 2), (20, 1)], 10, 20, 29, false);
    check(&[(10, 2), (20, 1)], 10, 20, 61, false);
    check(&[(1_003, 1)], 1_003, 1_001, 1_002, false);
    check(&[(LATENCY_US_MAX + 1, 1)], LATENCY_US_MAX + 1, LATENCY_US_MAX + 1, LATENCY_US_MAX + 1, false);
    check(&[(LATENCY_US_MAX, 1)], LATENCY_US_MAX, LATENCY_US_MAX + 1, LATENCY_US_MAX, false);
    check(&[(10, 1)], u64::MAX, u64::MAX, u64::MAX, false);
    check(&[], 0, 0, 0, true);
    check(&[], 1, 0, 0, false);
    check(&[], 0, 1, 0, false);
    check(&[], 0, 0, 1, false);
}
