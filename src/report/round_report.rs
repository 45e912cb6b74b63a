//! All results of one round, merged: the record that is stored and from which the round can be judged again.
//!
//! Facts only. Statuses are kept as they came, so that a changed expectation can be held against an old round.

use std::collections::BTreeMap;

use jiff::Timestamp;
use netreach_measure::Spread;
use netreach_wire::{AgentId, Gap, Load, RoundId, TargetFamily, Usage, Via};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The form of record this build writes. Raised when a field changes its meaning.
pub const VERSION: u16 = 1;

/// Merged results of one round. Timestamps are the manager's clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundReport {
    /// See [`VERSION`].
    pub version: u16,
    /// Which round.
    pub id: RoundId,
    /// The NetReach's name.
    pub task: String,
    /// The NetReach's spec with its defaults, as it stood when the round began.
    pub spec: Value,
    /// When the schedule wanted it to begin.
    pub due: Timestamp,
    /// When it began.
    pub start: Timestamp,
    /// Until when results counted.
    pub deadline: Timestamp,
    /// When it was closed.
    pub ended: Timestamp,
    /// Agents whose results could be read, late ones included; sorted.
    pub agents: Vec<AgentReport>,
    /// Agents that were expected and left no result that can be read; sorted.
    pub missing: Vec<MissingAgent>,
    /// Families the spec asks for that this round did not probe; sorted.
    pub gaps: Vec<Gap>,
    /// Which part of all pairs this round probed; none when it was all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<String>,
    /// Whether the round was stopped before its end.
    #[serde(default)]
    pub interrupted: bool,
    /// Why results that came in cannot be judged; none when they can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results_lost: Option<String>,
    /// Why the round never began; none when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_begun: Option<NotBegun>,
}

/// Why a round was opened and handed out to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum NotBegun {
    /// No agent could be started.
    NoAgents {
        /// Why, as far as is known.
        why: String,
    },
    /// Its load does not fit the budget.
    OverBudget {
        /// In a sentence, with the numbers.
        why: String,
    },
}

/// One agent's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentReport {
    /// Who.
    pub agent: AgentId,
    /// Whether the result came after the deadline: kept, and not success.
    #[serde(default)]
    pub late: bool,
    /// Whether this agent stopped before its last slot.
    #[serde(default)]
    pub interrupted: bool,
    /// Its first slot.
    pub started: Timestamp,
    /// From there to the end of its last probe, microseconds.
    pub elapsed_us: u64,
    /// How hard it probed each target.
    pub load: Load,
    /// What it used itself.
    pub usage: Usage,
    /// Slot to first system call over all its targets: how tired it was. None when it sent nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Figures>,
    /// Its targets, in the assignment's order.
    pub targets: Vec<TargetReport>,
}

/// One target as one agent saw it. Slots = answers by status + failures + unsent, always.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetReport {
    /// The report's TargetName.
    pub name: String,
    /// What was asked for.
    pub url: String,
    /// By which kind of address.
    pub family: TargetFamily,
    /// What the address proves, for load balancers and ingresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// First system call of its first probe.
    pub began: Timestamp,
    /// From there to the end of its last probe, microseconds.
    pub elapsed_us: u64,
    /// Probes that were planned.
    pub slots: u64,
    /// Slots that passed without a probe.
    pub unsent: u64,
    /// Answers by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by the taxonomy's key.
    pub failures: BTreeMap<String, u64>,
    /// Answers by the pod that signed them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub backends: BTreeMap<String, u64>,
    /// Bytes of all answers' bodies.
    pub body_bytes: u64,
    /// Segments the kernel had to send again.
    pub retransmits: u64,
    /// First system call to last byte; none when nothing answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Figures>,
    /// Slot to last byte; none when nothing answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_slot: Option<Figures>,
    /// Slot to first system call; none when nothing was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Figures>,
    /// First system call to established connection; none when every connection was reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Figures>,
    /// First system call to first byte of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Figures>,
    /// The kernel's round-trip estimates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt: Option<Figures>,
}

/// An expected agent without a readable result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingAgent {
    /// Who.
    pub agent: AgentId,
    /// Why, as far as is known.
    pub why: String,
}

/// The figures of a distribution of microseconds: extremes and sum exact, percentiles within the histogram's digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// How many times it holds.
    pub count: u64,
    /// Sum of them all.
    pub sum_us: u64,
    /// Smallest.
    pub min_us: u64,
    /// Largest.
    pub max_us: u64,
    /// Half do not pass it.
    pub p50_us: u64,
    /// 90 % do not pass it.
    pub p90_us: u64,
    /// 95 % do not pass it.
    pub p95_us: u64,
    /// 99 % do not pass it.
    pub p99_us: u64,
}

impl TargetReport {
    /// Probes sent: answered and failed ones.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.statuses.values().chain(self.failures.values()).sum()
    }
}

impl Figures {
    /// The figures of `spread`; none when it is empty.
    #[must_use]
    pub fn of(spread: &Spread) -> Option<Self> {
        Some(Self {
            count: spread.count(),
            sum_us: spread.sum_us(),
            min_us: spread.min_us()?,
            max_us: spread.max_us()?,
            p50_us: spread.quantile_us(0.50)?,
            p90_us: spread.quantile_us(0.90)?,
            p95_us: spread.quantile_us(0.95)?,
            p99_us: spread.quantile_us(0.99)?,
        })
    }

    /// Mean, microseconds. From the stored sum, so that a record read back gives the very same number.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "sums stay far below 2^53 µs (285 years)")]
    pub fn mean_us(&self) -> f64 {
        self.sum_us as f64 / self.count as f64
    }
}
