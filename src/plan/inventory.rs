//! What could be probed, as a plain snapshot.

use std::net::{IpAddr, SocketAddr};

use netreach_wire::{AgentId, IpFamily, Via};

/// Everything by which agents can be reached at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Where the agents are.
    pub place: Place,
    /// The agents, each with its own addresses.
    pub agents: Vec<AgentPod>,
    /// Every node of the cluster, whether an agent runs there or not.
    pub nodes: Vec<Node>,
    /// The agents' Services, one for each IP version that there is.
    pub services: Vec<Service>,
    /// Addresses of the Ingress that leads to one of them.
    pub ingresses: Vec<IngressAddress>,
}

/// Where a round takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Agents of one process on loopback: there are no Services, nodes or balancers.
    Local,
    /// Agents in the pods of a cluster.
    Cluster,
}

/// One agent and where it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPod {
    /// Who.
    pub id: AgentId,
    /// Where its pod answers, of either IP version.
    pub addresses: Vec<SocketAddr>,
    /// Addresses of the pod's further NICs, of either IP version.
    pub nics: Vec<IpAddr>,
    /// The port it answers on at those NICs.
    pub nic_port: u16,
}

/// A node and where it can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its internal addresses, of either IP version.
    pub addresses: Vec<IpAddr>,
}

/// A Service in front of the agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The IP version it is for.
    pub ip_family: IpFamily,
    /// Its cluster addresses.
    pub cluster_ips: Vec<IpAddr>,
    /// Its port.
    pub port: u16,
    /// Its port on every node, when it has one.
    pub node_port: Option<u16>,
    /// Addresses it was given by its load balancer.
    pub load_balancers: Vec<FrontAddress>,
}

/// One address in front of a Service; where the cluster names a host, its addresses of this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrontAddress {
    /// The address.
    pub ip: IpAddr,
    /// Who handles packets to it.
    pub mode: IpMode,
}

/// One address of an Ingress, and the path that leads to the agents. Ingress controllers answer on port 80.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressAddress {
    /// Where.
    pub front: FrontAddress,
    /// Starts with a slash.
    pub path: String,
}

/// `ipMode` of a load balancer's address, as Kubernetes defines it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IpMode {
    /// Every node handles the address itself, so a probe from a node never meets the balancer.
    #[default]
    Vip,
    /// Packets go to the balancer.
    Proxy,
}

impl IpMode {
    /// What a probe to such an address can prove.
    #[must_use]
    pub fn via(self) -> Via {
        match self {
            Self::Vip => Via::NodeRule,
            Self::Proxy => Via::LoadBalancer,
        }
    }
}

impl Inventory {
    /// A snapshot without anything in it.
    #[must_use]
    pub fn empty(place: Place) -> Self {
        Self { place, agents: Vec::new(), nodes: Vec::new(), services: Vec::new(), ingresses: Vec::new() }
    }
}
