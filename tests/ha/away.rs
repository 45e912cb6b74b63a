//! A store that is away for a minute.

use std::time::Duration;

use netreach_tests::Minio;

use super::bucket::{are_whole, ground_on, pair, patient};

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
