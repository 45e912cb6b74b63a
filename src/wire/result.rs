//! What an agent submits when its part of a round is done.

use std::collections::{BTreeMap, HashSet};

use netreach_measure::{Digits, Failure, Tally, TallyParts};
use serde::{Deserialize, Serialize};

use crate::limits::{BACKENDS_PER_RESULT_MAX, NAME_BYTES_MAX, TARGETS_PER_AGENT_MAX};
use crate::{Malformed, RoundId, WireSpread};

/// How many binary digits of a time are sent: those of three decimal digits, of two, and ever fewer.
const BITS: [u32; 9] = [11, 8, 7, 6, 5, 4, 3, 2, 1];

/// All tallies of one agent in one round. Facts only: the agent does not judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentResult {
    /// See [`crate::VERSION`].
    pub version: u16,
    /// Which round.
    pub round: RoundId,
    /// The agent's wall clock at its first slot, microseconds since 1970.
    pub started_at_us: i64,
    /// From the first slot to the end of the last probe, microseconds.
    pub elapsed_us: u64,
    /// Whether the round was cut short, by a signal or by the desk.
    pub interrupted: bool,
    /// Why the agent could not begin, in a sentence; then every slot is unsent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// One per target, in the assignment's order.
    pub targets: Vec<TargetResult>,
    /// What the agent itself used.
    pub usage: Usage,
}

/// One target's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetResult {
    /// First system call of its first probe, microseconds after the round's first slot.
    pub began_us: u64,
    /// End of its last probe, microseconds after the round's first slot.
    pub ended_us: u64,
    /// The tally.
    pub tally: WireTally,
}

/// The agent's own cost over the round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Highest CPU share seen over a second, percent of one core.
    pub cpu_max_percent: f64,
    /// CPU share over the whole round, percent of one core.
    pub cpu_mean_percent: f64,
    /// Largest resident memory seen, bytes.
    pub memory_max_bytes: u64,
    /// Time the agent was ready to run and was not let, microseconds (the kernel's run-queue delay).
    pub run_delay_us: u64,
    /// Time its control group was throttled, microseconds; none where there is no quota to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_us: Option<u64>,
}

/// A [`Tally`] as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireTally {
    unsent: u64,
    statuses: BTreeMap<u16, u64>,
    failures: BTreeMap<String, u64>,
    #[serde(default)]
    backends: BTreeMap<String, u64>,
    body_bytes: u64,
    retransmits: u64,
    latency: WireSpread,
    from_slot: WireSpread,
    lateness: WireSpread,
    connect: WireSpread,
    first_byte: WireSpread,
    rtt: WireSpread,
}

/// With all its digits, however long.
impl From<&Tally> for WireTally {
    fn from(tally: &Tally) -> Self {
        Self::with_bits(tally, BITS[0])
    }
}

impl WireTally {
    /// All tallies of one result, as precise as `bytes_max` allows for all together, see
    /// [`crate::limits::TALLIES_BYTES_MAX`]. Counts, extremes and sums are exact always; times lose digits, the same
    /// everywhere, until the JSON is no longer than that.
    ///
    /// Names of backends are never left out: should they alone be too long, so is the result.
    #[must_use]
    pub fn all_within<'a>(bytes_max: usize, tallies: impl Iterator<Item = &'a Tally> + Clone) -> Vec<Self> {
        // Looked at one by one: all of them at full length would be large.
        let heads: usize = tallies.clone().map(|tally| Self::with_bits(tally, 1).head_bytes()).sum();
        let steps = |bits| tallies.clone().map(move |tally| Self::with_bits(tally, bits).steps_bytes());
        let fits = |bits: &u32| heads + steps(*bits).sum::<usize>() <= bytes_max;
        let bits = BITS.into_iter().find(fits).unwrap_or(1);
        tallies.map(|tally| Self::with_bits(tally, bits)).collect()
    }

    /// All of the JSON that does not depend on how precise it is.
    fn head_bytes(&self) -> usize {
        let whole = serde_json::to_string(self).expect("every key is a string or a number");
        whole.len() - self.steps_bytes()
    }

    fn steps_bytes(&self) -> usize {
        let Self { latency, from_slot, lateness, connect, first_byte, rtt, .. } = self;
        [latency, from_slot, lateness, connect, first_byte, rtt]
            .into_iter()
            .map(WireSpread::steps_bytes)
            .sum()
    }

    fn with_bits(tally: &Tally, bits: u32) -> Self {
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
        } = tally.parts();
        Self {
            unsent: *unsent,
            statuses: statuses.clone(),
            failures: failures.iter().map(|(failure, count)| (failure.key().to_owned(), *count)).collect(),
            backends: backends.clone(),
            body_bytes: *body_bytes,
            retransmits: *retransmits,
            latency: WireSpread::of(latency, bits),
            from_slot: WireSpread::of(from_slot, bits),
            lateness: WireSpread::of(lateness, bits),
            connect: WireSpread::of(connect, bits),
            first_byte: WireSpread::of(first_byte, bits),
            rtt: WireSpread::of(rtt, bits),
        }
    }
}

