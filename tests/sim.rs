//! Rounds from a seed, in a time of their own: agents that are late, silent, doubled, that lie and die, replies that get
//! lost, clocks that are wrong, a manager that ends at any moment and takes over what it had kept. No sockets, no
//! waiting; the desk, the planning, the store, the merge and the verdict are the real ones.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "sim/agent.rs"]
mod agent;
#[path = "sim/clock.rs"]
mod clock;
#[path = "sim/facts.rs"]
mod facts;
#[path = "sim/laws.rs"]
mod laws;
#[path = "sim/manager.rs"]
mod manager;
#[path = "sim/world.rs"]
mod world;

use std::collections::BTreeSet;

use agent::Fate;
use world::Sim;

const SEEDS: u64 = 300;

/// What must have happened in some world, or else the laws were not put to the test.
const HAPPENED: [&str; 16] = [
    "success",
    "failure",
    "missed",
    "finished",
    "lost reply",
    "the manager dies",
    "the manager dies while closing",
    "the manager dies before the receipt",
    "late before the close",
    "OnTime",
    "Late",
    "Duplicate",
    // Counts that disagree, a round that was not assigned, a target too few.
    "refused 400",
    "refused 404",
    "refused 409",
    "Clean",
];

#[test]
fn the_laws_hold_whatever_happens() {
    if let Ok(seed) = std::env::var("NETREACH_SIM_SEED") {
        Sim::new(seed.parse().unwrap()).run();
        return;
    }
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        seen.extend(Sim::new(seed).run());
    }
    for happened in HAPPENED {
        assert!(seen.contains(happened), "{happened:?} has not happened in {SEEDS} worlds, only {seen:?}");
    }
    for fate in Fate::ALL {
        assert!(seen.contains(&format!("{fate:?}")), "nobody was {fate:?} in {SEEDS} worlds");
    }
}
