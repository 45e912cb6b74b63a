//! A round in a few words: for lists of rounds and the columns of a table.

use jiff::Timestamp;
use netreach_api::LastRoundStatus;
use serde::{Deserialize, Serialize};

use crate::entry::unwell_nodes;
use crate::{RoundHead, Verdict};

/// One closed round, in about 200 bytes of JSON. Counts agents where it does not say nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundSummary {
    /// The NetReach's name.
    pub task: String,
    /// Which round.
    pub number: u64,
    /// When it began.
    pub start: Timestamp,
    /// When it was closed.
    pub ended: Timestamp,
    /// What it came to.
    pub verdict: LastRoundStatus,
    /// Agents that had a part in it, missing ones included.
    pub agents: u64,
    /// Nodes of which an agent failed, was late or left no result. Of a round that cannot be judged: left no result.
    pub failed_nodes: u64,
    /// Agents that left no result.
    pub missing: u64,
    /// Agents whose result came after the deadline.
    pub late: u64,
    /// The largest p99 of a target's latencies that an agent saw, microseconds. Late agents and those too tired to blame
    /// the network have no say; none when nobody else saw an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_p99_us: Option<u64>,
}

impl RoundSummary {
    /// The round of that head.
    #[must_use]
    pub fn of(head: &RoundHead) -> Self {
        let RoundHead { id, task, start, ended, verdict, lines, missing, .. } = head;
        let sound = lines.iter().filter(|line| !line.late && !line.starved);
        Self {
            task: task.clone(),
            number: id.number,
            start: *start,
            ended: *ended,
            verdict: status(verdict),
            agents: (lines.len() + missing.len()) as u64,
            failed_nodes: unwell_nodes(head),
            missing: missing.len() as u64,
            late: lines.iter().filter(|line| line.late).count() as u64,
            worst_p99_us: sound.filter_map(|line| line.worst_p99_us).max(),
        }
    }
}

/// The verdict in a word.
pub(crate) fn status(verdict: &Verdict) -> LastRoundStatus {
    match verdict {
        Verdict::Succeeded => LastRoundStatus::Succeed,
        Verdict::Failed(_) => LastRoundStatus::Fail,
        Verdict::Unknown(_) => LastRoundStatus::Unknown,
    }
}
