//! A manager that is killed again and again while results come in.

use std::collections::BTreeSet;
use std::time::Duration;

use fastrand::Rng;
use netreach_tests::net_reach;
use netreach_wire::{AgentId, Receipt, RoundId};
use serde_json::json;

use super::farm::Farm;

/// Agents, each of which hands in its result at a time of its own.
const AGENTS: u16 = 6;
/// How long a manager lives at most: about as long as it takes to begin a round and to close it.
const LIVES_WITHIN_MS: u64 = 4_000;
const SEED: u64 = 7;

/// After so many kills every round was closed once, and holds every result that its agent was told to be kept.
fn is_whole_after(kills: u64) {
    let (ground, farm) = Farm::on_ground(AGENTS);
    let mut random = Rng::with_seed(SEED);
    let mut manager = ground.manager();
    let names: Vec<_> = (1..=kills).map(|kill| format!("killed-{kill}")).collect();
    for name in &names {
        ground.apply(&net_reach(name).lasting_s(1));
        farm.work_for(Duration::from_millis(random.u64(..LIVES_WITHIN_MS)));
        // Dropped: killed on the spot.
        drop(manager);
        manager = ground.manager();
    }
    let mut kept = 0;
    for name in &names {
        let status = ground.await_finish(name);
        assert_eq!(
            (&status["doneRound"], &status["lastRoundStatus"]),
            (&json!(1), &json!("succeed")),
            "{name}: {status}"
        );
        assert_eq!(status["history"].as_array().unwrap().len(), 1, "{name}: {status}");
        let told = farm.told_kept(&RoundId { uid: ground.uid(name), number: 1 });
        let record = ground.record(name, 1);
        let holds = |agent: &AgentId| record.agents.iter().any(|one| one.agent == *agent);
        assert!(told.iter().all(holds), "{name}: {told:?} were told to be kept");
        assert_eq!(record.agents.len(), usize::from(AGENTS), "{name}");
        kept += told.len();
    }
    assert_eq!(farm.told_to_end(), BTreeSet::new());
    println!("rounds: {kills} kills, {kept} results acknowledged, none lost");
    // What agents were not told before the last kill they were told after it.
    assert_eq!(kept, names.len() * usize::from(AGENTS));
}

#[test]
fn the_next_manager_knows_whose_results_a_closed_round_holds() {
    let (ground, farm) = Farm::on_ground(2);
    let manager = ground.manager();
    ground.apply(&net_reach("task").lasting_s(1));
    ground.await_finish("task");
    drop(manager);
    let _manager = ground.manager();
    assert_eq!(farm.hand_in_again(), [Receipt::Duplicate; 2]);
}

#[test]
fn nothing_acknowledged_is_lost_when_managers_are_killed() {
    is_whole_after(6);
}

#[test]
#[ignore = "takes a quarter of an hour"]
fn nothing_acknowledged_is_lost_when_two_hundred_managers_are_killed() {
    is_whole_after(200);
}
