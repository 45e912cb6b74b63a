//! One agent's part of a round.

use serde::{Deserialize, Serialize};

use crate::limits::{DURATION_S_MAX, RATE_QPS_MAX, START_IN_US_MAX, TARGETS_PER_AGENT_MAX};
use crate::{AgentId, EchoKey, RoundId, Target};

/// What one agent does in one round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// Which round.
    pub round: RoundId,
    /// Who does it.
    pub agent: AgentId,
    /// How hard each target is probed.
    pub load: Load,
    /// The targets, in the order in which the result tallies them.
    pub targets: Vec<Target>,
    /// Microseconds from the sending of this to the first slot: relative, for clocks differ.
    pub start_in_us: u64,
    /// Microseconds from the first slot to the round's deadline.
    pub deadline_us: u64,
    /// The nonce of this agent's first probe; the others count on from there. Agents stand farther apart than a round has slots.
    pub nonces_from: u64,
    /// Signs this round's probes and echoes.
    pub key: EchoKey,
}

/// How hard one target is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// Slots per second.
    pub rate_qps: u32,
    /// How long, seconds.
    pub duration_s: u32,
    /// How long a probe may take, milliseconds.
    pub timeout_ms: u32,
    /// Whether connections are kept between probes.
    pub connection: Connection,
}

/// Whether a probe opens its own connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    /// A fresh one each: sees lost SYNs, connection tracking, every backend.
    #[default]
    New,
    /// One that is kept: for injecting traffic.
    Reuse,
}

/// An assignment no agent should carry out.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum Unsound {
    /// Rate, duration or timeout.
    #[error(
        "load must have a rate of 1 to {RATE_QPS_MAX} qps, a duration of 1 to {DURATION_S_MAX} s and a timeout of at least 1 ms, \
         got {rate_qps} qps, {duration_s} s and {timeout_ms} ms"
    )]
    Load {
        /// As assigned.
        rate_qps: u32,
        /// As assigned.
        duration_s: u32,
        /// As assigned.
        timeout_ms: u32,
    },
    /// Too many targets.
    #[error("assignment holds {found} targets (at most {TARGETS_PER_AGENT_MAX})")]
    Targets {
        /// How many it holds.
        found: usize,
    },
    /// A start that far ahead is a slip.
    #[error("round starts in {start_in_us} us (at most {START_IN_US_MAX})")]
    Start {
        /// As assigned.
        start_in_us: u64,
    },
}

impl Assignment {
    /// Checks what the agent relies on, whoever sent it.
    ///
    /// # Errors
    /// The first bound that is passed.
    pub fn check(&self) -> Result<(), Unsound> {
        let Load { rate_qps, duration_s, timeout_ms, connection: _ } = self.load;
        let sound = (1..=RATE_QPS_MAX).contains(&rate_qps) && (1..=DURATION_S_MAX).contains(&duration_s);
        if !sound || timeout_ms == 0 {
            return Err(Unsound::Load { rate_qps, duration_s, timeout_ms });
        }
        if self.targets.len() > TARGETS_PER_AGENT_MAX {
            return Err(Unsound::Targets { found: self.targets.len() });
        }
        if self.start_in_us > START_IN_US_MAX {
            return Err(Unsound::Start { start_in_us: self.start_in_us });
        }
        Ok(())
    }
}

impl Load {
    /// Slots at one target in the whole round.
    #[must_use]
    pub fn slots(&self) -> u64 {
        u64::from(self.rate_qps) * u64::from(self.duration_s)
    }
}
