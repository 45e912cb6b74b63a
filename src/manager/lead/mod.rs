//! One of several managers leads: the one that holds a Lease. It renews the Lease for as long as it is at work, gives it up when it ends,
//! and ends at once when it is lost. Its pod carries a label by which Services find it.
//!
//! Takes what a Lease and the clock of this process say; makes a term that is held, or lost. Does not know what a leader does.

mod keep;
mod label;
pub mod plan;
mod record;
#[cfg(test)]
mod sim_tests;
mod term;

pub use keep::{Candidate, Leader};
pub use label::Badge;
pub use term::{Standing, Term};

use plan::Lost;

/// A lead that is over, or that nobody is told of.
#[derive(Debug, thiserror::Error)]
pub enum LeadError {
    /// The Lease is not ours any more.
    #[error("lost the Lease {lease} ({why}): ended at once, for another manager may lead from now on")]
    Lost {
        /// Which.
        lease: String,
        /// How.
        why: Lost,
    },
    /// What renewed the Lease is gone.
    #[error(
        "lost the Lease {0} (what renews it has failed): ended at once, for another manager may lead soon"
    )]
    Unkept(String),
    /// It cannot be seen which pods are called the leader's.
    #[error(
        "could not list the pods of managers ({0}): see that the role netreach-manager is bound to this service account"
    )]
    Pods(#[source] kube::Error),
    /// A pod cannot be called the leader's, or cannot cease to be.
    #[error(
        "could not label pod {pod} ({source}): see that it is in this namespace (--pod names our own), and that the role \
         netreach-leader is bound to this service account"
    )]
    Label {
        /// Which.
        pod: String,
        /// Why.
        source: kube::Error,
    },
    /// An API server takes too long.
    #[error("could not see to the labels of managers' pods (the API server does not answer)")]
    Silent,
}
