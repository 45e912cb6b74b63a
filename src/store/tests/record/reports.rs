//! Any report there can be, and some of a known size.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use jiff::Timestamp;
use netreach_api::Expect;
use netreach_report::{
    AgentReport, Figures, Merging, MissingAgent, NotBegun, Reason, RoundReport, TargetReport, VERSION,
    Verdict, judge,
};
use netreach_store::record::Bytes;
use netreach_wire::{AgentId, Connection, Gap, GapClass, IpFamily, Load, RoundId, TargetFamily, Usage, Via};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::round::Cluster;

pub(crate) fn expect() -> Expect {
    Expect { success_rate: 1.0, mean_access_delay_ms: 1_500, status_code: None }
}

/// The report of a cluster of so many agents, and its verdict.
pub(crate) fn cluster(agents: usize) -> (RoundReport, Verdict) {
    let cluster = Cluster::of(agents, 10);
    let mut merging = Merging::new(cluster.round());
    cluster.results().for_each(|result| merging.take(&result));
    let report = merging.finish();
    let verdict = judge(&report, &expect());
    (report, verdict)
}

/// Bytes that count how many of them are read.
pub(crate) struct Counted {
    pub(crate) bytes: Vec<u8>,
    pub(crate) read: Cell<u64>,
}

impl Counted {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, read: Cell::new(0) }
    }
}

impl Bytes for Counted {
    fn size(&self) -> u64 {
        self.bytes.as_slice().size()
    }

    fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        self.read.set(self.read.get() + (range.end - range.start));
        self.bytes.as_slice().read(range)
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,8}", ".{0,12}"]
}

fn instant() -> impl Strategy<Value = Timestamp> {
    let [first, last] = [Timestamp::MIN, Timestamp::MAX].map(Timestamp::as_nanosecond);
    let near = 1_690_879_016_000_000_000_i128;
    prop_oneof![near..near + 60_000_000_000, first..=last]
        .prop_map(|ns| Timestamp::from_nanosecond(ns).unwrap())
}

/// Numbers of any length.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift)
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![0..100_u64, 0..=u64::from(u32::MAX)]
}

fn agent() -> impl Strategy<Value = AgentId> {
    (text(), text()).prop_map(|(node, pod)| AgentId { node, pod })
}

fn figures() -> impl Strategy<Value = Option<Figures>> {
    let rising = (1..1_000_u64, prop::array::uniform7(number())).prop_map(|(count, mut times)| {
        times[1..].sort_unstable();
        let [sum_us, min_us, p50_us, p90_us, p95_us, p99_us, max_us] = times;
        Figures { count, sum_us, min_us, max_us, p50_us, p90_us, p95_us, p99_us }
    });
    let any = (1..=u64::MAX, prop::array::uniform7(any::<u64>())).prop_map(|(count, times)| {
        let [sum_us, min_us, p50_us, p90_us, p95_us, p99_us, max_us] = times;
        Figures { count, sum_us, min_us, max_us, p50_us, p90_us, p95_us, p99_us }
    });
    prop::option::of(prop_oneof![rising, any])
}

fn family() -> impl Strategy<Value = TargetFamily> {
    use TargetFamily::{ClusterIp, Ingress, LoadBalancer, MultusIp, NodePort, PodIp};
    prop::sample::select(vec![PodIp, MultusIp, ClusterIp, NodePort, LoadBalancer, Ingress])
}

fn target() -> impl Strategy<Value = TargetReport> {
    let via = prop::option::of(prop::sample::select(vec![Via::NodeRule, Via::LoadBalancer]));
    let name = (prop::sample::select(vec!["a", "b"]), text(), family(), via);
    let counts = (
        prop::collection::btree_map(any::<u16>(), count(), 0..4),
        prop::collection::btree_map(text(), count(), 0..3),
        prop::collection::btree_map(text(), count(), 0..5),
    );
    let numbers = (instant(), number(), count(), count(), number(), number());
    (name, counts, numbers, prop::array::uniform6(figures())).prop_map(
        |((name, url, family, via), (statuses, failures, backends), numbers, figures)| {
            let (began, elapsed_us, slots, unsent, body_bytes, retransmits) = numbers;
            let [latency, from_slot, lateness, connect, first_byte, rtt] = figures;
            TargetReport {
                name: name.to_owned(),
                url,
                family,
                via,
                began,
                elapsed_us,
                slots,
                unsent,
                statuses,
                failures,
                backends,
                body_bytes,
                retransmits,
                latency,
                from_slot,
                lateness,
                connect,
                first_byte,
                rtt,
            }
        },
    )
}

