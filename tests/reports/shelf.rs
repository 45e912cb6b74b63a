//! Rounds in the store, as a manager of before has left them: every figure is known.

use jiff::{SignedDuration, Timestamp};
use netreach_api::Expect;
use netreach_report::{MissingAgent, RoundReport, judge};
use netreach_store::{Store, Written};
use netreach_tests::{Running, Service, net_reach};
use netreach_wire::AgentId;
use serde_json::{Value, json};

use super::ground::Ground;

/// When the first round of every NetReach was due; the others follow every ten minutes.
const BEGAN: &str = "2026-01-02T10:00:00Z";

/// An API server, a manager, and the reports of three NetReaches that do nothing any more.
pub(crate) struct Shelf {
    pub(crate) ground: Ground,
    _manager: Running,
    _api: Service,
}

/// What an agent has found: how many of twenty probes to each of its targets were answered by 200.
pub(crate) struct Found {
    pub(crate) node: String,
    pub(crate) p99_us: u64,
    pub(crate) pod_ip: u64,
    pub(crate) cluster_ip: u64,
}

/// An agent that has found all well.
pub(crate) fn well(node: impl Into<String>, p99_us: u64) -> Found {
    Found { node: node.into(), p99_us, pod_ip: 20, cluster_ip: 20 }
}

impl Shelf {
    /// Of `alpha`, which has succeeded twice and is done; `beta`, which has succeeded, lacked an agent and failed; `gamma`, whose
    /// only round was lost.
    pub(crate) fn new() -> Self {
        let ground = Ground::new();
        for (name, rounds, labels) in [
            ("alpha", 2, json!({"team": "net"})),
            ("beta", -1, json!({"team": "web"})),
            ("gamma", 5, json!({})),
        ] {
            let spec = net_reach(name).with("/metadata/labels", labels).with("/spec/suspend", true);
            ground.apply(&spec.with("/spec/schedule/roundNumber", rounds));
        }
        for number in [1, 2] {
            let p99_us = 1_000 * number;
            keep(
                &ground,
                &round(&ground, "alpha", number, &[well("node-1", p99_us), well("node-2", p99_us + 234)]),
            );
        }
        keep(&ground, &round(&ground, "beta", 1, &[well("node-1", 3_000), well("node-2", 3_000)]));
        let mut lacking = round(&ground, "beta", 2, &[well("node-1", 3_000)]);
        let gone = AgentId { node: "node-2".to_owned(), pod: "agent-node-2".to_owned() };
        lacking.missing = vec![MissingAgent { agent: gone, why: "its pod was deleted".to_owned() }];
        keep(&ground, &lacking);
        let failing = Found { cluster_ip: 15, ..well("node-2", 450_000) };
        keep(&ground, &round(&ground, "beta", 3, &[well("node-1", 3_000), failing]));
        let mut lost = round(&ground, "gamma", 1, &[]);
        lost.results_lost = Some("the disk is gone".to_owned());
        keep(&ground, &lost);
        let manager = ground.manager();
        let api = ground.publish_reports();
        for (name, done) in [("alpha", 2), ("beta", 3), ("gamma", 1)] {
            ground.await_status(name, |status| status["doneRound"] == done);
        }
        Self { ground, _manager: manager, _api: api }
    }
}

/// Writes a round down, with the verdict on it.
pub(crate) fn keep(ground: &Ground, report: &RoundReport) {
    let expect = Expect { success_rate: 1.0, mean_access_delay_ms: 1_500, status_code: None };
    let store = Store::open_local(&ground.store()).unwrap();
    assert_eq!(store.close_round(report, &judge(report, &expect)).unwrap(), Written::Now);
}

/// A round that lasted twelve seconds.
pub(crate) fn round(ground: &Ground, name: &str, number: u64, found: &[Found]) -> RoundReport {
    let minutes = 10 * i64::try_from(number - 1).unwrap();
    let start = BEGAN.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes);
    let after = |seconds| start + SignedDuration::from_secs(seconds);
    let spec = ground.kubectl.get(&format!("netreach {name}"))["spec"].take();
    let agents: Vec<Value> = found.iter().map(|found| agent(found, start)).collect();
    let report = json!({
        "version": 1, "id": {"uid": ground.uid(name), "number": number}, "task": name, "spec": spec,
        "due": start, "start": start, "deadline": after(60), "ended": after(12), "agents": agents, "missing": [], "gaps": [],
    });
    serde_json::from_value(report).unwrap()
}

fn agent(found: &Found, start: Timestamp) -> Value {
    let targets = [
        ("AgentPodV4IP_agent-node-1_10.0.0.1", "podIp", found.pod_ip),
        ("AgentClusterV4IP_10.96.0.7:80", "clusterIp", found.cluster_ip),
    ];
    let figures = |max_us: u64| {
        json!({
            "count": 20, "sumUs": 20 * 500, "minUs": 250, "maxUs": max_us, "p50Us": 400, "p90Us": 600, "p95Us": 700, "p99Us": max_us,
        })
    };
    let target = |(name, family, answered): (&str, &str, u64)| {
        let mut statuses = json!({"200": answered});
        if answered < 20 {
            statuses["503"] = json!(20 - answered);
        }
        json!({
            "name": name, "url": "http://10.0.0.1:80", "family": family, "began": start, "elapsedUs": 1_000_000, "slots": 20,
            "unsent": 0, "statuses": statuses, "failures": {}, "bodyBytes": 40, "retransmits": 0, "latency": figures(found.p99_us),
            "fromSlot": figures(found.p99_us), "lateness": figures(300), "connect": figures(300), "firstByte": figures(350),
        })
    };
    json!({
        "agent": {"node": found.node, "pod": format!("agent-{}", found.node)}, "started": start, "elapsedUs": 1_000_000,
        "load": {"rateQps": 20, "durationS": 1, "timeoutMs": 500, "connection": "new"},
        "usage": {"cpuMaxPercent": 26.203, "cpuMeanPercent": 10.5, "memoryMaxBytes": 105_906_176, "runDelayUs": 1_200},
        "lateness": figures(300), "targets": targets.map(target),
    })
}
