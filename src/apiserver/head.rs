//! What is known of a report without opening it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

/// What tables show and selectors ask for: all that is known of a report without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `netreach-<task>`: a name as Kubernetes' objects have it, of its own.
    pub name: String,
    /// Another one when the name is used anew.
    pub uid: String,
    /// The report's creationTimestamp: when a round of it was reported for the first time.
    pub created: Timestamp,
    /// Labels of the object.
    pub labels: BTreeMap<String, String>,
    /// `spec.TaskName`: the NetReach's name.
    pub task: String,
    /// `spec.RoundNumber`: rounds wanted, -1 for ever.
    pub rounds_wanted: i64,
    /// `spec.FinishedRoundNumber`: rounds done, those included of which there is no report.
    pub rounds_done: u64,
    /// `spec.ReportRoundNumber`: the reported round.
    pub round: u64,
    /// Whether no round is left to do: `spec.Status` is `Finished` then, else `NotFinished`.
    pub is_finished: bool,
    /// `spec.Verdict`: `succeed`, `fail` or `unknown`.
    pub verdict: Cow<'static, str>,
    /// Nodes with an agent that missed the success condition, or that has not reported.
    pub failed_nodes: u64,
    /// The largest p99 latency of all targets of all agents, microseconds; none when nothing answered.
    pub worst_p99_us: Option<u64>,
}

impl Head {
    /// `spec.Status`.
    pub(crate) fn status(&self) -> &'static str {
        if self.is_finished { "Finished" } else { "NotFinished" }
    }

    /// What it takes in memory, bytes, about.
    pub(crate) fn bytes(&self) -> usize {
        let Self { name, uid, labels, task, .. } = self;
        let labels: usize = labels.iter().map(|(key, value)| LABEL_BYTES + key.len() + value.len()).sum();
        size_of::<Self>() + name.len() + uid.len() + task.len() + labels
    }
}

/// Two texts and their place in a tree.
const LABEL_BYTES: usize = 64;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A head of the seed's moment.
    pub(crate) fn head(name: &str) -> Head {
        Head {
            name: name.to_owned(),
            uid: format!("uid-of-{name}"),
            created: "2023-08-01T08:37:07.9Z".parse().unwrap(),
            labels: BTreeMap::new(),
            task: name.trim_start_matches("netreach-").to_owned(),
            rounds_wanted: -1,
            rounds_done: 7,
            round: 7,
            is_finished: false,
            verdict: "succeed".into(),
            failed_nodes: 0,
            worst_p99_us: Some(1_234),
        }
    }
}
