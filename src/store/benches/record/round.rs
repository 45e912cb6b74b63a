//! A round of a large cluster, as varied as real ones are: every agent probes a sample of its peers and every front of the
//! Service, whose answers come from backends all over the cluster.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use netreach_measure::{Digits, Failure, Outcome, Phases, Sample, Tally};
use netreach_report::{ClosedRound, Submitted};
use netreach_wire::{
    AgentId, AgentResult, Assignment, Connection, EchoKey, Load, RoundId, Target, TargetFamily, TargetResult,
    Usage, VERSION, Via, WireTally,
};
use serde_json::json;

/// Targets of each agent: 14 peers, and six ways to the Service.
pub(crate) const TARGETS: usize = 20;
const LOAD: Load = Load { rate_qps: 10, duration_s: 10, timeout_ms: 500, connection: Connection::New };
const START_US: i64 = 1_790_879_016_000_000;

pub(crate) struct Cluster {
    agents: Vec<AgentId>,
    ips: Vec<[u8; 4]>,
    /// One agent in so many has a bad time with one of its targets.
    bad_every: usize,
}

impl Cluster {
    pub(crate) fn of(agents: usize, bad_every: usize) -> Self {
        let mut rng = fastrand::Rng::with_seed(7);
        let suffix = |rng: &mut fastrand::Rng| -> String { (0..5).map(|_| rng.lowercase()).collect() };
        let agents = (0..agents).map(|at| AgentId {
            node: format!("worker-{:02}-{at:04}.eu-central.example.net", at % 12),
            pod: format!("netreach-agent-{}", suffix(&mut rng)),
        });
        let mut agents: Vec<_> = agents.collect();
        agents.sort();
        let ips = (0..agents.len()).map(|at| [10, 244, (at / 250) as u8, (at % 250) as u8 + 2]).collect();
        Self { agents, ips, bad_every }
    }

    /// The round with nothing handed in yet.
    pub(crate) fn round(&self) -> ClosedRound {
        let start = Timestamp::from_microsecond(START_US).unwrap();
        let after = |seconds| start + SignedDuration::from_secs(seconds);
        ClosedRound {
            id: RoundId { uid: "5f0f5ab2-2f0f-4a3c-9a54-63f5a4b3d1aa".to_owned(), number: 7 },
            task: "mesh".to_owned(),
            spec: json!({
                "agentSpec": { "kind": "DaemonSet", "resources": { "limits": { "cpu": "1", "memory": "1024Mi" } } },
                "expect": { "meanAccessDelayInMs": 1500, "successRate": 1 },
                "request": { "connection": "new", "durationInSecond": 10, "perRequestTimeoutInMS": 500, "qps": 10 },
                "schedule": { "roundNumber": 1000, "roundTimeoutMinute": 1, "schedule": "0 1" },
                "target": { "clusterIP": true, "endpoint": true, "ingress": true, "ipv4": true, "ipv6": false,
                    "loadBalancer": true, "multusInterface": false, "nodePort": true },
            }),
            due: start,
            start,
            deadline: after(60),
            ended: after(14),
            assignments: (0..self.agents.len()).map(|at| self.assignment(at)).collect(),
            submitted: Vec::new(),
            lost: BTreeMap::new(),
            gaps: Vec::new(),
            sampling: Some(format!("14 of {} peers", self.agents.len())),
            interrupted: false,
            results_lost: None,
            not_begun: None,
            clock_offsets_us: BTreeMap::new(),
        }
    }

