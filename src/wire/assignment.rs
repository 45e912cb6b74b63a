//! One agent's part of a round.

use serde::{Deserialize, Serialize};

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
    /// By which fraction of an interval (in 2^-64) this agent's slots are shifted, so that agents do not fire in step.
    pub phase: u64,
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

impl Load {
    /// Slots at one target in the whole round.
    #[must_use]
    pub fn slots(&self) -> u64 {
        u64::from(self.rate_qps) * u64::from(self.duration_s)
    }
}
