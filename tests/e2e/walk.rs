//! The walk of somebody who tries it: apply, wait, look, read the report, delete.

use std::collections::{BTreeMap, BTreeSet};

use netreach_tests::Kubectl;
use serde_json::Value;

use super::cluster::Cluster;

/// Requests of each agent to each target: 10 s at 10 a second.
const REQUESTS: u64 = 100;

/// A round's targets by how they are reached: the TargetName up to its address.
fn families(report: &Value) -> BTreeMap<String, usize> {
    let mut families = BTreeMap::new();
    for detail in details(report) {
        let name = detail["TargetName"].as_str().unwrap();
        let family = name.split('_').next().unwrap();
        let version = if family == "AgentIngress" && name.contains('[') { "V6" } else { "" };
        *families.entry(format!("{family}{version}")).or_default() += 1;
    }
    families
}

fn details(report: &Value) -> impl Iterator<Item = &Value> {
    let agents = report["spec"]["Report"].as_array().unwrap().iter();
    agents.flat_map(|agent| agent["NetReachTask"]["Detail"].as_array().unwrap())
}

/// What every round of a sample must show.
fn check(report: &Value) {
    let spec = &report["spec"];
    for (field, expected) in
        [("TaskName", "task"), ("TaskType", "NetReach"), ("Status", "Finished"), ("Verdict", "succeed")]
    {
        assert_eq!(spec[field], expected, "{field}");
    }
    assert_eq!((&spec["RoundNumber"], &spec["FinishedRoundNumber"]), (&1.into(), &1.into()));
    assert!(spec["FailedRoundNumber"].is_null(), "{spec}");
    let nodes: BTreeSet<_> =
        spec["Report"].as_array().unwrap().iter().map(|agent| agent["NodeName"].as_str().unwrap()).collect();
    assert_eq!(nodes.len(), 3, "an agent on every node: {nodes:?}");
    for detail in details(report) {
        let (name, metrics) = (&detail["TargetName"], &detail["Metrics"]);
        assert_eq!(metrics["RequestCounts"], REQUESTS, "{name}: {detail}");
        assert_eq!(metrics["SuccessCounts"], REQUESTS, "{name}: {detail}");
        for figure in ["MinInMs", "MeanInMs", "P50InMs", "P99InMs", "MaxInMs"] {
            assert!(metrics["Latencies"][figure].as_f64().unwrap() > 0.0, "{name}: {figure} in {metrics}");
        }
    }
}

/// Applies a sample, waits for its one round, and gives its report.
fn walk(kubectl: &Kubectl, sample: &str) -> Value {
    kubectl.ok(&format!("apply -f config/samples/{sample}"));
    kubectl.ok("wait --for=condition=Complete nr/task --timeout=180s");
    let table = kubectl.ok("get netreach");
    let lines: Vec<_> =
        table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        ["NAME FINISH EXPECTEDROUND DONEROUND LASTROUNDSTATUS SCHEDULE", "task true 1 1 succeed 0 1"],
        "{}",
        kubectl.ok("describe netreach task")
    );
    kubectl.get("kdoctorreport netreach-task")
}

fn leave(kubectl: &Kubectl) {
    kubectl.ok("delete netreach task");
    assert_ne!(kubectl.run("get kdoctorreport netreach-task").code, 0, "the report goes with its NetReach");
    let ours = "get services,ingresses,deployments,daemonsets -A -l app.kubernetes.io/managed-by=netreach-manager -o name";
    kubectl.await_that(ours, |finished| finished.code == 0 && finished.out.trim().is_empty());
}

#[test]
fn the_walk_of_the_sample_over_ipv4() {
    let cluster = Cluster::with_agents();
    let report = walk(&cluster.kubectl, "netreach.yaml");
    check(&report);
    // Each of three agents: three pods, a cluster address, three nodes, a balancer's address, an Ingress.
    let expected = [
        ("AgentClusterV4IP", 3),
        ("AgentIngress", 3),
        ("AgentLoadbalancerV4IP", 3),
        ("AgentNodePortV4IP", 9),
        ("AgentPodV4IP", 9),
    ];
    // Whether IPv6 is asked for as well, where the spec leaves it open, is up to what is known of the cluster by then.
    let mut found = families(&report);
    found.retain(|name, _| !name.contains("V6"));
    assert_eq!(found, expected.map(|(name, count)| (name.to_owned(), count)).into());
    let listed = cluster.kubectl.ok("get kdoctorreport");
    let first = listed.lines().next().unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(first, ["NAME", "CREATED", "AT"], "{listed}");
    assert!(listed.lines().nth(1).is_some_and(|line| line.starts_with("netreach-task")), "{listed}");
    let yaml = cluster.kubectl.ok("get kdoctorreport netreach-task -o yaml");
    assert!(yaml.contains("kind: KdoctorReport") && yaml.contains("TotalDataSize:"), "{yaml}");
    leave(&cluster.kubectl);
}

#[test]
fn the_walk_of_the_sample_with_everything() {
    let cluster = Cluster::with_agents();
    let report = walk(&cluster.kubectl, "netreach-all.yaml");
    check(&report);
    let expected = [
        ("AgentClusterV4IP", 3),
        ("AgentClusterV6IP", 3),
        ("AgentIngress", 3),
        ("AgentIngressV6", 3),
        ("AgentLoadbalancerV4IP", 3),
        ("AgentLoadbalancerV6IP", 3),
        ("AgentNodePortV4IP", 9),
        ("AgentNodePortV6IP", 9),
        // The pods' own addresses, and those of their second NICs.
        ("AgentPodV4IP", 18),
        ("AgentPodV6IP", 18),
    ];
    assert_eq!(families(&report), expected.map(|(name, count)| (name.to_owned(), count)).into());
    leave(&cluster.kubectl);
}
