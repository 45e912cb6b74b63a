//! How the probes of a round reach each destination: what is planned and what every agent makes of it, taken together.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "../src/plan/tests/assign/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use netreach_agent::load::Pace;
use netreach_plan::Assigned;
use netreach_wire::{Assignment, Connection};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use world::{World, destination};

const WINDOW: Duration = Duration::from_millis(10);

fn worlds() -> impl Strategy<Value = World> {
    let world = |(agents, per_pod, shared, rate_qps, peers_per_round)| World {
        agents,
        per_pod,
        shared,
        rate_qps,
        duration_s: 1,
        connection: Connection::New,
        peers_per_round,
    };
    (1_usize..120, 0_usize..5, 0_usize..4, 1_u32..60, prop_oneof![Just(0), 1_u32..20]).prop_map(world)
}

/// The assignments of a round of one second; none when it is all too much.
fn round(world: &World, number: u64) -> Vec<Assignment> {
    world.round(number).map(|Assigned { assignments, .. }| assignments).unwrap_or_default()
}

/// When each destination is probed, by whichever agent.
fn arrivals(assignments: &[Assignment]) -> BTreeMap<String, Vec<Duration>> {
    let mut arrivals = BTreeMap::<_, Vec<_>>::new();
    for Assignment { load, targets, .. } in assignments {
        let mut pace = Pace::new(load, targets.iter().map(|target| target.shift));
        while let Some(slot) = pace.next(Duration::MAX) {
            arrivals.entry(destination(&targets[slot.target])).or_default().push(slot.at);
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
        for (destination, at) in arrivals(&round(&world, number)) {
            let share = at.len() as f64 * WINDOW.as_secs_f64();
            let most = most_within(&at, WINDOW) as f64;
            // Probes come whole: less than one is none.
            prop_assert!(most <= (2.0 * share).ceil(), "{destination} gets {most} in 10 ms, its share is {share}");
        }
    }

    #[test]
    fn no_agent_fires_in_step_with_others(world in worlds(), number in 1_u64..1_000) {
        let mut firing = BTreeMap::<u64, BTreeSet<usize>>::new();
        for (agent, assignment) in round(&world, number).iter().enumerate() {
            for target in &assignment.targets {
                firing.entry(target.shift).or_default().insert(agent);
            }
        }
        // Those at a pod and those in front of all are spread each by themselves: an instant of one may be one of the other.
        prop_assert!(firing.values().all(|agents| agents.len() <= 2), "{firing:?}");
    }
}
