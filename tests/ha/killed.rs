//! Leaders that are killed, or put to sleep, again and again while results come in.

use std::time::Duration;

use fastrand::Rng;
use netreach_tests::Minio;

use super::bucket::{AGENTS, are_whole, first_round, ground_on, pair, patient};

/// A leader lives for so long at most: about as long as it takes to have agents back, to begin a round and to close it.
const LIVES_WITHIN_MS: u64 = 10_000;
/// Every other one lives until results come in, and for so long at most after the first of them.
const GOES_ON_WITHIN_MS: u64 = 1_500;
const SEED: u64 = 7;

/// After so many kills every round was closed once, and holds every result that its agent was told to be kept.
fn is_whole_after(kills: u64) {
    let minio = Minio::start();
    let (ground, farm) = ground_on(&minio);
    let [mut leader, mut other] = pair(&ground);
    let mut random = Rng::with_seed(SEED);
    let names: Vec<_> = (1..=kills).map(|kill| format!("killed-{kill}")).collect();
    let (mut rounds, mut amid) = (Vec::new(), 0);
    for (kill, name) in names.iter().enumerate() {
        ground.apply(&patient(name));
        rounds.push(first_round(&ground, name));
        let within_ms = if kill % 2 == 1 {
            farm.hear();
            GOES_ON_WITHIN_MS
        } else {
            LIVES_WITHIN_MS
        };
        farm.work_for(Duration::from_millis(random.u64(..within_ms)));
        let (place, manager) = leader;
        // Killed on the spot; or asleep until another leads, which then must not be disturbed.
        let asleep = if kill % 3 == 2 {
            manager.signal("STOP", manager.pid());
            Some(manager)
        } else {
            drop(manager);
            None
        };
        let is_half_in = |round| (1..usize::from(AGENTS)).contains(&farm.told_kept(round).len());
        amid += u64::from(rounds.iter().any(is_half_in));
        other.1.hear("leading");
        if let Some(manager) = asleep {
            manager.signal("CONT", manager.pid());
            assert_ne!(manager.finish().code, 0);
        }
        leader = other;
        other = (place, ground.manager(&place));
    }
    assert!(amid > 0, "none was killed while results were coming in");
    println!("ha: {kills} leaders killed, {amid} of them while results of a round were coming in");
    are_whole(&ground, &farm, &names);
}

#[test]
fn nothing_acknowledged_is_lost_when_leaders_are_killed() {
    is_whole_after(6);
}

#[test]
#[ignore = "takes an hour"]
fn nothing_acknowledged_is_lost_when_two_hundred_leaders_are_killed() {
    is_whole_after(200);
}
