//! Inventory × asked families → targets, and what is missing of them.
//!
//! Names and URLs are part of the report's format. An IPv6 address stands in brackets wherever a port or a path follows
//! it after a colon or a slash, thus in every URL, and bare where an underscore or nothing does.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use netreach_api::{CheckedSpec, TargetChoice};
use netreach_wire::{Gap, GapClass, IpFamily, Target, TargetFamily};

use crate::limits::NAMED_MAX;
use crate::{AgentPod, FrontAddress, Inventory, IpMode, Place, Service};

/// Port of an Ingress controller.
const INGRESS_PORT: u16 = 80;

/// Every target the spec asks for, and a gap for each family and IP version that has none or not all of its own.
/// Names are distinct: an address that is listed twice is probed once.
#[must_use]
pub fn targets(spec: &CheckedSpec, inventory: &Inventory) -> (Vec<Target>, Vec<Gap>) {
    let (mut targets, mut gaps) = (Vec::new(), Vec::new());
    let asked = spec.target();
    for family in asked_families(&asked) {
        for ip_family in asked_ip_families(&asked) {
            let gap = |class, reason| Gap { family, ip_family, class, reason };
            if inventory.place == Place::Local && family != TargetFamily::PodIp {
                gaps.push(gap(GapClass::NotHere, not_here(family)));
                continue;
            }
            let found = find(inventory, family, ip_family);
            targets.extend(found.targets);
            gaps.extend(found.missing.map(|reason| gap(GapClass::Missing, reason)));
        }
    }
    let mut names = HashSet::new();
    targets.retain(|target| names.insert(target.name.clone()));
    (targets, gaps)
}

/// What one family has of one IP version; `missing` says in a sentence what it should have and has not.
struct Found {
    targets: Vec<Target>,
    missing: Option<String>,
}

fn asked_families(asked: &TargetChoice) -> impl Iterator<Item = TargetFamily> + use<> {
    let families = [
        (asked.endpoint, TargetFamily::PodIp),
        (asked.multus_interface, TargetFamily::MultusIp),
        (asked.cluster_ip, TargetFamily::ClusterIp),
        (asked.node_port, TargetFamily::NodePort),
        (asked.load_balancer, TargetFamily::LoadBalancer),
        (asked.ingress, TargetFamily::Ingress),
    ];
    families.into_iter().filter_map(|(asked, family)| asked.then_some(family))
}

fn asked_ip_families(asked: &TargetChoice) -> impl Iterator<Item = IpFamily> + use<> {
    let versions = [(asked.ipv4, IpFamily::V4), (asked.ipv6, IpFamily::V6)];
    versions.into_iter().filter_map(|(asked, ip_family)| asked.then_some(ip_family))
}

fn find(inventory: &Inventory, family: TargetFamily, ip_family: IpFamily) -> Found {
    match family {
        TargetFamily::PodIp => of_pods(inventory, family, ip_family, |agent| agent.addresses.clone()),
        TargetFamily::MultusIp => of_pods(inventory, family, ip_family, |agent| {
            agent.nics.iter().map(|&ip| SocketAddr::new(ip, agent.nic_port)).collect()
        }),
        TargetFamily::ClusterIp => of_cluster_ips(inventory, ip_family),
        TargetFamily::NodePort => of_nodes(inventory, ip_family),
        TargetFamily::LoadBalancer => of_load_balancers(inventory, ip_family),
        TargetFamily::Ingress => of_ingresses(inventory, ip_family),
    }
}

fn of_pods(
    inventory: &Inventory,
    family: TargetFamily,
    ip_family: IpFamily,
    addresses: impl Fn(&AgentPod) -> Vec<SocketAddr>,
) -> Found {
    let what = if family == TargetFamily::PodIp { "address" } else { "address on a further NIC" };
    of_each(&inventory.agents, "agent pod", &format!("{ip_family} {what}"), |agent| {
        let pod = &agent.id.pod;
        let own = addresses(agent).into_iter().filter(|address| ip_family == version(address.ip()));
        let target = |address: SocketAddr| Target {
            name: format!("AgentPod{}_{pod}_{}", tag(ip_family), address.ip()),
            backend: Some(pod.clone()),
            ..plain(family, address)
        };
        (pod.as_str(), own.map(target).collect())
    })
}

fn of_nodes(inventory: &Inventory, ip_family: IpFamily) -> Found {
    let family = TargetFamily::NodePort;
    let Some(port) = service(inventory, ip_family).and_then(|service| service.node_port) else {
        return Found::none(format!("the agents' Service has no {ip_family} node port"));
    };
    of_each(&inventory.nodes, "node", &format!("{ip_family} address"), |node| {
        let own = node.addresses.iter().filter(|&&ip| ip_family == version(ip));
        let target = |&ip: &IpAddr| Target {
            name: format!("AgentNodePort{}_{ip}_{port}", tag(ip_family)),
            ..plain(family, SocketAddr::new(ip, port))
        };
        (node.name.as_str(), own.map(target).collect())
    })
}

