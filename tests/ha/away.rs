//! A store that is away for a minute.

use std::time::Duration;

use netreach_tests::{Minio, net_reach};
use serde_json::json;

use super::bucket::{AGENTS, are_whole, first_round, ground_on, pair, patient, record};

/// How long it is away, in two parts.
const AWAY: [Duration; 2] = [Duration::from_secs(25), Duration::from_secs(35)];

/// Rounds that were begun before and while it is away come to their end all the same; the leader stays, unless it is killed meanwhile.
fn is_whole_after(goes: impl Fn(&Minio), comes_back: impl Fn(&Minio), is_killed: bool) {
    let minio = Minio::start();
    let (ground, farm) = ground_on(&minio);
    let [leader, mut other] = pair(&ground);
    let names = ["early", "before", "amid"].map(str::to_owned);
    ground.apply(&patient("early"));
    ground.await_status("early", |status| status["finish"] == true);
    ground.apply(&patient("before"));
    ground.await_status("before", |status| status["history"][0]["status"] == "ongoing");
    goes(&minio);
    ground.apply(&patient("amid"));
    farm.work_for(AWAY[0]);
    let leads = if is_killed {
        drop(leader.1);
        other.1.hear("leading");
        other.0
    } else {
        leader.0
    };
    farm.work_for(AWAY[1]);
    comes_back(&minio);
    are_whole(&ground, &farm, &names);
    assert_eq!(ground.leaders(), [leads.pod]);
}

#[test]
#[ignore = "takes two minutes"]
fn nothing_acknowledged_is_lost_when_the_store_ends_for_a_minute() {
    is_whole_after(Minio::stop, Minio::start_again, false);
}

#[test]
#[ignore = "takes two minutes"]
fn nothing_acknowledged_is_lost_when_the_store_hangs_for_a_minute() {
    is_whole_after(Minio::pause, Minio::go_on, false);
}

#[test]
#[ignore = "takes two minutes"]
fn nothing_acknowledged_is_lost_when_the_leader_is_killed_while_the_store_is_away() {
    is_whole_after(Minio::stop, Minio::start_again, true);
}

#[test]
#[ignore = "takes two minutes"]
fn a_round_whose_deadline_passes_meanwhile_is_closed_with_what_was_acknowledged() {
    let minio = Minio::start();
    let (ground, farm) = ground_on(&minio);
    let _managers = pair(&ground);
    // It lasts for a minute at most.
    ground.apply(&net_reach("cut").lasting_s(1));
    let round = first_round(&ground, "cut");
    farm.hear();
    minio.pause();
    farm.work_for(AWAY[0] + AWAY[1] + Duration::from_secs(10));
    let told = farm.told_kept(&round);
    minio.go_on();
    let status = ground.await_status("cut", |status| status["finish"] == true);
    let record = record(&ground, &round);
    let holders: Vec<_> = record.agents.iter().map(|one| &one.agent).collect();
    assert!(told.iter().all(|agent| holders.contains(&agent)), "{told:?} were told to be kept");
    println!("ha: {} of {AGENTS} results were acknowledged before the store was away, none lost", told.len());
    // By no fault of its agents.
    let is_whole = told.len() == usize::from(AGENTS);
    let verdict = if is_whole { "succeed" } else { "unknown" };
    assert_eq!((&status["doneRound"], &status["lastRoundStatus"]), (&json!(1), &json!(verdict)), "{status}");
    assert_eq!(status["history"].as_array().unwrap().len(), 1, "{status}");
}
