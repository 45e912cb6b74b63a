//! What a round costs an agent, measured from outside by the control group of its container.

use std::collections::BTreeMap;

use netreach_tests::net_reach;
use serde_json::Value;

use super::cluster::{Cluster, on_node};

/// Largest anonymous memory of an agent, bytes.
const MEMORY_BYTES_MAX: u64 = 8 << 20;
/// Time that a round may take beyond its load, milliseconds.
const ENDS_WITHIN_MS: f64 = 300.0;
/// Far above what is seen (4 to 5 %): this is to find an agent that spins, the figure itself is printed.
const CPU_PERCENT_MAX: f64 = 12.0;

/// Most pages that an agent may be given anew in a round of 900 probes, and as many answers: an allocator that hands a page back after each
/// makes thousands.
const FAULTS_MAX: u64 = 300;

/// Of each agent on a node: CPU time so far (nanoseconds), anonymous memory (bytes) and page faults so far (proc(5)). Both versions of
/// control groups.
const READ: &str = r#"for pid in $(pgrep -x netreach-agent); do
  faults=$(cut -d' ' -f10 /proc/$pid/stat)
  group() { sed -n "s#^[0-9]*:$1:##p" /proc/$pid/cgroup; }
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    at=/sys/fs/cgroup$(group '')
    echo $pid $(sed -n 's/^usage_usec //p' $at/cpu.stat)000 $(sed -n 's/^anon //p' $at/memory.stat) $faults
  else
    echo $pid $(cat /sys/fs/cgroup/cpuacct$(group '[a-z,]*cpuacct[a-z,]*')/cpuacct.usage) \
      $(sed -n 's/^rss //p' /sys/fs/cgroup/memory$(group memory)/memory.stat) $faults
  fi
done"#;

fn read(nodes: &[String]) -> BTreeMap<(String, u64), [u64; 3]> {
    let mut read = BTreeMap::new();
    for node in nodes {
        for line in on_node(node, READ).lines() {
            let fields: Vec<u64> = line.split_whitespace().map(|field| field.parse().unwrap()).collect();
            read.insert((node.clone(), fields[0]), [fields[1], fields[2], fields[3]]);
        }
    }
    read
}

/// What the agent on that node says of its own CPU, % of a core.
fn told_percent(report: &Value, node: &str) -> f64 {
    let agents = report["spec"]["Report"].as_array().unwrap();
    let agent = agents.iter().find(|agent| agent["NodeName"] == node).unwrap();
    agent["NetReachTask"]["MeanCPU"].as_str().unwrap().trim_end_matches('%').parse().unwrap()
}

#[test]
fn an_agent_is_small_and_a_round_ends_on_time() {
    let cluster = Cluster::with_agents();
    let kubectl = &cluster.kubectl;
    let nodes: Vec<_> = kubectl
        .ok("get nodes -o name")
        .lines()
        .map(|name| name.trim_start_matches("node/").to_owned())
        .collect();
    // Nine targets: three pods, a cluster address, three nodes, a balancer, an Ingress; each 10 times a second for 10 s.
    let mut spec = net_reach("cost").lasting_s(10).with("/spec/request/qps", 10);
    for family in ["clusterIP", "nodePort", "loadBalancer", "ingress"] {
        spec = spec.with(&format!("/spec/target/{family}"), true);
    }
    assert_eq!(kubectl.apply(&spec.yaml()).code, 0);
    kubectl.await_object("netreach cost", |object| object["status"]["history"][0]["status"] == "ongoing");
    let before = read(&nodes);
    kubectl.ok("wait --for=condition=Complete nr/cost --timeout=60s");
    // Written down before the status tells of it.
    let report = kubectl.get("kdoctorreport netreach-cost");
    let after = read(&nodes);
    assert!(
        after.keys().map(|(node, _)| node).eq(&nodes),
        "an agent on each node is to be measured: {after:?}"
    );
    assert_eq!(report["spec"]["ReportRoundNumber"], 1);
    assert_eq!(report["spec"]["Report"][0]["NetReachTask"]["TargetNumber"], 9);
    let round = kubectl.get("netreach cost")["status"]["history"][0].take();
    let seconds: f64 = round["duration"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
    println!("e2e: a round of 10 s took {seconds} s");
    assert!((seconds - 10.0) * 1_000.0 <= ENDS_WITHIN_MS, "{round}");
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (agent, [cpu_ns, anonymous, faults]) in &after {
        let (node, before) = (&agent.0, before[agent]);
        let faults = faults - before[2];
        #[allow(clippy::cast_precision_loss, reason = "nanoseconds of seconds")]
        let percent = (cpu_ns - before[0]) as f64 / 1e9 / seconds * 100.0;
        let told = told_percent(&report, node);
        println!(
            "e2e: {node}: {percent:.2} % of a core ({told:.2} % by its own account), {anonymous} bytes of anonymous memory, {faults} page faults"
        );
        assert!(*anonymous <= MEMORY_BYTES_MAX, "{node}: {anonymous}");
        assert!(faults <= FAULTS_MAX, "{node}: {faults}");
        assert!(percent <= CPU_PERCENT_MAX, "{node}: {percent}");
    }
    kubectl.ok("delete netreach cost");
}
