//! How the program can end, and what it tells the caller by that.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use netreach_api::FieldError;

use crate::cluster::ClusterTrouble;
use crate::report::ReportTrouble;

/// An end that is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every round succeeded, or what was asked for is printed.
    Succeeded,
    /// A round failed or cannot be judged.
    NotSucceeded,
}

/// An end without an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The file cannot be read.
    #[error("could not read {from}: {why}")]
    Unreadable { from: String, why: String },
    /// It is no YAML.
    #[error("{from} is not YAML as it should be: {why}")]
    Syntax { from: String, why: String },
    /// It is no NetReach, or one with faults.
    #[error("{from} has {} {}", faults.len(), if faults.len() == 1 { "fault" } else { "faults" })]
    Faulty { from: String, faults: Vec<FieldError> },
    /// Running in a cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterTrouble),
    /// Showing what a cluster keeps.
    #[error(transparent)]
    Report(#[from] ReportTrouble),
    /// spec.suspend.
    #[error("no round starts while spec.suspend is true: set it to false, or leave it out")]
    Suspended,
    /// More load than is allowed.
    #[error(transparent)]
    OverBudget(#[from] netreach_plan::OverBudget),
    /// The store.
    #[error(transparent)]
    Store(#[from] netreach_store::StoreError),
    /// A port or an address of this machine.
    #[error(transparent)]
    Bind(#[from] netreach_serve::BindError),
    /// An agent ended before its first round.
    #[error("agent {pod} could not start: {words}")]
    AgentEnded { pod: String, words: String },
    /// Agents that did not find their desk.
    #[error(
        "only {present} of {wanted} agents were ready within {seconds} s: is this machine out of memory or CPU? -v tells more"
    )]
    NotReady { present: usize, wanted: usize, seconds: u64 },
    /// No agent is left for a further round.
    #[error("every agent has ended: no further round can be run")]
    NobodyLeft,
    /// Ctrl-C before the first round.
    #[error("interrupted before a round began")]
    Interrupted,
    /// Reports cannot be written there.
    #[error("could not keep reports in {}: name a directory that can be written", dir.display())]
    Reports { dir: PathBuf, source: std::io::Error },
    /// The report cannot be written.
    #[error("could not write {}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// Something of the system's.
    #[error("could not {attempt}")]
    System { attempt: &'static str, source: std::io::Error },
    /// The desk would not have a round.
    #[error(transparent)]
    Desk(netreach_dispatch::DeskError),
    /// The hidden agent's arguments.
    #[error(transparent)]
    AgentConfig(#[from] netreach_agent::ConfigError),
    /// The hidden agent's own trouble.
    #[error(transparent)]
    Agent(#[from] netreach_agent::AgentError),
}

impl Ending {
    pub(crate) fn code(self) -> ExitCode {
        match self {
            Self::Succeeded => ExitCode::SUCCESS,
            Self::NotSucceeded => ExitCode::from(1),
        }
    }
}

impl Trouble {
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Unreadable { .. } | Self::Syntax { .. } | Self::Faulty { .. } | Self::OverBudget(_) => {
                ExitCode::from(2)
            }
            Self::Cluster(trouble) if trouble.is_of_input() => ExitCode::from(2),
            _ => ExitCode::from(3),
        }
    }

    /// Says it on standard error, with everything that led to it.
    pub(crate) fn tell(&self) {
        let mut line = format!("netreach: {self}");
        let mut cause = std::error::Error::source(self);
        while let Some(source) = cause {
            line.push_str(&format!(": {source}"));
            cause = source.source();
        }
        tell(&line);
        if let Self::Faulty { faults, .. } = self {
            faults.iter().for_each(|fault| tell(&format!("  {fault}")));
        }
    }
}

/// A line on standard error. A reader that has gone away (`2>&1 | head`) is no reason to end.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
