//! What is followed → the planner's snapshot of everything by which agents can be reached. Pure.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::networking::v1::Ingress;
use netreach_api::TargetChoice;
use netreach_plan::{
    AgentPod, FrontAddress, IngressAddress, Inventory, IpMode, Node as PlanNode, Place,
    Service as PlanService,
};
use netreach_wire::IpFamily;

use super::agents::AgentFacts;
use super::world::World;
use crate::workload::{Crew, ip_families, needs_service};

/// Addresses of the hosts that load balancers and ingress controllers name instead of addresses.
pub(crate) type Hosts = BTreeMap<String, Vec<IpAddr>>;

/// Addresses of hosts, and when they were found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resolved {
    pub(crate) hosts: Hosts,
    pub(crate) at: Option<Instant>,
}

/// One entry of a status: what a balancer says of itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Front {
    ip: Option<IpAddr>,
    host: Option<String>,
    is_proxy: bool,
}

/// What stands in front of a crew, as far as it is there.
pub(crate) struct Facade {
    services: Vec<(IpFamily, Arc<Service>)>,
    ingress: Option<Arc<Ingress>>,
    path: String,
}

impl Facade {
    /// As far as these targets lie behind it: for what others ask of the same agents nobody else waits.
    pub(crate) fn of(world: &World, crew: &Crew, target: &TargetChoice) -> Self {
        let service =
            |ip_family| Some((ip_family, world.services.named(&crew.namespace, &crew.service(ip_family))?));
        Self {
            services: ip_families(target).filter(|_| needs_service(target)).filter_map(service).collect(),
            ingress: world.ingresses.named(&crew.namespace, &crew.name).filter(|_| target.ingress),
            path: crew.path(),
        }
    }

    /// Hosts that have to be resolved before a round.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let of_services = self.services.iter().flat_map(|(_, service)| balancers(service));
        let mut hosts: Vec<_> = of_services
            .chain(self.ingress.iter().flat_map(|ingress| controllers(ingress)))
            .filter_map(|front| front.host)
            .collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Names of the Services.
    pub(crate) fn services(&self) -> impl Iterator<Item = (IpFamily, &str)> {
        self.services
            .iter()
            .filter_map(|(ip_family, service)| Some((*ip_family, service.metadata.name.as_deref()?)))
    }
}

/// Everything by which `agents` can be reached.
pub(crate) fn inventory(
    agents: &[AgentFacts],
    nodes: &[Arc<Node>],
    facade: &Facade,
    hosts: &Hosts,
) -> Inventory {
    let service = |(ip_family, service): &(IpFamily, Arc<Service>)| plan_service(*ip_family, service, hosts);
    let ingress = |ingress: &Arc<Ingress>| {
        let fronts = controllers(ingress).into_iter().flat_map(|front| addresses(&front, hosts));
        fronts.map(|front| IngressAddress { front, path: facade.path.clone() }).collect::<Vec<_>>()
    };
    Inventory {
        place: Place::Cluster,
        agents: agents.iter().map(agent_pod).collect(),
        nodes: nodes.iter().filter_map(|node| plan_node(node)).collect(),
        services: facade.services.iter().filter_map(service).collect(),
        ingresses: facade.ingress.iter().flat_map(ingress).collect(),
    }
}

fn agent_pod(agent: &AgentFacts) -> AgentPod {
    AgentPod {
        id: agent.id.clone(),
        addresses: agent.addresses.iter().map(|&ip| SocketAddr::new(ip, agent.port)).collect(),
        nics: agent.nics.clone(),
        nic_port: agent.port,
    }
}

fn plan_node(node: &Node) -> Option<PlanNode> {
    let addresses = node.status.iter().flat_map(|status| status.addresses.iter().flatten());
    let internal = addresses.filter(|address| address.type_ == "InternalIP");
    Some(PlanNode {
        name: node.metadata.name.clone()?,
        addresses: internal.filter_map(|one| one.address.parse().ok()).collect(),
    })
}

fn plan_service(ip_family: IpFamily, service: &Service, hosts: &Hosts) -> Option<PlanService> {
    let spec = service.spec.as_ref()?;
    let port = spec.ports.iter().flatten().next()?;
    let fronts = balancers(service).into_iter().flat_map(|front| addresses(&front, hosts));
    let of_family = |ip: &IpAddr| ip.is_ipv4() == (ip_family == IpFamily::V4);
    let cluster_ips = spec.cluster_ips.iter().flatten().filter_map(|ip| ip.parse().ok());
    Some(PlanService {
        ip_family,
        cluster_ips: cluster_ips.filter(of_family).collect(),
        port: u16::try_from(port.port).ok()?,
        node_port: port.node_port.and_then(|port| u16::try_from(port).ok()),
        load_balancers: fronts.filter(|front| of_family(&front.ip)).collect(),
    })
}

fn balancers(service: &Service) -> Vec<Front> {
    // An address that is left over from when it was balanced says nothing.
    if service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) != Some("LoadBalancer") {
        return Vec::new();
    }
    let fronts = service
        .status
        .iter()
        .flat_map(|status| status.load_balancer.iter())
        .flat_map(|balancer| balancer.ingress.iter().flatten());
    let front = |front: &k8s_openapi::api::core::v1::LoadBalancerIngress| Front {
        ip: front.ip.as_deref().and_then(|ip| ip.parse().ok()),
        host: front.hostname.clone(),
        is_proxy: front.ip_mode.as_deref() == Some("Proxy"),
    };
    fronts.map(front).collect()
}

fn controllers(ingress: &Ingress) -> Vec<Front> {
    let fronts = ingress
        .status
        .iter()
        .flat_map(|status| status.load_balancer.iter())
        .flat_map(|balancer| balancer.ingress.iter().flatten());
    fronts
        .map(|front| Front {
            ip: front.ip.as_deref().and_then(|ip| ip.parse().ok()),
            host: front.hostname.clone(),
            is_proxy: false,
        })
        .collect()
}

/// A host stands outside the cluster: its addresses are nobody's short cut.
fn addresses(front: &Front, hosts: &Hosts) -> Vec<FrontAddress> {
    let mode = if front.is_proxy || front.ip.is_none() { IpMode::Proxy } else { IpMode::Vip };
    match (front.ip, &front.host) {
        (Some(ip), _) => vec![FrontAddress { ip, mode }],
        (None, Some(host)) => {
            hosts.get(host).into_iter().flatten().map(|&ip| FrontAddress { ip, mode }).collect()
        }
        (None, None) => Vec::new(),
    }
}