fn of_cluster_ips(inventory: &Inventory, ip_family: IpFamily) -> Found {
    let family = TargetFamily::ClusterIp;
    let own = service(inventory, ip_family)
        .into_iter()
        .flat_map(|service| service.cluster_ips.iter().map(move |&ip| SocketAddr::new(ip, service.port)));
    let target = |address| Target {
        name: format!("AgentCluster{}_{address}", tag(ip_family)),
        ..plain(family, address)
    };
    Found::some_or(own.map(target).collect(), || {
        format!("the agents' Service has no {ip_family} cluster address")
    })
}

fn of_load_balancers(inventory: &Inventory, ip_family: IpFamily) -> Found {
    let own = service(inventory, ip_family).into_iter().flat_map(|service| {
        let fronts = service.load_balancers.iter();
        fronts.map(move |front| (SocketAddr::new(front.ip, service.port), front.mode))
    });
    let target = |(address, mode): (SocketAddr, IpMode)| Target {
        name: format!("AgentLoadbalancer{}_{address}", tag(ip_family)),
        via: Some(mode.via()),
        ..plain(TargetFamily::LoadBalancer, address)
    };
    Found::some_or(own.map(target).collect(), || {
        format!("the load balancer has given the agents' Service no {ip_family} address")
    })
}

fn of_ingresses(inventory: &Inventory, ip_family: IpFamily) -> Found {
    let own = inventory.ingresses.iter().filter(|ingress| ip_family == version(ingress.front.ip));
    let targets = own.map(|ingress| {
        let FrontAddress { ip, mode } = ingress.front;
        let address = SocketAddr::new(ip, INGRESS_PORT);
        let url = format!("http://{}{}", host(ip), ingress.path);
        let name = format!("AgentIngress_{url}");
        Target { name, url, via: Some(mode.via()), ..plain(TargetFamily::Ingress, address) }
    });
    Found::some_or(targets.collect(), || format!("the Ingress of the agents has no {ip_family} address"))
}

/// The agents' Service of that IP version.
fn service(inventory: &Inventory, ip_family: IpFamily) -> Option<&Service> {
    inventory.services.iter().find(|service| service.ip_family == ip_family)
}

/// The targets of every owner (a pod, a node); owners without any are missing, by name.
fn of_each<'a, T>(
    owners: &'a [T],
    kind: &str,
    what: &str,
    targets: impl Fn(&'a T) -> (&'a str, Vec<Target>),
) -> Found {
    let (mut found, mut without) = (Vec::new(), Vec::new());
    for (name, own) in owners.iter().map(targets) {
        if own.is_empty() {
            without.push(name);
        }
        found.extend(own);
    }
    let missing = match (found.is_empty(), without.is_empty()) {
        (true, _) => Some(format!("no {kind} has an {what}")),
        (false, true) => None,
        (false, false) => Some(format!(
            "{} of {} {kind}s without an {what}: {}",
            without.len(),
            owners.len(),
            named(&without)
        )),
    };
    Found { targets: found, missing }
}

/// The first few names and how many more there are.
fn named(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMED_MAX)].join(", ");
    match names.len().saturating_sub(NAMED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn not_here(family: TargetFamily) -> String {
    let what = match family {
        TargetFamily::PodIp => "the pod's own address",
        TargetFamily::MultusIp => "a pod with further NICs",
        TargetFamily::ClusterIp => "a Service",
        TargetFamily::NodePort => "a Service on the nodes of a cluster",
        TargetFamily::LoadBalancer => "a Service behind a load balancer",
        TargetFamily::Ingress => "an Ingress controller",
    };
    format!("{family} needs {what}, and a local run has none")
}

/// A target with its URL made of its address, without a name yet.
fn plain(family: TargetFamily, address: SocketAddr) -> Target {
    Target {
        name: String::new(),
        url: format!("http://{address}"),
        address,
        family,
        backend: None,
        via: None,
        shift: 0,
    }
}

fn version(ip: IpAddr) -> IpFamily {
    if ip.is_ipv4() { IpFamily::V4 } else { IpFamily::V6 }
}

fn tag(ip_family: IpFamily) -> &'static str {
    match ip_family {
        IpFamily::V4 => "V4IP",
        IpFamily::V6 => "V6IP",
    }
}

fn host(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

impl Found {
    fn none(reason: String) -> Self {
        Self { targets: Vec::new(), missing: Some(reason) }
    }

    fn some_or(targets: Vec<Target>, reason: impl FnOnce() -> String) -> Self {
        if targets.is_empty() { Self::none(reason()) } else { Self { targets, missing: None } }
    }
}

#[cfg(test)]
#[path = "targets_tests.rs"]
mod tests;
