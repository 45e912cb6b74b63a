//! Which agents serve a NetReach, and by what they are run: its own, where it asks for some, else those of everybody.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;
use netreach_api::{AgentKind, AgentSpec, NetReach, ResourceStatus, RuntimeStatus, TargetChoice, defaults};
use netreach_wire::IpFamily;

use super::names;
use crate::{ControllerError, Settings};

/// The agents of a NetReach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crew {
    /// Where they are.
    pub(crate) namespace: String,
    /// The DaemonSet or Deployment, and the Ingress.
    pub(crate) name: String,
    pub(crate) kind: AgentKind,
    /// The NetReach that they were made for; none for everybody's.
    pub(crate) own: Option<String>,
}

impl Crew {
    pub(crate) fn of(net_reach: &NetReach, settings: &Settings) -> Result<Self, ControllerError> {
        let (name, uid) = identity(net_reach)?;
        Ok(match &net_reach.spec.agent_spec {
            None => Self {
                namespace: settings.namespace.clone(),
                name: names::DEFAULT_AGENTS.to_owned(),
                kind: AgentKind::DaemonSet,
                own: None,
            },
            Some(agents) => Self {
                namespace: if is_on_host(agents) { &settings.host_namespace } else { &settings.namespace }
                    .clone(),
                name: names::workload(name, uid),
                kind: agents.kind.unwrap_or(defaults::AGENT_KIND),
                own: Some(uid.to_owned()),
            },
        })
    }

    /// The Service of one IP version.
    pub(crate) fn service(&self, ip_family: IpFamily) -> String {
        names::service(&self.name, ip_family)
    }

    /// The path by which the Ingress leads to them.
    pub(crate) fn path(&self) -> String {
        names::path(self.own.as_deref())
    }

    /// As the status tells it.
    pub(crate) fn resource(&self, target: &TargetChoice, status: RuntimeStatus) -> ResourceStatus {
        let service =
            |asked: bool, ip_family| (asked && needs_service(target)).then(|| self.service(ip_family));
        ResourceStatus {
            runtime_name: Some(self.name.clone()),
            runtime_status: Some(status),
            runtime_type: Some(format!("{:?}", self.kind)),
            service_name_v4: service(target.ipv4, IpFamily::V4),
            service_name_v6: service(target.ipv6, IpFamily::V6),
        }
    }
}

/// Whether any target lies behind a Service.
pub(crate) fn needs_service(target: &TargetChoice) -> bool {
    target.cluster_ip || target.node_port || target.load_balancer || target.ingress
}

/// The IP versions asked for.
pub(crate) fn ip_families(target: &TargetChoice) -> impl Iterator<Item = IpFamily> {
    let versions = [(target.ipv4, IpFamily::V4), (target.ipv6, IpFamily::V6)];
    versions.into_iter().filter_map(|(asked, ip_family)| asked.then_some(ip_family))
}

pub(crate) fn is_on_host(agents: &AgentSpec) -> bool {
    agents.host_network.unwrap_or(defaults::HOST_NETWORK)
}

/// Name and uid.
pub(crate) fn identity(net_reach: &NetReach) -> Result<(&str, &str), ControllerError> {
    let name = net_reach.metadata.name.as_deref().ok_or(ControllerError::Bare("a name"))?;
    let uid = net_reach.metadata.uid.as_deref().ok_or(ControllerError::Bare("a uid"))?;
    Ok((name, uid))
}

/// What is made for a NetReach goes with it.
pub(crate) fn owner(net_reach: &NetReach) -> Option<OwnerReference> {
    let owner = net_reach.owner_ref(&())?;
    // Not its controller: several may own what serves them all.
    Some(OwnerReference { controller: None, block_owner_deletion: None, ..owner })
}
