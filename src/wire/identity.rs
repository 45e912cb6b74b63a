//! Who speaks, and about which round.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An agent: a probing pod on its node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentId {
    /// The node it runs on.
    pub node: String,
    /// Its pod's name.
    pub pod: String,
}

/// One pass of one NetReach over all its targets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundId {
    /// The NetReach's uid, so that a namesake made later is somebody else.
    pub uid: String,
    /// Counted from 1.
    pub number: u64,
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.pod, self.node)
    }
}

impl fmt::Display for RoundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.uid, self.number)
    }
}
