//! How long what is sent gets.

use netreach_measure::{Digits, Spread, Tally};
use netreach_wire::limits::{RESULT_BYTES_MAX, TALLIES_BYTES_MAX, TARGETS_PER_AGENT_MAX};
use netreach_wire::{AgentResult, RoundId, TargetResult, Usage, VERSION, WireTally};

use crate::samples::Lognormal;

fn bytes(tally: &WireTally) -> usize {
    serde_json::to_string(tally).unwrap().len()
}

/// The largest error of a percentile, as a part of it.
#[allow(clippy::cast_precision_loss, reason = "microseconds far below 2^53")]
fn error(coarse: &Spread, fine: &Spread) -> f64 {
    let of = |quantile| {
        let (coarse, fine) =
            (coarse.quantile_us(quantile).unwrap() as f64, fine.quantile_us(quantile).unwrap() as f64);
        (coarse - fine).abs() / fine
    };
    [0.5, 0.9, 0.95, 0.99].map(of).into_iter().fold(0.0, f64::max)
}

/// Size and errors of a result of so many targets with so many probes each, cut to its bound.
fn check(targets: usize, digits: Digits, probes: u32, sigma: f64, error_max: f64) {
    let tally = Lognormal::new(sigma).tally(digits, probes);
    check_all(std::iter::repeat_n(&tally, targets), error_max);
}

fn check_all<'a>(tallies: impl Iterator<Item = &'a Tally> + Clone, error_max: f64) {
    let wires = WireTally::all_within(TALLIES_BYTES_MAX, tallies.clone());
    let cut: usize = wires.iter().map(bytes).sum();
    assert!(cut <= TALLIES_BYTES_MAX, "{cut} bytes");
    // Like tallies are cut alike: the first and the last one speak for all.
    for (wire, tally) in
        [wires.first().zip(tallies.clone().next()), wires.last().zip(tallies.last())].into_iter().flatten()
    {
        let coarse = Tally::try_from(wire).unwrap();
        let (coarse, fine) = (coarse.parts(), tally.parts());
        let error = error(&coarse.latency, &fine.latency).max(error(&coarse.lateness, &fine.lateness));
        assert!(error <= error_max, "percentiles are off by {error}, the tallies have {cut} bytes");
    }
}

#[test]
fn a_result_loses_as_little_as_it_must_to_fit() {
    // A round as most are, in the largest mesh: everything fits as it is.
    check(2_000, Digits::Two, 60, 0.7, 0.0);
    check(100, Digits::Three, 100, 1.2, 0.0);
    check(1, Digits::Three, 500_000, 1.2, 0.0);
    // All that one agent may send: an hour of 2,000 probes a second.
    check(256, Digits::Three, 28_125, 0.7, 0.0);
    check(2_000, Digits::Two, 3_600, 0.3, 0.0);
    check(2_000, Digits::Two, 3_600, 0.7, 1.0 / 32.0);
    check(2_000, Digits::Two, 3_600, 1.2, 1.0 / 16.0);
}

#[test]
fn many_backends_of_some_targets_are_made_room_for_by_all() {
    let mut of_service = Lognormal::new(0.7).tally(Digits::Two, 600);
    for backend in 0..500 {
        of_service.merge(&Lognormal::new(0.7).tally_of(
            Digits::Two,
            1,
            &format!("netreach-agent-{backend:05}"),
        ));
    }
    let of_pod = Lognormal::new(0.7).tally(Digits::Two, 600);
    assert!(bytes(&WireTally::from(&of_service)) > TALLIES_BYTES_MAX / 1_000);
    // 500 node ports of 500 backends, and 500 pods.
    let all = std::iter::repeat_n(&of_service, 500).chain(std::iter::repeat_n(&of_pod, 500));
    check_all(all, 0.0);
}

#[test]
fn the_fullest_result_fits_its_bound() {
    let tally = Lognormal::new(1.2).tally(Digits::Two, 3_600);
    let tallies =
        WireTally::all_within(TALLIES_BYTES_MAX, std::iter::repeat_n(&tally, TARGETS_PER_AGENT_MAX));
    let target = |tally| TargetResult { began_us: 3_600_000_000, ended_us: 3_600_000_000, tally };
    let result = AgentResult {
        version: VERSION,
        round: RoundId { uid: "u".repeat(253), number: u64::MAX },
        started_at_us: i64::MIN,
        elapsed_us: u64::MAX,
        interrupted: false,
        trouble: None,
        targets: tallies.into_iter().map(target).collect(),
        usage: Usage {
            cpu_max_percent: 100.0 / 3.0,
            cpu_mean_percent: 100.0 / 3.0,
            memory_max_bytes: u64::MAX,
            run_delay_us: u64::MAX,
            throttled_us: Some(u64::MAX),
        },
    };
    assert_eq!(result.check(), Ok(()));
    let bytes = serde_json::to_vec(&result).unwrap().len();
    assert!(bytes <= RESULT_BYTES_MAX, "{bytes}");
}

#[test]
fn more_probes_make_no_longer_tally_once_their_spread_is_filled() {
    let of = |probes| bytes(&WireTally::from(&Lognormal::new(0.3).tally(Digits::Two, probes)));
    let (some, many) = (of(50_000), of(500_000));
    // Counts get a digit longer, and rare times fill a few buckets more.
    assert!(many < some * 3 / 2, "{some} bytes became {many}");
}
