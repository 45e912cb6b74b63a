//! What is shown, apart from the heads.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Contents, Head, Trouble};

/// Opens reports. What there is to open is said by [`crate::Log`].
#[async_trait]
pub trait Reports: Send + Sync {
    /// What is in the report that this head is of: of its uid, and of its round as long as that is kept, else of a newer one.
    /// None when there is none of it any more; the log has then been told so, or is being told.
    ///
    /// The head may be one of a while ago: lists go on where they have begun, and watchers are told what has been.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn open(&self, head: &Head) -> Result<Option<Contents>, Trouble>;

    /// All rounds that are kept of the report of this name, in any order: of the living uid, or of this one. None when nothing
    /// is known of it.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn rounds(&self, name: &str, uid: Option<&str>) -> Result<Option<Vec<RoundSummary>>, Trouble>;

    /// One round of the report of this name; none when it is not there, or not any more.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn round(&self, name: &str, which: Which, filter: &Filter) -> Result<Option<Round>, Trouble>;
}

/// Which round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one of this number, from 1.
    Number(u64),
    /// The newest that is closed.
    Last,
}

/// Which part of a round, all conditions together. Verdict and counts stay those of the whole round; with a node, lists of agents and
/// reasons name those of that node alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this uid; of the living one when none is named.
    pub uid: Option<String>,
    /// Agents on this node.
    pub node: Option<String>,
    /// Targets of this family.
    pub family: Option<Family>,
    /// Targets that missed the success condition, and the agents that had some.
    pub failed: bool,
}

/// By which kind of address an agent is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The pod's own address; a NetReach's `target.endpoint`.
    PodIp,
    /// An address of one of the pod's further NICs; `target.multusInterface`.
    MultusIp,
    /// The Service's cluster address.
    ClusterIp,
    /// A node's address and the Service's node port.
    NodePort,
    /// An address the load balancer gave the Service.
    LoadBalancer,
    /// The Ingress controller's address and our path.
    Ingress,
}

/// One round, opened.
#[derive(Debug)]
pub struct Round {
    /// The uid of the report whose round it is.
    pub uid: String,
    /// When it was closed.
    pub created: Timestamp,
    /// What is in it.
    pub contents: Contents,
}

/// One round in a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundSummary {
    /// Its number, from 1.
    pub number: u64,
    /// The uid by which it can be asked for, also when its name has been used anew.
    pub uid: String,
    /// `succeed`, `fail` or `unknown`.
    pub verdict: Cow<'static, str>,
    /// When it began.
    pub started: Timestamp,
    /// When it was closed.
    pub ended: Timestamp,
    /// Agents that were given work.
    pub agents: u64,
    /// Nodes with an agent that missed the success condition, or that has not reported.
    pub failed_nodes: u64,
    /// Agents without a result.
    pub missing_agents: u64,
    /// Agents whose result came after the deadline.
    pub late_agents: u64,
    /// The largest p99 latency of all targets of all agents, microseconds; none when nothing answered.
    pub worst_p99_us: Option<u64>,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::PodIp, Self::MultusIp, Self::ClusterIp, Self::NodePort, Self::LoadBalancer, Self::Ingress];

    /// The family that is called so, in whatever case: as documents have it, or as a NetReach's `target` does.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name {
            _ if is("endpoint") => Some(Self::PodIp),
            _ if is("multusInterface") => Some(Self::MultusIp),
            _ => Self::ALL.into_iter().find(|family| is(&family.to_string())),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PodIp => "podIp",
            Self::MultusIp => "multusIp",
            Self::ClusterIp => "clusterIp",
            Self::NodePort => "nodePort",
            Self::LoadBalancer => "loadBalancer",
            Self::Ingress => "ingress",
        })
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Last => f.write_str("last"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_goes_by_the_names_users_know() {
        for family in Family::ALL {
            assert_eq!(Family::named(&family.to_string()), Some(family));
            assert_eq!(Family::named(&family.to_string().to_uppercase()), Some(family));
        }
        assert_eq!(Family::named("endpoint"), Some(Family::PodIp));
        assert_eq!(Family::named("MultusInterface"), Some(Family::MultusIp));
        assert_eq!(Family::named("clusterIP"), Some(Family::ClusterIp));
        assert_eq!(Family::named("pod"), None);
        assert_eq!(Family::named(""), None);
    }
}
