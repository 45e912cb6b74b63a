//! What happened, in a line. Pure.

use netreach_api::{LastRoundStatus, Load, RequestConnection, Rounds};

use super::story::{EndedRound, Tale};

/// What a run was to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) rounds: Rounds,
    pub(super) load: Load,
}

impl Wanted {
    /// A round by its number.
    pub(super) fn name(&self, number: u64) -> String {
        match self.rounds {
            Rounds::Forever => format!("round {number}"),
            Rounds::Count(count) => format!("round {number}/{count}"),
        }
    }

    /// The line for it; none where there is nothing to say.
    pub(super) fn line(&self, tale: &Tale) -> Option<String> {
        Some(match tale {
            Tale::Waiting(line) => line.clone(),
            Tale::Due(at) => format!("next round at {at:.0}; Ctrl-C ends the run"),
            Tale::Started { number, agents, deadline: _ } => self.started(*number, *agents),
            Tale::Ended(round) => self.ended(round),
            Tale::Missed { first, last, why } => {
                format!("{}: {why}; there is no report", self.names(*first, *last))
            }
            Tale::Untold { first, last } => {
                format!("{}: the status does not tell any more how it went", self.names(*first, *last))
            }
            Tale::Finished | Tale::Invalid(_) => return None,
        })
    }

    fn started(&self, number: u64, agents: Option<i64>) -> String {
        let Load { qps, duration_s, connection, timeout_ms: _ } = self.load;
        let agents = agents.map_or_else(|| "agents".to_owned(), |agents| format!("{agents} agents"));
        let kept = if connection == RequestConnection::Reuse { " over kept connections" } else { "" };
        let name = self.name(number);
        format!("{name}: {agents} send {qps} requests/s to each of their targets{kept} for {duration_s} s")
    }

    fn ended(&self, EndedRound { number, verdict, why, is_newest: _ }: &EndedRound) -> String {
        let word = match verdict {
            LastRoundStatus::Succeed => "succeed",
            LastRoundStatus::Fail => "fail",
            LastRoundStatus::Unknown => "unknown",
        };
        let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{} has ended: {word}{why}", self.name(*number))
    }

    fn names(&self, first: u64, last: u64) -> String {
        if first == last { self.name(last) } else { format!("rounds {first} to {last}") }
    }
}