impl TryFrom<&WireTally> for Tally {
    type Error = Malformed;

    fn try_from(wire: &WireTally) -> Result<Self, Malformed> {
        let mut failures = BTreeMap::new();
        for (key, count) in &wire.failures {
            let failure =
                Failure::from_key(key).ok_or_else(|| Malformed::UnknownFailure { key: key.clone() })?;
            failures.insert(failure, *count);
        }
        if let Some(status) = wire.statuses.keys().find(|status| !(100..=999).contains(*status)) {
            return Err(Malformed::Status { status: *status });
        }
        // Sums below must not overflow, whatever is claimed.
        let counts = wire.statuses.values().chain(wire.failures.values()).chain(wire.backends.values());
        if counts.chain([&wire.unsent]).any(|&count| count > u64::from(u32::MAX)) {
            return Err(Malformed::CountTooLarge);
        }
        let spread = |spread: &WireSpread, what| spread.decode(what, Digits::Two);
        Ok(Tally::from_parts(TallyParts {
            unsent: wire.unsent,
            statuses: wire.statuses.clone(),
            failures,
            backends: wire.backends.clone(),
            body_bytes: wire.body_bytes,
            retransmits: wire.retransmits,
            latency: wire.latency.decode("latency", Digits::Three)?,
            from_slot: spread(&wire.from_slot, "fromSlot")?,
            lateness: spread(&wire.lateness, "lateness")?,
            connect: spread(&wire.connect, "connect")?,
            first_byte: spread(&wire.first_byte, "firstByte")?,
            rtt: spread(&wire.rtt, "rtt")?,
        })?)
    }
}

impl AgentResult {
    /// Checks all that can be checked without the assignment: counts, distributions, bounds.
    ///
    /// # Errors
    /// The first contradiction found, named.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.targets.len() > TARGETS_PER_AGENT_MAX {
            return Err(Malformed::TooManyTargets { found: self.targets.len() });
        }
        let usage = self.usage;
        if ![usage.cpu_max_percent, usage.cpu_mean_percent]
            .iter()
            .all(|percent| percent.is_finite() && *percent >= 0.0)
        {
            return Err(Malformed::Usage);
        }
        for (index, target) in self.targets.iter().enumerate() {
            let in_order = target.began_us <= target.ended_us && target.ended_us <= self.elapsed_us;
            if !in_order {
                return Err(Malformed::Instants { index });
            }
            Tally::try_from(&target.tally)?;
        }
        self.check_backends()
    }

    /// What one agent says is kept with what all others say: it must leave them room.
    fn check_backends(&self) -> Result<(), Malformed> {
        let all: HashSet<&String> =
            self.targets.iter().flat_map(|target| target.tally.backends.keys()).collect();
        if let Some(name) = all.iter().find(|name| name.len() > NAME_BYTES_MAX) {
            return Err(Malformed::BackendName { bytes: name.len() });
        }
        if all.len() > BACKENDS_PER_RESULT_MAX {
            return Err(Malformed::TooManyBackends { found: all.len() });
        }
        Ok(())
    }
}