    /// What each agent hands in, made when it is asked for.
    pub(crate) fn results(&self) -> impl Iterator<Item = Submitted> + '_ {
        (0..self.agents.len()).map(|at| self.result(at))
    }

    fn assignment(&self, at: usize) -> Assignment {
        let count = self.agents.len();
        let peers = (0..TARGETS - 6).map(|nth| {
            let peer = (at + nth * 71) % count;
            let ([a, b, c, d], pod) = (self.ips[peer], &self.agents[peer].pod);
            let url = format!("http://{a}.{b}.{c}.{d}:80");
            let name = format!("AgentPodV4IP_{pod}_{a}.{b}.{c}.{d}");
            target(name, url, TargetFamily::PodIp, Some(pod.clone()))
        });
        let node = (at * 13) % count;
        let fronts = [
            ("AgentClusterV4IP_10.96.14.7", "http://10.96.14.7:80".to_owned(), TargetFamily::ClusterIp),
            ("AgentClusterV6IP_fd00:96::e:7", "http://[fd00:96::e:7]:80".to_owned(), TargetFamily::ClusterIp),
            (
                "AgentNodePortV4IP",
                format!("http://192.168.{}.{}:31808", node / 250, node % 250),
                TargetFamily::NodePort,
            ),
            ("AgentNodePortV6IP", format!("http://[fd00:1::{node:x}]:31808"), TargetFamily::NodePort),
            (
                "AgentLoadbalancerV4IP_203.0.113.9",
                "http://203.0.113.9:80".to_owned(),
                TargetFamily::LoadBalancer,
            ),
            (
                "AgentIngress_203.0.113.10",
                "http://203.0.113.10:80/kdoctoragent".to_owned(),
                TargetFamily::Ingress,
            ),
        ];
        let fronts = fronts.map(|(name, url, family)| {
            let name =
                if family == TargetFamily::NodePort { format!("{name}_{url}") } else { name.to_owned() };
            target(name, url, family, None)
        });
        Assignment {
            round: RoundId { uid: "5f0f5ab2-2f0f-4a3c-9a54-63f5a4b3d1aa".to_owned(), number: 7 },
            agent: self.agents[at].clone(),
            load: LOAD,
            targets: peers.chain(fronts).collect(),
            start_in_us: 0,
            deadline_us: 60_000_000,
            nonces_from: 7,
            key: EchoKey::new([1; 32]),
        }
    }

    fn result(&self, at: usize) -> Submitted {
        let mut rng = fastrand::Rng::with_seed(at as u64);
        let elapsed_us = 10_100_000 + rng.u64(0..300_000);
        let targets = self.assignment(at).targets;
        let targets: Vec<_> = targets
            .iter()
            .zip(0..)
            .map(|(target, nth)| {
                let is_bad = at.is_multiple_of(self.bad_every) && nth == 3;
                TargetResult {
                    began_us: rng.u64(0..100_000),
                    ended_us: 9_900_000 + rng.u64(0..180_000),
                    tally: WireTally::from(&self.tally(&mut rng, target, is_bad)),
                }
            })
            .collect();
        let result = AgentResult {
            version: VERSION,
            round: RoundId { uid: "5f0f5ab2-2f0f-4a3c-9a54-63f5a4b3d1aa".to_owned(), number: 7 },
            started_at_us: START_US + rng.i64(0..100_000),
            elapsed_us,
            interrupted: false,
            trouble: None,
            targets,
            usage: Usage {
                cpu_max_percent: 10.0 + 20.0 * rng.f64(),
                cpu_mean_percent: 2.0 + 5.0 * rng.f64(),
                memory_max_bytes: (9 << 20) + rng.u64(0..1 << 20),
                run_delay_us: rng.u64(0..90_000),
                throttled_us: Some(rng.u64(0..2_000)),
            },
        };
        Submitted { agent: self.agents[at].clone(), result, late: false }
    }

    fn tally(&self, rng: &mut fastrand::Rng, target: &Target, is_bad: bool) -> Tally {
        let mut tally = Tally::new(Digits::Three);
        let (rtt_us, work_us) = (spread(rng, 180.0, 0.5), spread(rng, 400.0, 0.4));
        for _ in 0..LOAD.slots() {
            let backend =
                target.backend.clone().unwrap_or_else(|| rng.choice(&self.agents).unwrap().pod.clone());
            let connect_us = spread(rng, rtt_us as f64 * 1.3, 0.3);
            let first_byte_us = connect_us + spread(rng, (rtt_us + work_us) as f64, 0.4);
            let latency_us = first_byte_us + spread(rng, 25.0, 0.5);
            let outcome = match is_bad && rng.u8(0..20) == 0 {
                true => Outcome::Failed(Failure::TimeoutConnect),
                false => Outcome::Answered(200),
            };
            let is_answered = outcome == Outcome::Answered(200);
            tally.record(&Sample {
                outcome,
                latency_us,
                lateness_us: spread(rng, 70.0, 0.6),
                phases: Phases {
                    connect_us: is_answered.then_some(connect_us),
                    first_byte_us: is_answered.then_some(first_byte_us),
                    rtt_us: is_answered.then(|| spread(rng, rtt_us as f64, 0.2)),
                    retransmits: u64::from(rng.u8(0..250) == 0),
                },
                body_bytes: if is_answered { 180 } else { 0 },
                backend: is_answered.then_some(backend.as_str()),
            });
        }
        tally
    }
}

fn target(name: String, url: String, family: TargetFamily, backend: Option<String>) -> Target {
    let via = matches!(family, TargetFamily::LoadBalancer | TargetFamily::Ingress).then_some(Via::NodeRule);
    Target { name, url, address: ([10, 0, 0, 1], 80).into(), family, backend, via, shift: 0 }
}

/// A time about `middle_us`: one in 200 is many times longer.
fn spread(rng: &mut fastrand::Rng, middle_us: f64, width: f64) -> u64 {
    // The sum of twelve is near enough to a normal distribution.
    let normal: f64 = (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0;
    let tail = if rng.u8(0..200) == 0 { 1.0 + 15.0 * rng.f64() } else { 1.0 };
    (middle_us * (normal * width).exp() * tail) as u64 + 1
}
