//! Counts and distributions of one target in one round.

use std::collections::BTreeMap;

use crate::{Digits, Failure, Outcome, Sample, Spread};

/// Most backends told apart behind one target; more are counted in all, not by name. The largest cluster there is.
pub const BACKENDS_MAX: usize = 5_000;

/// Everything one target's probes have to say, at a size that grows with the spread of values, never with their number.
#[derive(Debug, Clone)]
pub struct Tally {
    parts: TallyParts,
}

/// The parts of a [`Tally`], for reading and for carrying over the wire.
#[derive(Debug, Clone)]
pub struct TallyParts {
    /// Slots that passed without a probe being sent.
    pub unsent: u64,
    /// Answers by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by kind.
    pub failures: BTreeMap<Failure, u64>,
    /// Answers by the pod that signed them.
    pub backends: BTreeMap<String, u64>,
    /// Bytes of all answers' bodies.
    pub body_bytes: u64,
    /// Segments the kernel had to send again.
    pub retransmits: u64,
    /// First system call to last byte, of every answered probe.
    pub latency: Spread,
    /// The same from the slot on: what a user who came at the planned instant would have waited.
    pub from_slot: Spread,
    /// Slot to first system call, of every probe sent: how tired the agent was.
    pub lateness: Spread,
    /// First system call to established connection.
    pub connect: Spread,
    /// First system call to first byte of the answer.
    pub first_byte: Spread,
    /// The kernel's round-trip estimates.
    pub rtt: Spread,
}

/// Parts that cannot be one tally.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TallyError {
    /// A distribution counts other than the outcomes do.
    #[error("counts disagree: {what} holds {found}, the outcomes say {expected}")]
    CountsDisagree {
        /// Which distribution.
        what: &'static str,
        /// How many it holds.
        found: u64,
        /// How many it should hold, or the most it may hold.
        expected: u64,
    },
}

impl TallyParts {
    fn empty(digits: Digits) -> Self {
        Self {
            unsent: 0,
            statuses: BTreeMap::new(),
            failures: BTreeMap::new(),
            backends: BTreeMap::new(),
            body_bytes: 0,
            retransmits: 0,
            latency: Spread::new(digits),
            from_slot: Spread::new(Digits::Two),
            lateness: Spread::new(Digits::Two),
            connect: Spread::new(Digits::Two),
            first_byte: Spread::new(Digits::Two),
            rtt: Spread::new(Digits::Two),
        }
    }

    fn answered(&self) -> u64 {
        self.statuses.values().sum()
    }

    fn sent(&self) -> u64 {
        self.answered() + self.failures.values().sum::<u64>()
    }
}

impl Tally {
    /// An empty tally whose latencies keep `digits` significant digits.
    #[must_use]
    pub fn new(digits: Digits) -> Self {
        Self { parts: TallyParts::empty(digits) }
    }

    /// Puts a tally together again from its parts, which came from outside.
    ///
    /// # Errors
    /// When a distribution does not hold as many values as the outcomes say.
    pub fn from_parts(parts: TallyParts) -> Result<Self, TallyError> {
        let (answered, sent) = (parts.answered(), parts.sent());
        let exact = [
            ("latency", parts.latency.count(), answered),
            ("fromSlot", parts.from_slot.count(), answered),
            ("lateness", parts.lateness.count(), sent),
        ];
        let bounded = [
            ("connect", parts.connect.count(), sent),
            ("firstByte", parts.first_byte.count(), sent),
            ("rtt", parts.rtt.count(), sent),
            ("backends", parts.backends.values().sum(), sent),
        ];
        let wrong = exact.into_iter().find(|&(_, found, expected)| found != expected);
        match wrong.or_else(|| bounded.into_iter().find(|&(_, found, most)| found > most)) {
            Some((what, found, expected)) => Err(TallyError::CountsDisagree { what, found, expected }),
            None => Ok(Self { parts }),
        }
    }

    /// The parts, to read or to carry.
    #[must_use]
    pub fn parts(&self) -> &TallyParts {
        &self.parts
    }

    /// Counts one probe.
    pub fn record(&mut self, sample: &Sample<'_>) {
        let parts = &mut self.parts;
        parts.lateness.record(sample.lateness_us);
        match sample.outcome {
            Outcome::Answered(status) => {
                *parts.statuses.entry(status).or_default() += 1;
                parts.latency.record(sample.latency_us);
                parts.from_slot.record(sample.lateness_us + sample.latency_us);
            }
            Outcome::Failed(failure) => *parts.failures.entry(failure).or_default() += 1,
        }
        if let Some(backend) = sample.backend {
            count_backend(&mut parts.backends, backend);
        }
        parts.body_bytes += sample.body_bytes;
        let phases = sample.phases;
        parts.retransmits += phases.retransmits;
        for (spread, us) in [
            (&mut parts.connect, phases.connect_us),
            (&mut parts.first_byte, phases.first_byte_us),
            (&mut parts.rtt, phases.rtt_us),
        ] {
            if let Some(us) = us {
                spread.record(us);
            }
        }
    }

    /// Counts slots that passed without a probe.
    pub fn miss(&mut self, slots: u64) {
        self.parts.unsent += slots;
    }

    /// Adds another target's, or another agent's, tally.
    pub fn merge(&mut self, other: &Self) {
        let (parts, other) = (&mut self.parts, &other.parts);
        parts.unsent += other.unsent;
        parts.body_bytes += other.body_bytes;
        parts.retransmits += other.retransmits;
        other
            .statuses
            .iter()
            .for_each(|(&status, count)| *parts.statuses.entry(status).or_default() += count);
        other
            .failures
            .iter()
            .for_each(|(&failure, count)| *parts.failures.entry(failure).or_default() += count);
        for (backend, count) in &other.backends {
            if parts.backends.len() < BACKENDS_MAX || parts.backends.contains_key(backend) {
                *parts.backends.entry(backend.clone()).or_default() += count;
            }
        }
        parts.latency.merge(&other.latency);
        parts.from_slot.merge(&other.from_slot);
        parts.lateness.merge(&other.lateness);
        parts.connect.merge(&other.connect);
        parts.first_byte.merge(&other.first_byte);
        parts.rtt.merge(&other.rtt);
    }

    /// Probes sent: answered and failed ones.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.parts.sent()
    }

    /// Probes answered, with any status.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.parts.answered()
    }
}

/// A name is copied only the first time it is seen: a probe allocates nothing here.
fn count_backend(backends: &mut BTreeMap<String, u64>, backend: &str) {
    if let Some(count) = backends.get_mut(backend) {
        *count += 1;
    } else if backends.len() < BACKENDS_MAX {
        backends.insert(backend.to_owned(), 1);
    }
}
