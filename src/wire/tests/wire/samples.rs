//! Tallies and results to send.

use netreach_measure::{Digits, Failure, Outcome, Phases, Sample, Tally};
use netreach_wire::{AgentResult, RoundId, TargetResult, Usage, VERSION, WireTally};
use proptest::prelude::*;

const PODS: [&str; 3] = ["agent-a", "agent-b", "agent-c"];

/// One probe, from a microsecond to beyond an hour.
fn sample() -> impl Strategy<Value = Sample<'static>> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Answered(200)),
        1 => (100_u16..=999).prop_map(Outcome::Answered),
        2 => prop::sample::select(Failure::ALL.as_slice()).prop_map(Outcome::Failed),
    ];
    let time_us =
        || prop_oneof![4 => 0_u64..3_000, 2 => 0_u64..5_000_000, 1 => 3_500_000_000..3_700_000_000_u64];
    let phase_us = move || prop::option::of(time_us());
    let phases = (phase_us(), phase_us(), phase_us(), 0_u64..3).prop_map(|phases| {
        let (connect_us, first_byte_us, rtt_us, retransmits) = phases;
        Phases { connect_us, first_byte_us, rtt_us, retransmits }
    });
    let backend = prop::option::of(prop::sample::select(PODS.as_slice()));
    (outcome, time_us(), time_us(), phases, 0_u64..500, backend).prop_map(
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

fn digits() -> impl Strategy<Value = Digits> {
    prop_oneof![Just(Digits::Two), Just(Digits::Three)]
}

pub(crate) fn tallies() -> impl Strategy<Value = Tally> {
    (digits(), prop::collection::vec(sample(), 0..80), 0_u64..20).prop_map(|(digits, samples, unsent)| {
        let mut tally = Tally::new(digits);
        samples.iter().for_each(|sample| tally.record(sample));
        tally.miss(unsent);
        tally
    })
}

pub(crate) fn results() -> impl Strategy<Value = AgentResult> {
    let target = (tallies(), 0_u64..1_000, 0_u64..1_000).prop_map(|(tally, began_us, took_us)| {
        TargetResult { began_us, ended_us: began_us + took_us, tally: WireTally::from(&tally) }
    });
    (prop::collection::vec(target, 1..4), any::<bool>(), prop::option::of(any::<u64>())).prop_map(
        |(targets, interrupted, throttled_us)| AgentResult {
            version: VERSION,
            round: RoundId { uid: "0c5e".to_owned(), number: 7 },
            started_at_us: 1_690_879_016_000_000,
            elapsed_us: 2_000,
            interrupted,
            trouble: None,
            targets,
            usage: Usage { cpu_max_percent: 26.25, throttled_us, ..Usage::default() },
        },
    )
}

/// Times about their median like those of networks: their logarithm is normal (Box and Muller's method).
pub(crate) struct Lognormal {
    random: fastrand::Rng,
    sigma: f64,
}

impl Lognormal {
    pub(crate) fn new(sigma: f64) -> Self {
        Self { random: fastrand::Rng::with_seed(7), sigma }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and far below 2^53")]
    fn us(&mut self, median_us: f64) -> u64 {
        let radius = (-2.0 * (1.0 - self.random.f64()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.random.f64()).cos();
        (median_us * (self.sigma * normal).exp()) as u64
    }

    /// A tally of so many answered probes.
    pub(crate) fn tally(&mut self, digits: Digits, probes: u32) -> Tally {
        self.tally_of(digits, probes, "netreach-agent-abcde")
    }

    pub(crate) fn tally_of(&mut self, digits: Digits, probes: u32, backend: &str) -> Tally {
        let mut tally = Tally::new(digits);
        for _ in 0..probes {
            let latency_us = self.us(800.0);
            let phases = Phases {
                connect_us: Some(self.us(200.0)),
                first_byte_us: Some(latency_us.saturating_sub(self.us(20.0))),
                rtt_us: Some(self.us(150.0)),
                retransmits: 0,
            };
            tally.record(&Sample {
                outcome: Outcome::Answered(200),
                latency_us,
                lateness_us: self.us(80.0),
                phases,
                body_bytes: 90,
                backend: Some(backend),
            });
        }
        tally
    }
}
