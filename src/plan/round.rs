//! The life of a round: due, open, closing, closed.
//!
//! Each stage has its own type, so that a step cannot be left out: [`DueRound`] → [`RoundPlan`] (it opens) →
//! [`OpenRound`] → [`CloseReason`] (it closes) → a [`DueRound`] again, as the last one done in the next case.

use std::collections::BTreeSet;
use std::time::Instant;

use jiff::Timestamp;
use netreach_api::{CheckedSpec, RequestConnection};
use netreach_wire::{AgentId, Assignment, Connection, EchoKey, Gap, Load, RoundId};

use crate::{Assigned, Inventory, OverBudget, Sampling, Terms, assign, targets};

/// A round that has become due: its place in the count and its planned instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRound {
    /// Counted from 1, missed ones included.
    pub number: u64,
    /// When the schedule wants it.
    pub due: Timestamp,
}

/// The three instants of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instants {
    /// When the schedule wanted it.
    pub due: Timestamp,
    /// The first slot.
    pub start: Timestamp,
    /// Results that come later are late.
    pub deadline: Timestamp,
}

/// All of a round's work, ready to be handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundPlan {
    /// Which round.
    pub id: RoundId,
    /// When the schedule wanted it.
    pub due: Timestamp,
    /// The first slot.
    pub start: Timestamp,
    /// Results that come later are late.
    pub deadline: Timestamp,
    /// One part per agent.
    pub assignments: Vec<Assignment>,
    /// How many peers each agent probes, when not all of them.
    pub sampling: Option<Sampling>,
    /// What was asked for and is not probed.
    pub gaps: Vec<Gap>,
}

/// A round under way, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRound {
    /// Which round.
    pub id: RoundId,
    /// The first slot.
    pub start: Timestamp,
    /// From this instant on the round closes, whoever is missing.
    pub deadline: Timestamp,
    /// Agents that were given a part.
    pub expected: Vec<AgentId>,
    /// Agents whose results are in.
    pub submitted: BTreeSet<AgentId>,
    /// Agents known to be gone: the process ended or the pod was deleted. Nothing more will come from them.
    pub lost: BTreeSet<AgentId>,
}

/// Why a round closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// Every expected agent has submitted, or is gone while another one submitted.
    AllIn,
    /// The deadline has come.
    Deadline,
    /// Nobody has submitted, and nobody is left who could.
    NobodyLeft,
}

/// The instant by the clock that nobody sets: `now`, counted from the first slot, which was `began` there and `start` on the wall.
#[must_use]
pub fn round_clock(start: Timestamp, began: Instant, now: Instant) -> Timestamp {
    let (ahead, behind) = (now.saturating_duration_since(began), began.saturating_duration_since(now));
    start.checked_add(ahead).and_then(|at| at.checked_sub(behind)).unwrap_or(start)
}

impl OpenRound {
    /// Whether it is over at `now`, and why.
    #[must_use]
    pub fn closing(&self, now: Timestamp) -> Option<CloseReason> {
        let waited_for = self.missing().any(|agent| !self.lost.contains(agent));
        let somebody_in = self.expected.iter().any(|agent| self.submitted.contains(agent));
        match (waited_for, somebody_in) {
            (false, true) => Some(CloseReason::AllIn),
            (false, false) => Some(CloseReason::NobodyLeft),
            (true, _) => (now >= self.deadline).then_some(CloseReason::Deadline),
        }
    }

    /// Expected agents that have not submitted, in the order in which they were expected.
    pub fn missing(&self) -> impl Iterator<Item = &AgentId> {
        self.expected.iter().filter(|agent| !self.submitted.contains(agent))
    }
}

/// Plans the round `id`: every agent of the inventory gets its part. The key signs the round's echoes.
///
/// # Errors
/// When the load does not fit the budget, see [`assign`].
pub fn plan_round(
    spec: &CheckedSpec,
    inventory: &Inventory,
    id: RoundId,
    instants: Instants,
    key: &EchoKey,
) -> Result<RoundPlan, OverBudget> {
    let Instants { due, start, deadline } = instants;
    let (targets, gaps) = targets(spec, inventory);
    let agents: Vec<AgentId> = inventory.agents.iter().map(|agent| agent.id.clone()).collect();
    let terms = Terms {
        load: load(spec),
        peers_per_round: spec.peers_per_round(),
        deadline_us: u64::try_from(deadline.duration_since(start).as_micros()).unwrap_or(0),
        key,
    };
    let Assigned { assignments, sampling } = assign(&id, &terms, &targets, &agents)?;
    Ok(RoundPlan { id, due, start, deadline, assignments, sampling, gaps })
}

fn load(spec: &CheckedSpec) -> Load {
    let load = spec.load();
    Load {
        rate_qps: load.qps,
        duration_s: load.duration_s,
        timeout_ms: load.timeout_ms,
        connection: match load.connection {
            RequestConnection::New => Connection::New,
            RequestConnection::Reuse => Connection::Reuse,
        },
    }
}
