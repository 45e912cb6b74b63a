//! What every NetReach without an `agentSpec` asks of the agents of everybody. Pure.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use netreach_api::{CheckedSpec, NetReach, check};
use netreach_wire::IpFamily;

use super::crew::{ip_families, needs_service, owner};

/// Who asks for what.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Asked {
    /// Every NetReach that wants a Service.
    pub(super) service_owners: Vec<OwnerReference>,
    /// Every NetReach that wants an Ingress, and has rounds left.
    pub(super) ingress_owners: Vec<OwnerReference>,
    /// IP versions of the Services.
    pub(super) ip_families: Vec<IpFamily>,
    /// Whether one of them wants a load balancer, and has rounds left.
    pub(super) is_balanced: bool,
}

impl Asked {
    pub(super) fn by(net_reaches: &[Arc<NetReach>]) -> Self {
        let mut asked = Self::default();
        for net_reach in net_reaches {
            if net_reach.spec.agent_spec.is_some() || net_reach.metadata.deletion_timestamp.is_some() {
                continue;
            }
            if let Ok(spec) = check(&net_reach.spec) {
                asked.add(net_reach, &spec);
            }
        }
        asked.service_owners.sort_by(|a, b| a.uid.cmp(&b.uid));
        asked.ingress_owners.sort_by(|a, b| a.uid.cmp(&b.uid));
        asked.ip_families.sort();
        asked.ip_families.dedup();
        asked
    }

    fn add(&mut self, net_reach: &NetReach, spec: &CheckedSpec) {
        let target = spec.target();
        let has_rounds_left = !net_reach.status.as_ref().is_some_and(|status| status.finish);
        if !needs_service(&target) {
            return;
        }
        self.service_owners.extend(owner(net_reach));
        self.ip_families.extend(ip_families(&target));
        self.is_balanced |= target.load_balancer && has_rounds_left;
        if target.ingress && has_rounds_left {
            self.ingress_owners.extend(owner(net_reach));
        }
    }
}
