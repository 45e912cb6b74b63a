//! A round, from its last result to its report: of a few agents, and of a thousand. Prints figures, and judges those of space.

use std::collections::BTreeSet;
use std::time::Instant;

use netreach_tests::{most_resident_kib, net_reach};
use netreach_wire::RoundId;

use super::farm::Farm;

const PEERS: u16 = 20;
/// Most memory that the manager may ever hold, KiB.
const HELD_KIB_MAX: u64 = 200 << 10;

/// A round of so many agents, each of which probes itself and so many others.
fn is_shown(agents: u16, peers: u16) {
    let (ground, farm) = Farm::on_ground(agents);
    let manager = ground.manager();
    let _api = ground.publish_reports();
    ground.apply(&net_reach("task").with("/spec/request/peersPerRound", peers));
    let round = RoundId { uid: ground.uid("task"), number: 1 };
    farm.hear_all(&round, agents.into());
    let told = Instant::now();
    ground.kubectl.await_ok("get kdoctorreport netreach-task -o name");
    let shown = told.elapsed();
    let (record, held) = (ground.record("task", 1), most_resident_kib(manager.pid()));
    println!(
        "reports: of {agents} agents with {peers} peers each: shown {shown:?} after the last receipt; the manager held {held} KiB at the most"
    );
    assert_eq!((record.agents.len(), record.missing.len()), (agents.into(), 0));
    let targets: BTreeSet<_> = record.agents.iter().map(|agent| agent.targets.len()).collect();
    assert_eq!(targets, BTreeSet::from([usize::from(peers) + 1]));
    assert!(held <= HELD_KIB_MAX, "{held} KiB");
}

#[test]
fn a_round_is_shown_after_its_last_result() {
    is_shown(3, 2);
}

#[test]
#[ignore = "takes two minutes"]
fn a_round_of_a_thousand_agents_is_shown_after_its_last_result() {
    is_shown(1_000, PEERS);
}
