//! A round of a thousand agents, from its last result to its report. Prints figures.

use std::collections::BTreeSet;
use std::time::Instant;

use netreach_tests::net_reach;
use netreach_wire::RoundId;

use super::farm::Farm;
use super::large::peak_kib;

const AGENTS: u16 = 1_000;
const PEERS: u16 = 20;
/// Most memory that the manager may ever hold, KiB.
const HELD_KIB_MAX: u64 = 200 << 10;

#[test]
#[ignore = "takes four minutes, most of them to mint tokens"]
fn a_round_of_a_thousand_agents_is_shown_after_its_last_result() {
    let (ground, farm) = Farm::on_ground(AGENTS);
    let manager = ground.manager();
    let _api = ground.publish_reports();
    ground.apply(&net_reach("task").with("/spec/request/peersPerRound", PEERS));
    let round = RoundId { uid: ground.uid("task"), number: 1 };
    farm.hear_all(&round, AGENTS.into());
    let told = Instant::now();
    ground.kubectl.await_ok("get kdoctorreport netreach-task -o name");
    let shown = told.elapsed();
    let record = ground.record("task", 1);
    let (handed_in, held) = (record.ended.duration_since(record.start), peak_kib(&manager));
    println!(
        "reports: of {AGENTS} agents with {PEERS} peers each, {} missing: shown {shown:?} after the last receipt, ended {handed_in:?} after \
         its start; the manager held {held} KiB at the most",
        record.missing.len()
    );
    assert_eq!((record.agents.len(), record.missing.len()), (AGENTS.into(), 0));
    let counts: BTreeSet<_> = record.agents.iter().map(|agent| agent.targets.len()).collect();
    // Its peers and itself.
    assert_eq!(counts, BTreeSet::from([usize::from(PEERS) + 1]));
    assert!(held <= HELD_KIB_MAX, "{held} KiB");
}
