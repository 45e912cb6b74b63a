use netreach_api::{ClusterFacts, admit};
use netreach_wire::AgentId;
use serde_json::json;

use super::*;
use crate::{IngressAddress, Node, Service};

const FAMILIES: [&str; 6] =
    ["endpoint", "multusInterface", "clusterIP", "nodePort", "loadBalancer", "ingress"];

/// Probes the inventory by the named families over both IP versions; one line per target and gap.
fn check(inventory: &Inventory, families: &str, expected: &[&str]) {
    let mut target = json!({ "ipv4": true, "ipv6": true });
    for family in FAMILIES {
        target[family] = families.split(' ').any(|asked| asked == family).into();
    }
    let object = json!({
        "apiVersion": "kdoctor.io/v1beta1",
        "kind": "NetReach",
        "metadata": { "name": "task" },
        "spec": { "target": target },
    });
    let spec = admit(object, &ClusterFacts { ipv4: true, ipv6: true, ..ClusterFacts::default() })
        .expect("a valid spec")
        .checked;
    let (targets, gaps) = targets(&spec, inventory);
    let mut lines: Vec<String> = targets.iter().map(target_line).collect();
    lines.extend(
        gaps.iter().map(|gap| format!("{} {} {}: {}", gap.class, gap.family, gap.ip_family, gap.reason)),
    );
    assert_eq!(lines, expected);
}

fn target_line(target: &Target) -> String {
    let Target { name, url, address, family, backend, via, shift: _ } = target;
    let backend = backend.as_deref().map(|pod| format!(" of {pod}")).unwrap_or_default();
    let via = via.map(|via| format!(" via {via:?}")).unwrap_or_default();
    format!("{family} {name} {url} {address}{backend}{via}")
}

