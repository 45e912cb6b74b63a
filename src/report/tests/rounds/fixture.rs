//! Rounds by sentence: a mesh in which all is well, and what is changed about it.

use std::collections::BTreeMap;

use netreach_api::Expect;
use netreach_measure::{Digits, Failure, Outcome, Phases, Sample, Tally};
use netreach_report::{ClosedRound, Submitted};
use netreach_wire::{
    AgentId, AgentResult, Assignment, Connection, EchoKey, Load, RoundId, Target, TargetFamily, TargetResult,
    Usage, VERSION, WireTally,
};
use serde_json::json;

/// 2023-08-01T08:36:56Z, microseconds.
pub(crate) const START_US: i64 = 1_690_879_016_000_000;
pub(crate) const LOAD: Load =
    Load { rate_qps: 10, duration_s: 10, timeout_ms: 1_000, connection: Connection::New };

/// What becomes of a target's slots.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) slots: Vec<Slot>,
    pub(crate) latency_us: u64,
    pub(crate) lateness_us: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot {
    Answered(u16),
    Failed(Failure),
    Unsent,
}

pub(crate) fn expect() -> Expect {
    Expect { success_rate: 1.0, mean_access_delay_ms: 1_500, status_code: None }
}

/// The agent on node `n-<name>` in pod `agent-<name>`.
pub(crate) fn agent(name: &str) -> AgentId {
    AgentId { node: format!("n-{name}"), pod: format!("agent-{name}") }
}

/// The name of the target by which `agent-<name>` is reached.
pub(crate) fn target(name: &str) -> String {
    format!("AgentPodV4IP_agent-{name}_127.0.0.1")
}

/// A round in which each of these agents reached each of them, 100 times out of 100.
pub(crate) fn mesh(names: &[&str]) -> ClosedRound {
    let start = jiff::Timestamp::from_microsecond(START_US).unwrap();
    let after = |seconds| start + jiff::SignedDuration::from_secs(seconds);
    ClosedRound {
        id: RoundId { uid: "0c5e".to_owned(), number: 1 },
        task: "task".to_owned(),
        spec: json!({ "expect": { "meanAccessDelayInMs": 1500, "successRate": 1 } }),
        due: start,
        start,
        deadline: after(60),
        ended: after(12),
        assignments: names.iter().map(|name| assignment(name, names)).collect(),
        submitted: names.iter().map(|name| submitted(name, names)).collect(),
        lost: BTreeMap::new(),
        gaps: Vec::new(),
        sampling: None,
        interrupted: false,
        results_lost: None,
        not_begun: None,
        clock_offsets_us: BTreeMap::new(),
    }
}

pub(crate) trait Change {
    /// What `from` saw of the target by which `to` is reached.
    fn seen(self, from: &str, to: &str, change: impl FnOnce(&mut Seen)) -> Self;
    /// Nothing came from this agent.
    fn silent(self, name: &str) -> Self;
    /// Its result came after the deadline.
    fn late(self, name: &str) -> Self;
    /// Its result is changed as a whole.
    fn says(self, name: &str, change: impl FnOnce(&mut AgentResult)) -> Self;
}

impl Change for ClosedRound {
    fn seen(self, from: &str, to: &str, change: impl FnOnce(&mut Seen)) -> Self {
        let index = self.assignments[0].targets.iter().position(|one| one.name == target(to)).unwrap();
        let mut seen = well();
        change(&mut seen);
        self.says(from, |result| result.targets[index].tally = tally(&seen, &format!("agent-{to}")))
    }

    fn silent(mut self, name: &str) -> Self {
        self.submitted.retain(|one| one.agent != agent(name));
        self
    }

    fn late(mut self, name: &str) -> Self {
        self.submitted.iter_mut().filter(|one| one.agent == agent(name)).for_each(|one| one.late = true);
        self
    }

    fn says(mut self, name: &str, change: impl FnOnce(&mut AgentResult)) -> Self {
        let one = self.submitted.iter_mut().find(|one| one.agent == agent(name)).unwrap();
        change(&mut one.result);
        self
    }
}

impl Seen {
    /// The next `count` slots that were well become `slot`.
    pub(crate) fn become_(&mut self, count: usize, slot: Slot) {
        let well = self.slots.iter_mut().filter(|slot| matches!(slot, Slot::Answered(200)));
        well.take(count).for_each(|one| *one = slot);
    }
}

pub(crate) fn tally(seen: &Seen, backend: &str) -> WireTally {
    let mut tally = Tally::new(Digits::Three);
    for (step, slot) in (0..).zip(&seen.slots) {
        let outcome = match *slot {
            Slot::Answered(status) => Outcome::Answered(status),
            Slot::Failed(failure) => Outcome::Failed(failure),
            Slot::Unsent => {
                tally.miss(1);
                continue;
            }
        };
        let answered = matches!(outcome, Outcome::Answered(_));
        let latency_us = seen.latency_us + step;
        tally.record(&Sample {
            outcome,
            latency_us,
            lateness_us: seen.lateness_us,
            phases: Phases {
                connect_us: answered.then_some(latency_us / 4),
                first_byte_us: answered.then_some(latency_us / 2),
                rtt_us: answered.then_some(40),
                retransmits: 0,
            },
            body_bytes: if answered { 48 } else { 0 },
            backend: answered.then_some(backend),
        });
    }
    WireTally::from(&tally)
}

pub(crate) fn well() -> Seen {
    let slots = usize::try_from(LOAD.slots()).unwrap();
    Seen { slots: vec![Slot::Answered(200); slots], latency_us: 23_080, lateness_us: 120 }
}

fn assignment(name: &str, names: &[&str]) -> Assignment {
    let targets = (1..).zip(names).map(|(at, name)| Target {
        name: target(name),
        url: format!("http://127.0.0.{at}:80"),
        address: ([127, 0, 0, at], 80).into(),
        family: TargetFamily::PodIp,
        backend: Some(format!("agent-{name}")),
        via: None,
        shift: 0,
    });
    Assignment {
        round: RoundId { uid: "0c5e".to_owned(), number: 1 },
        agent: agent(name),
        load: LOAD,
        targets: targets.collect(),
        start_in_us: 0,
        deadline_us: 60_000_000,
        nonces_from: 7,
        key: EchoKey::new([1; 32]),
    }
}

fn submitted(name: &str, names: &[&str]) -> Submitted {
    let target = |name: &&str| TargetResult {
        began_us: 40_000,
        ended_us: 10_072_286,
        tally: tally(&well(), &format!("agent-{name}")),
    };
    let result = AgentResult {
        version: VERSION,
        round: RoundId { uid: "0c5e".to_owned(), number: 1 },
        started_at_us: START_US,
        elapsed_us: 11_178_657,
        interrupted: false,
        trouble: None,
        targets: names.iter().map(target).collect(),
        usage: Usage {
            cpu_max_percent: 26.203,
            cpu_mean_percent: 2.5,
            memory_max_bytes: 101 << 20,
            run_delay_us: 350,
            throttled_us: None,
        },
    };
    Submitted { agent: agent(name), result, late: false }
}
