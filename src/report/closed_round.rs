//! A round that nobody adds to any more: the facts as they came in, before anything is counted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use netreach_wire::{AgentId, AgentResult, Assignment, Gap, RoundId};
use serde_json::Value;

use crate::NotBegun;

/// Everything known of a round when it was closed. An open round cannot be merged.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedRound {
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
    /// Who was to do what: one per expected agent.
    pub assignments: Vec<Assignment>,
    /// What came back, in any order.
    pub submitted: Vec<Submitted>,
    /// Agents known to have died in mid-round, each with the cause, e.g. `process ended by signal 9`.
    pub lost: BTreeMap<AgentId, String>,
    /// Families the spec asks for that this round did not probe.
    pub gaps: Vec<Gap>,
    /// Which part of all pairs this round probed, in a sentence; none when it was all of them.
    pub sampling: Option<String>,
    /// Whether the round was stopped before its end.
    pub interrupted: bool,
    /// Why results that came in cannot be judged, e.g. a store that failed; none when they can.
    pub results_lost: Option<String>,
    /// Why it never began; none when it did.
    pub not_begun: Option<NotBegun>,
    /// Each agent's clock minus the manager's, microseconds; an agent without an entry is taken to be right.
    pub clock_offsets_us: BTreeMap<AgentId, i64>,
}

/// One result and who submitted it.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// The agent, as its connection proved it: a result does not name its sender.
    pub agent: AgentId,
    /// What it said.
    pub result: AgentResult,
    /// Whether it came after the deadline.
    pub late: bool,
}
