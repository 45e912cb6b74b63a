//! How the probes of a round reach each destination: what is planned and what every agent makes of it, taken together.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use netreach_agent::load::Pace;
use netreach_plan::{Assigned, Terms, assign};
use netreach_wire::{AgentId, Assignment, Connection, EchoKey, Load, RoundId, Target, TargetFamily};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const WINDOW: Duration = Duration::from_millis(10);

/// A cluster: how many agents, targets per pod, targets in front of all, and what is asked of them.
#[derive(Debug, Clone)]
struct World {
    agents: u16,
    per_pod: u8,
    shared: u8,
    rate_qps: u32,
    peers_per_round: u32,
}

fn worlds() -> impl Strategy<Value = World> {
    let world = |(agents, per_pod, shared, rate_qps, peers_per_round)| World {
        agents,
        per_pod,
        shared,
        rate_qps,
        peers_per_round,
    };
    (1_u16..120, 0_u8..5, 0_u8..4, 1_u32..60, prop_oneof![Just(0), 1_u32..20]).prop_map(world)
}

impl World {
    fn targets(&self) -> Vec<Target> {
        let target = |name: String, address: [u8; 4], backend: Option<String>| Target {
            url: format!("http://{name}"),
            name,
            address: (address, 80).into(),
            family: if backend.is_some() { TargetFamily::PodIp } else { TargetFamily::ClusterIp },
            backend,
            via: None,
            shift: 0,
        };
        let of_pod = |agent: u16| {
            let [high, low] = agent.to_be_bytes();
            (0..self.per_pod).map(move |index| {
                target(format!("{agent:03}-{index}"), [10, index, high, low], Some(format!("pod-{agent:03}")))
            })
        };
        let shared = (0..self.shared).map(|n| target(format!("svc-{n}"), [11, 0, 0, n / 2], None));
        (0..self.agents).flat_map(of_pod).chain(shared).collect()
    }

    /// The assignments of a round of one second; none when it is all too much.
    fn round(&self, number: u64) -> Vec<Assignment> {
        let agent = |n| AgentId { node: format!("node-{n:03}"), pod: format!("pod-{n:03}") };
        let agents: Vec<_> = (0..self.agents).map(agent).collect();
        let load =
            Load { rate_qps: self.rate_qps, duration_s: 1, timeout_ms: 500, connection: Connection::New };
        let (key, peers_per_round) = (EchoKey::new([7; 32]), self.peers_per_round);
        let terms = Terms { load, peers_per_round, deadline_us: 60_000_000, key: &key };
        let round = RoundId { uid: "u".to_owned(), number };
        let assigned = assign(&round, &terms, &self.targets(), &agents);
        assigned.map(|Assigned { assignments, .. }| assignments).unwrap_or_default()
    }
}

/// When each destination is probed, by whichever agent.
fn arrivals(assignments: &[Assignment]) -> BTreeMap<String, Vec<Duration>> {
    let mut arrivals = BTreeMap::<_, Vec<_>>::new();
    for Assignment { load, targets, .. } in assignments {
        let mut pace = Pace::new(load, targets.iter().map(|target| target.shift));
        while let Some(slot) = pace.next(Duration::MAX) {
            let target = &targets[slot.target];
            let destination = target.backend.clone().unwrap_or_else(|| target.address.ip().to_string());
            arrivals.entry(destination).or_default().push(slot.at);
        }
    }
    arrivals.values_mut().for_each(|at| at.sort());
    arrivals
}

/// Most of `sorted` that come within a window.
fn most_within(sorted: &[Duration], window: Duration) -> usize {
    let within =
        |(first, &at): (usize, &Duration)| sorted.partition_point(|&other| other < at + window) - first;
    sorted.iter().enumerate().map(within).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn no_destination_gets_more_than_twice_its_share(world in worlds(), number in 1_u64..1_000) {
        for (destination, at) in arrivals(&world.round(number)) {
            let share = at.len() as f64 * WINDOW.as_secs_f64();
            let most = most_within(&at, WINDOW) as f64;
            // Probes come whole: less than one is none.
            prop_assert!(most <= (2.0 * share).ceil(), "{destination} gets {most} in 10 ms, its share is {share}");
        }
    }

    #[test]
    fn no_agent_fires_in_step_with_others(world in worlds(), number in 1_u64..1_000) {
        let mut firing = BTreeMap::<u64, BTreeSet<usize>>::new();
        for (agent, assignment) in world.round(number).iter().enumerate() {
            for target in &assignment.targets {
                firing.entry(target.shift).or_default().insert(agent);
            }
        }
        // Those at a pod and those in front of all are spread each by themselves: an instant of one may be one of the other.
        prop_assert!(firing.values().all(|agents| agents.len() <= 2), "{firing:?}");
    }
}