fn agent_report() -> impl Strategy<Value = AgentReport> {
    let load = (any::<[u32; 3]>(), any::<bool>()).prop_map(|([rate_qps, duration_s, timeout_ms], reuse)| {
        let connection = if reuse { Connection::Reuse } else { Connection::New };
        Load { rate_qps, duration_s, timeout_ms, connection }
    });
    let share = || prop::num::f64::POSITIVE | prop::num::f64::ZERO;
    let usage = (share(), share(), number(), number(), prop::option::of(number())).prop_map(
        |(cpu_max_percent, cpu_mean_percent, memory_max_bytes, run_delay_us, throttled_us)| Usage {
            cpu_max_percent,
            cpu_mean_percent,
            memory_max_bytes,
            run_delay_us,
            throttled_us,
        },
    );
    let flags = (any::<bool>(), any::<bool>());
    let targets = prop::collection::vec(target(), 0..5);
    (agent(), flags, instant(), number(), load, usage, figures(), targets).prop_map(
        |(agent, (late, interrupted), started, elapsed_us, load, usage, lateness, targets)| AgentReport {
            agent,
            late,
            interrupted,
            started,
            elapsed_us,
            load,
            usage,
            lateness,
            targets,
        },
    )
}

fn spec() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({ "expect": { "meanAccessDelayInMs": 1500, "successRate": 1 } })),
        text().prop_map(|text| json!({ "what": [text, 1.5, null, { "deep": true }] })),
    ]
}

fn gap() -> impl Strategy<Value = Gap> {
    (family(), any::<bool>(), any::<bool>(), text()).prop_map(|(family, v6, missing, reason)| Gap {
        family,
        ip_family: if v6 { IpFamily::V6 } else { IpFamily::V4 },
        class: if missing { GapClass::Missing } else { GapClass::NotHere },
        reason,
    })
}

fn not_begun() -> impl Strategy<Value = NotBegun> {
    prop_oneof![
        text().prop_map(|why| NotBegun::NoAgents { why }),
        text().prop_map(|why| NotBegun::OverBudget { why }),
    ]
}

/// Any report of up to so many agents.
pub(crate) fn reports(agents_max: usize) -> impl Strategy<Value = RoundReport> {
    let missing = (agent(), text()).prop_map(|(agent, why)| MissingAgent { agent, why });
    let lists = (
        prop::collection::vec(agent_report(), 0..=agents_max),
        prop::collection::vec(missing, 0..3),
        prop::collection::vec(gap(), 0..3),
    );
    let why = || prop::option::of(text());
    let rest = (why(), any::<bool>(), why(), prop::option::of(not_begun()));
    let names = (text(), number(), text(), spec());
    (names, prop::array::uniform4(instant()), lists, rest).prop_map(
        |((uid, number, task, spec), [due, start, deadline, ended], (agents, missing, gaps), rest)| {
            let (sampling, interrupted, results_lost, not_begun) = rest;
            RoundReport {
                version: VERSION,
                id: RoundId { uid, number },
                task,
                spec,
                due,
                start,
                deadline,
                ended,
                agents,
                missing,
                gaps,
                sampling,
                interrupted,
                results_lost,
                not_begun,
            }
        },
    )
}

/// The verdict on a report, or any other: what was judged is not judged anew.
pub(crate) fn verdicts(report: RoundReport) -> impl Strategy<Value = (RoundReport, Verdict)> {
    let judged = judge(&report, &expect());
    let late = agent().prop_map(|agent| Reason::AgentLate { agent });
    let slow = (agent(), text(), 0.0..1e9_f64, number()).prop_map(|(agent, target, mean_us, mean_ms_max)| {
        Reason::MeanDelay { agent, target, mean_us, mean_ms_max }
    });
    let wrong = (agent(), text(), count(), 0.0..=1.0_f64).prop_map(|(agent, target, sent, rate_min)| {
        let errors = BTreeMap::from([("reset".to_owned(), sent)]);
        Reason::SuccessRate { agent, target, successes: 0, sent, rate_min, errors }
    });
    let reason = prop_oneof![
        late,
        slow,
        wrong,
        gap().prop_map(|gap| Reason::TargetMissing { gap }),
        not_begun().prop_map(Reason::NotBegun),
        Just(Reason::NothingProbed),
    ];
    let other = prop_oneof![
        Just(Verdict::Succeeded),
        text().prop_map(Verdict::Unknown),
        prop::collection::vec(reason, 1..4).prop_map(Verdict::Failed),
    ];
    (Just(report), prop_oneof![Just(judged), other])
}
