//! What is probed, and what should have been but cannot be.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// By which kind of address an agent is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetFamily {
    /// The pod's own address.
    PodIp,
    /// An address of one of the pod's further NICs.
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

/// IP version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IpFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What a probe to a load balancer's address can have proven (from `ipMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The source node's own rule for the address: the announcer was not involved.
    NodeRule,
    /// The load balancer itself.
    LoadBalancer,
}

/// One URL to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The report's TargetName, e.g. `AgentPodV4IP_<pod>_<ip>`.
    pub name: String,
    /// What the probe asks for, e.g. `http://172.40.0.6:80`.
    pub url: String,
    /// Where it connects to: names are resolved once a round, before it starts.
    pub address: SocketAddr,
    /// By which kind of address.
    pub family: TargetFamily,
    /// The pod that must answer; none where any backend of the Service may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// What the address proves, for load balancers and ingresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// By which fraction of an interval (in 2^-64) its slots are shifted: each agent has its own, so that a destination is probed
    /// at even distances.
    #[serde(default)]
    pub shift: u64,
}

/// A family the spec asks for that this round does not probe, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Which family.
    pub family: TargetFamily,
    /// Which IP version of it.
    pub ip_family: IpFamily,
    /// What it means for the verdict.
    pub class: GapClass,
    /// In a sentence.
    pub reason: String,
}

/// What a gap means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapClass {
    /// Needs a cluster and this round has none (`run --local`): changes no verdict.
    NotHere,
    /// Should be there and has no address: the round fails with `TargetMissing`.
    Missing,
}

impl Target {
    /// The IP version of its address.
    #[must_use]
    pub fn ip_family(&self) -> IpFamily {
        if self.address.is_ipv4() { IpFamily::V4 } else { IpFamily::V6 }
    }
}

impl fmt::Display for TargetFamily {
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

impl fmt::Display for IpFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl fmt::Display for GapClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHere => "not-here",
            Self::Missing => "missing",
        })
    }
}
