//! What is known of the cluster when a NetReach is admitted.

use serde::{Deserialize, Serialize};

use crate::{NetReachSpec, TargetSpec};

/// Facts that defaults and warnings rest on; no spec is ever refused for one. What is not known is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterFacts {
    /// Whether pods have IPv4 addresses.
    pub ipv4: bool,
    /// Whether pods have IPv6 addresses.
    pub ipv6: bool,
    /// How many nodes there are; none where nobody has looked at the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
    /// Whether Services of type LoadBalancer get an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<bool>,
    /// Whether there is an Ingress class for objects that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<bool>,
    /// Whether pods can have further NICs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multus: Option<bool>,
}

/// Of a cluster nobody has looked at: IPv4 alone.
impl Default for ClusterFacts {
    fn default() -> Self {
        Self { ipv4: true, ipv6: false, nodes: None, load_balancer: None, ingress: None, multus: None }
    }
}

impl ClusterFacts {
    /// Facts for a change of an object: its IP versions stay what they were, even if its pods would have others today.
    #[must_use]
    pub fn keeping(self, old: &NetReachSpec) -> Self {
        let TargetSpec { ipv4, ipv6, .. } = old.target.clone().unwrap_or_default();
        Self { ipv4: ipv4.unwrap_or(self.ipv4), ipv6: ipv6.unwrap_or(self.ipv6), ..self }
    }
}
