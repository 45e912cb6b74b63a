//! Why a round is not a success: data first, a sentence on demand.

use std::collections::BTreeMap;
use std::fmt;

use netreach_api::names::reason;
use netreach_wire::{AgentId, Gap};
use serde::{Deserialize, Serialize};

use crate::{NotBegun, Number};

/// One fault of a round, with the numbers that prove it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reason {
    /// Nothing readable came from this agent.
    AgentMissing {
        /// Who.
        agent: AgentId,
        /// Why, as far as is known.
        why: String,
    },
    /// Its result came after the deadline: kept, and not success.
    AgentLate {
        /// Who.
        agent: AgentId,
    },
    /// It stopped before its last slot, though the round went on.
    AgentInterrupted {
        /// Who.
        agent: AgentId,
        /// The target's name.
        target: String,
        /// Probes sent.
        sent: u64,
        /// Probes planned.
        slots: u64,
    },
    /// A family or IP version that was asked for has no address.
    TargetMissing {
        /// Which, and why.
        gap: Gap,
    },
    /// The round was handed out to nobody.
    NotBegun(NotBegun),
    /// No agent had a target: a round that proves nothing is no success.
    NothingProbed,
    /// Too few of the probes sent succeeded.
    SuccessRate {
        /// Who probed.
        agent: AgentId,
        /// The target's name.
        target: String,
        /// Probes that succeeded.
        successes: u64,
        /// Probes sent.
        sent: u64,
        /// The expected share of successes.
        rate_min: f64,
        /// What the others came to, by the taxonomy's key.
        errors: BTreeMap<String, u64>,
    },
    /// The mean delay is longer than expected.
    MeanDelay {
        /// Who probed.
        agent: AgentId,
        /// The target's name.
        target: String,
        /// The mean, microseconds.
        mean_us: f64,
        /// What was expected at most, milliseconds.
        mean_ms_max: u64,
    },
    /// The mean delay is longer than expected, as seen by an agent that was too late itself to blame the network.
    StarvedDelay {
        /// Who probed.
        agent: AgentId,
        /// The target's name.
        target: String,
        /// The mean, microseconds.
        mean_us: f64,
        /// What was expected at most, milliseconds.
        mean_ms_max: u64,
        /// How late 99 % of its probes began at most, microseconds.
        lateness_us_p99: u64,
        /// Slots that passed without a probe, over all its targets.
        unsent: u64,
    },
    /// So many probes were not sent, for want of the agent's own resources, that the expected rate is unproven.
    StarvedSlots {
        /// Who should have probed.
        agent: AgentId,
        /// The target's name.
        target: String,
        /// Slots that passed without a probe.
        unsent: u64,
        /// Probes that failed for want of descriptors, ports or memory, or timed out while the agent was late itself.
        local: u64,
        /// Probes planned.
        slots: u64,
    },
}

impl Reason {
    /// The word by which users and machines know it: one of [`reason`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AgentMissing { .. }
            | Self::AgentLate { .. }
            | Self::NotBegun(NotBegun::NoAgents { .. }) => reason::AGENTS_MISSING,
            Self::NotBegun(NotBegun::OverBudget { .. }) => reason::OVER_BUDGET,
            Self::AgentInterrupted { .. } => reason::INTERRUPTED,
            Self::TargetMissing { .. } | Self::NothingProbed => reason::TARGET_MISSING,
            Self::SuccessRate { .. } => reason::SUCCESS_RATE,
            Self::MeanDelay { .. } => reason::MEAN_DELAY,
            Self::StarvedDelay { .. } | Self::StarvedSlots { .. } => reason::AGENT_STARVED,
        }
    }

    /// The agent it is about, if it is about one.
    #[must_use]
    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::AgentMissing { agent, .. }
            | Self::AgentLate { agent }
            | Self::AgentInterrupted { agent, .. }
            | Self::SuccessRate { agent, .. }
            | Self::MeanDelay { agent, .. }
            | Self::StarvedDelay { agent, .. }
            | Self::StarvedSlots { agent, .. } => Some(agent),
            Self::TargetMissing { .. } | Self::NotBegun(_) | Self::NothingProbed => None,
        }
    }

    /// The name of the target it is about, if it is about one.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::AgentInterrupted { target, .. }
            | Self::SuccessRate { target, .. }
            | Self::MeanDelay { target, .. }
            | Self::StarvedDelay { target, .. }
            | Self::StarvedSlots { target, .. } => Some(target),
            Self::AgentMissing { .. }
            | Self::AgentLate { .. }
            | Self::TargetMissing { .. }
            | Self::NotBegun(_)
            | Self::NothingProbed => None,
        }
    }
}

/// An agent as a sentence names it. One of a Deployment may stand on no node, because none took its pod.
struct Who<'a>(&'a AgentId);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(agent) = self;
        if agent.node.is_empty() { write!(f, "{} on no node", agent.pod) } else { agent.fmt(f) }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentMissing { agent, why } => write!(f, "{} left no result: {why}", Who(agent)),
            Self::AgentLate { agent } => {
                let who = Who(agent);
                write!(f, "{who} submitted after the deadline: its figures are kept and are no success")
            }
            Self::AgentInterrupted { agent, target, sent, slots } => {
                let who = Who(agent);
                write!(f, "{who} was stopped early: it sent {sent} of {slots} probes to {target}")
            }
            Self::TargetMissing { gap } => {
                write!(
                    f,
                    "{} over {} was asked for and not probed: {}",
                    gap.family, gap.ip_family, gap.reason
                )
            }
            Self::NotBegun(NotBegun::NoAgents { why }) => write!(f, "no agent could be started: {why}"),
            Self::NotBegun(NotBegun::OverBudget { why }) => write!(f, "the round was not begun: {why}"),
            Self::NothingProbed => f.write_str("no agent had a target: nothing was probed"),
            Self::SuccessRate { agent, target, successes, sent, rate_min, errors } => {
                let who = Who(agent);
                write!(
                    f,
                    "{who}: {successes} of {sent} probes to {target} succeeded (expected rate: at least \
                     {rate_min}"
                )?;
                errors.iter().try_for_each(|(key, count)| write!(f, "; {key}: {count}"))?;
                f.write_str(")")
            }
            Self::MeanDelay { agent, target, mean_us, mean_ms_max } => {
                let (who, mean) = (Who(agent), Number::mean_ms(*mean_us).0);
                write!(f, "{who}: mean delay to {target} was {mean} ms (expected: at most {mean_ms_max} ms)")
            }
            Self::StarvedDelay { agent, target, mean_us, mean_ms_max, lateness_us_p99, unsent } => {
                let (who, mean) = (Who(agent), Number::mean_ms(*mean_us).0);
                let late = Number::ms(*lateness_us_p99).0;
                write!(
                    f,
                    "{who}: mean delay to {target} was {mean} ms (expected: at most {mean_ms_max} ms), but the \
                     agent itself began its probes {late} ms late (p99) and left {unsent} unsent: short of CPU, \
                     which says nothing about the network"
                )
            }
            Self::StarvedSlots { agent, target, unsent, local, slots } => {
                let who = Who(agent);
                write!(
                    f,
                    "{who}: of {slots} probes to {target}, {unsent} were never sent and {local} failed or timed out for want of \
                     the agent's own resources, which says nothing about the network"
                )
            }
        }
    }
}
