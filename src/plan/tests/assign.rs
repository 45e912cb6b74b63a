//! Assignments as a whole: every pair has its turn, the ceilings hold, the same comes out of the same.

#[path = "assign/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use netreach_plan::limits::{AGENT_QPS_MAX, CELLS_PER_ROUND_MAX, DESTINATION_QPS_MAX};
use netreach_plan::{Assigned, Terms, assign};
use netreach_wire::limits::TARGETS_PER_AGENT_MAX;
use netreach_wire::{Assignment, Connection, EchoKey, Load, RoundId};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use world::{World, destination};

fn worlds() -> impl Strategy<Value = World> {
    let shape = (1_usize..40, 0_usize..4, 0_usize..4);
    let load = (1_u32..400, 1_u32..400, prop_oneof![Just(Connection::New), Just(Connection::Reuse)]);
    (shape, load, 0_u32..12).prop_map(
        |((agents, per_pod, shared), (rate_qps, duration_s, connection), peers)| World {
            agents,
            per_pod,
            shared,
            rate_qps,
            duration_s,
            connection,
            peers_per_round: peers,
        },
    )
}

fn pairs(assignments: &[Assignment]) -> BTreeSet<(String, String)> {
    let of = |assignment: &Assignment| {
        let backends: Vec<String> =
            assignment.targets.iter().filter_map(|target| target.backend.clone()).collect();
        let pod = assignment.agent.pod.clone();
        backends.into_iter().map(move |backend| (pod.clone(), backend))
    };
    assignments.iter().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn every_ordered_pair_has_its_turn(world in worlds(), first in 1_u64..1_000) {
        let Some(Assigned { sampling, .. }) = world.round(first) else { return Ok(()) };
        let rounds = sampling.map_or(1, |sampling| sampling.rounds_for_all) as u64;
        let mut seen = BTreeSet::new();
        for number in first..first + rounds {
            let assigned = world.round(number).expect("what fits once fits in every round");
            prop_assert_eq!(assigned.sampling, sampling);
            seen.extend(pairs(&assigned.assignments));
        }
        let expected = if world.per_pod == 0 { 0 } else { world.agents * world.agents };
        prop_assert_eq!(seen.len(), expected);
        if let Some(sampling) = sampling {
            prop_assert_eq!(rounds, (world.agents as u64 - 1).div_ceil(sampling.peers as u64));
            prop_assert!(world.peers_per_round == 0 || sampling.peers <= world.peers_per_round as usize);
        }
    }

    #[test]
    fn no_ceiling_is_passed(world in worlds(), number in 1_u64..1_000) {
        let Some(Assigned { assignments, .. }) = world.round(number) else { return Ok(()) };
        let rate_qps = u64::from(world.rate_qps);
        let mut arriving: BTreeMap<String, u64> = BTreeMap::new();
        for assignment in &assignments {
            let targets = &assignment.targets;
            prop_assert_eq!(assignment.load.rate_qps, world.rate_qps);
            prop_assert!(targets.len() <= TARGETS_PER_AGENT_MAX);
            prop_assert!(targets.len() as u64 * rate_qps <= AGENT_QPS_MAX.max(rate_qps));
            prop_assert_eq!(targets.iter().filter(|target| target.backend.is_none()).count(), world.shared);
            let own = targets.iter().filter(|target| target.backend.as_ref() == Some(&assignment.agent.pod));
            prop_assert_eq!(own.count(), world.per_pod);
            for target in targets {
                *arriving.entry(destination(target)).or_default() += rate_qps;
            }
        }
        prop_assert!(arriving.values().all(|&qps| qps <= DESTINATION_QPS_MAX.max(rate_qps)), "{:?}", arriving);
        let cells: usize = assignments.iter().map(|assignment| assignment.targets.len()).sum();
        prop_assert!(cells <= CELLS_PER_ROUND_MAX);
    }

    #[test]
    fn the_order_of_agents_does_not_matter(world in worlds(), number in 1_u64..1_000) {
        let key = EchoKey::new([7; 32]);
        let load = Load { rate_qps: world.rate_qps, duration_s: 10, timeout_ms: 500, connection: world.connection };
        let terms = Terms { load, peers_per_round: world.peers_per_round, deadline_us: 1, key: &key };
        let round = RoundId { uid: "u".to_owned(), number };
        let mut agents = world.agents();
        let forth = assign(&round, &terms, &world.targets(), &agents);
        agents.reverse();
        prop_assert_eq!(forth, assign(&round, &terms, &world.targets(), &agents));
    }
}

fn mesh(agents: usize) -> World {
    World {
        agents,
        per_pod: 1,
        shared: 0,
        rate_qps: 10,
        duration_s: 10,
        connection: Connection::New,
        peers_per_round: 0,
    }
}

#[test]
fn agents_use_nonces_far_apart_and_others_every_round() {
    let nonces = |number| -> BTreeSet<u64> {
        let assigned = mesh(100).round(number).expect("within the budget");
        assigned.assignments.iter().map(|assignment| assignment.nonces_from).collect()
    };
    let (one, two) = (nonces(1), nonces(2));
    assert_eq!((one.len(), two.len()), (100, 100));
    assert!(one.is_disjoint(&two));
    // As far apart as a hundred can be, round the end of the numbers too.
    let sorted: Vec<u64> = one.into_iter().collect();
    let gaps = (0..100).map(|n| sorted[(n + 1) % 100].wrapping_sub(sorted[n]));
    for gap in gaps {
        assert!(gap.abs_diff(u64::MAX / 100) <= 1, "{gap} between two agents");
    }
}

#[test]
fn a_target_behind_no_agent_is_somebodys_peer_too() {
    let mut world = mesh(3);
    let key = EchoKey::new([7; 32]);
    let load = Load { rate_qps: 1, duration_s: 1, timeout_ms: 500, connection: Connection::New };
    let terms = Terms { load, peers_per_round: 0, deadline_us: 1, key: &key };
    let agents = world.agents();
    world.agents = 4;
    let round = RoundId { uid: "u".to_owned(), number: 1 };
    let assigned = assign(&round, &terms, &world.targets(), &agents).expect("within the budget");
    assert_eq!(pairs(&assigned.assignments).len(), 12);
    assert_eq!(assigned.assignments.len(), 3);
}

#[test]
fn without_agents_there_is_nothing_to_do() {
    assert_eq!(mesh(0).round(1), Some(Assigned { assignments: Vec::new(), sampling: None }));
}