fn agent(pod: &str, addresses: &[&str], nics: &[&str]) -> AgentPod {
    AgentPod {
        id: AgentId { node: format!("{pod}-node"), pod: pod.to_owned() },
        addresses: addresses.iter().map(|address| address.parse().expect("an address")).collect(),
        nics: nics.iter().map(|&text| ip(text)).collect(),
        nic_port: 80,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn local() -> Inventory {
    let agents = ["a", "b"]
        .iter()
        .zip([1, 2])
        .map(|(pod, n)| agent(pod, &[&format!("127.0.0.{n}:8000"), &format!("[::1]:800{n}")], &[]));
    Inventory { agents: agents.collect(), ..Inventory::empty(Place::Local) }
}

fn cluster() -> Inventory {
    let node = |name: &str, address: &str| Node { name: name.to_owned(), addresses: vec![ip(address)] };
    let front = |address, mode| FrontAddress { ip: ip(address), mode };
    let service = |ip_family, cluster_ip, node_port, front| Service {
        ip_family,
        cluster_ips: vec![ip(cluster_ip)],
        port: 80,
        node_port: Some(node_port),
        load_balancers: vec![front],
    };
    let path = "/kdoctoragent".to_owned();
    Inventory {
        place: Place::Cluster,
        agents: vec![agent("ntp9l", &["172.40.0.6:80", "[fd00::6]:80"], &["10.6.0.6", "fd06::6"])],
        nodes: vec![node("one", "172.18.0.3"), node("six", "fc00::3")],
        services: vec![
            service(IpFamily::V4, "172.41.249.6", 32713, front("172.18.0.51", IpMode::Vip)),
            service(IpFamily::V6, "fd41::6", 32714, front("fc00::51", IpMode::Proxy)),
        ],
        ingresses: vec![
            IngressAddress { front: front("172.18.0.50", IpMode::Proxy), path: path.clone() },
            IngressAddress { front: front("fc00::50", IpMode::Vip), path },
        ],
    }
}

#[test]
fn local_pods_are_told_apart_by_name_when_they_share_an_address() {
    check(
        &local(),
        "endpoint",
        &[
            "podIp AgentPodV4IP_a_127.0.0.1 http://127.0.0.1:8000 127.0.0.1:8000 of a",
            "podIp AgentPodV4IP_b_127.0.0.2 http://127.0.0.2:8000 127.0.0.2:8000 of b",
            "podIp AgentPodV6IP_a_::1 http://[::1]:8001 [::1]:8001 of a",
            "podIp AgentPodV6IP_b_::1 http://[::1]:8002 [::1]:8002 of b",
        ],
    );
}

#[test]
fn families_of_a_cluster_are_not_here_in_a_local_run() {
    let line = |what: &str| {
        let (family, reason) = what.split_once(' ').expect("family and need");
        ["IPv4", "IPv6"]
            .map(|ip| format!("not-here {family} {ip}: {family} needs {reason}, and a local run has none"))
    };
    let expected: Vec<String> = [
        "multusIp a pod with further NICs",
        "clusterIp a Service",
        "nodePort a Service on the nodes of a cluster",
        "loadBalancer a Service behind a load balancer",
        "ingress an Ingress controller",
    ]
    .into_iter()
    .flat_map(line)
    .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(&local(), "multusInterface clusterIP nodePort loadBalancer ingress", &expected);
}

#[test]
fn pods_are_reached_by_every_nic() {
    check(
        &cluster(),
        "endpoint multusInterface",
        &[
            "podIp AgentPodV4IP_ntp9l_172.40.0.6 http://172.40.0.6:80 172.40.0.6:80 of ntp9l",
            "podIp AgentPodV6IP_ntp9l_fd00::6 http://[fd00::6]:80 [fd00::6]:80 of ntp9l",
            "multusIp AgentPodV4IP_ntp9l_10.6.0.6 http://10.6.0.6:80 10.6.0.6:80 of ntp9l",
            "multusIp AgentPodV6IP_ntp9l_fd06::6 http://[fd06::6]:80 [fd06::6]:80 of ntp9l",
        ],
    );
}

#[test]
fn services_are_reached_by_every_way() {
    check(
        &cluster(),
        "clusterIP nodePort loadBalancer ingress",
        &[
            "clusterIp AgentClusterV4IP_172.41.249.6:80 http://172.41.249.6:80 172.41.249.6:80",
            "clusterIp AgentClusterV6IP_[fd41::6]:80 http://[fd41::6]:80 [fd41::6]:80",
            "nodePort AgentNodePortV4IP_172.18.0.3_32713 http://172.18.0.3:32713 172.18.0.3:32713",
            "nodePort AgentNodePortV6IP_fc00::3_32714 http://[fc00::3]:32714 [fc00::3]:32714",
            "loadBalancer AgentLoadbalancerV4IP_172.18.0.51:80 http://172.18.0.51:80 172.18.0.51:80 via NodeRule",
            "loadBalancer AgentLoadbalancerV6IP_[fc00::51]:80 http://[fc00::51]:80 [fc00::51]:80 via LoadBalancer",
            "ingress AgentIngress_http://172.18.0.50/kdoctoragent http://172.18.0.50/kdoctoragent 172.18.0.50:80 via \
             LoadBalancer",
            "ingress AgentIngress_http://[fc00::50]/kdoctoragent http://[fc00::50]/kdoctoragent [fc00::50]:80 via NodeRule",
            "missing nodePort IPv4: 1 of 2 nodes without an IPv4 address: six",
            "missing nodePort IPv6: 1 of 2 nodes without an IPv6 address: one",
        ],
    );
}

#[test]
fn an_address_listed_twice_is_probed_once() {
    let mut inventory = cluster();
    inventory.agents[0].nics = vec![ip("172.40.0.6"), ip("10.6.0.6"), ip("10.6.0.6")];
    check(
        &inventory,
        "endpoint multusInterface",
        &[
            "podIp AgentPodV4IP_ntp9l_172.40.0.6 http://172.40.0.6:80 172.40.0.6:80 of ntp9l",
            "podIp AgentPodV6IP_ntp9l_fd00::6 http://[fd00::6]:80 [fd00::6]:80 of ntp9l",
            "multusIp AgentPodV4IP_ntp9l_10.6.0.6 http://10.6.0.6:80 10.6.0.6:80 of ntp9l",
            "missing multusIp IPv6: no agent pod has an IPv6 address on a further NIC",
        ],
    );
}

#[test]
fn what_a_cluster_should_have_and_has_not_is_missing() {
    check(
        &Inventory::empty(Place::Cluster),
        "endpoint multusInterface clusterIP nodePort loadBalancer ingress",
        &[
            "missing podIp IPv4: no agent pod has an IPv4 address",
            "missing podIp IPv6: no agent pod has an IPv6 address",
            "missing multusIp IPv4: no agent pod has an IPv4 address on a further NIC",
            "missing multusIp IPv6: no agent pod has an IPv6 address on a further NIC",
            "missing clusterIp IPv4: the agents' Service has no IPv4 cluster address",
            "missing clusterIp IPv6: the agents' Service has no IPv6 cluster address",
            "missing nodePort IPv4: the agents' Service has no IPv4 node port",
            "missing nodePort IPv6: the agents' Service has no IPv6 node port",
            "missing loadBalancer IPv4: the load balancer has given the agents' Service no IPv4 address",
            "missing loadBalancer IPv6: the load balancer has given the agents' Service no IPv6 address",
            "missing ingress IPv4: the Ingress of the agents has no IPv4 address",
            "missing ingress IPv6: the Ingress of the agents has no IPv6 address",
        ],
    );
}

#[test]
fn pods_without_an_address_the_others_have_are_named_up_to_a_bound() {
    let lacking = |count: usize| {
        let pods = (0..count).map(|n| agent(&format!("p{n}"), &["10.0.0.9:80"], &[]));
        let mut inventory = Inventory::empty(Place::Local);
        inventory.agents = pods.chain([agent("whole", &["10.0.0.1:80", "[fd00::1]:80"], &[])]).collect();
        inventory
    };
    let gap = |count| {
        let inventory = lacking(count);
        let found = find(&inventory, TargetFamily::PodIp, IpFamily::V6);
        (found.targets.len(), found.missing.unwrap_or_default())
    };
    assert_eq!(gap(1), (1, "1 of 2 agent pods without an IPv6 address: p0".to_owned()));
    assert_eq!(
        gap(7),
        (1, "7 of 8 agent pods without an IPv6 address: p0, p1, p2, p3, p4 and 2 more".to_owned())
    );
}
