//! What can go wrong with a NetReach's life, and when to try again.

use std::time::Duration;

use netreach_store::StoreError;

use crate::limits::RETRY;

/// Why a step could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// Something in the cluster cannot be read.
    #[error("could not read {what}{}", rights(source))]
    Read {
        /// What.
        what: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// Something in the cluster cannot be written.
    #[error("could not write {what}{}", rights(source))]
    Write {
        /// What.
        what: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// An API server will not have something of ours.
    #[error("{what} was refused: {why}")]
    Refused {
        /// What.
        what: String,
        /// In the API server's words.
        why: String,
    },
    /// An API server could not take something of ours: it, or somebody whom it has to ask, is out of order.
    #[error("{what} could not be made: {why}")]
    Unmade {
        /// What.
        what: String,
        /// In the API server's words.
        why: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The desk would not have a round.
    #[error(transparent)]
    Desk(#[from] netreach_dispatch::DeskError),
    /// Another manager is at work.
    #[error("could not open round {round} (somebody else has: see that only one manager runs)")]
    Overtaken {
        /// Which round.
        round: netreach_wire::RoundId,
    },
    /// A watch that never had its first answer.
    #[error("could not watch {what}: the watch has ended")]
    Watch {
        /// What.
        what: &'static str,
    },
    /// An object that came without what every API server gives it.
    #[error("could not use a NetReach without {0}")]
    Bare(&'static str),
}

impl ControllerError {
    /// With its cause, in one line.
    pub(crate) fn whole(&self) -> String {
        let cause = std::error::Error::source(self).map(|source| format!(": {source}"));
        format!("{self}{}", cause.unwrap_or_default())
    }

    /// How long to wait before the same is tried again.
    pub(crate) fn retry_after(&self) -> Duration {
        match self {
            // Somebody else was quicker, or the server is short of breath: it says so at once.
            Self::Read { .. } | Self::Write { .. } => RETRY / 5,
            Self::Refused { .. }
            | Self::Unmade { .. }
            | Self::Store(_)
            | Self::Desk(_)
            | Self::Overtaken { .. }
            | Self::Watch { .. }
            | Self::Bare(_) => RETRY,
        }
    }
}

/// What to see to when it is for want of rights.
fn rights(source: &kube::Error) -> &'static str {
    match source {
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
            " (see that the role netreach-manager is bound to this service account)"
        }
        _ => "",
    }
}
