//! Two managers on a real MinIO, beside agents that hand in without having probed.

use netreach_report::RoundReport;
use netreach_store::{Location, Store};
use netreach_tests::{Minio, Running, Spec, net_reach};
use netreach_wire::RoundId;
use serde_json::json;

use super::farm::Farm;
use super::ground::{Ground, Place};

/// Agents, each of which hands in its result at a time of its own.
pub(crate) const AGENTS: u16 = 6;

/// Agents, and where managers find each other and a bucket.
pub(crate) fn ground_on(minio: &Minio) -> (Ground, Farm) {
    let (mut ground, farm) = Farm::on_ground(AGENTS);
    let location = Location::Bucket { bucket: Minio::BUCKET.to_owned(), prefix: "ha".to_owned() };
    ground.store = (location, minio.variables().to_vec());
    (ground, farm)
}

/// One that leads, and one that stands by.
pub(crate) fn pair(ground: &Ground) -> [(Place, Running); 2] {
    let mut managers = ground.places().map(|place| (place, None));
    for ((place, manager), word) in managers.iter_mut().zip(["ready term=", "standing by"]) {
        let mut begun = ground.manager(place);
        begun.hear(word);
        *manager = Some(begun);
    }
    managers.map(|(place, manager)| (place, manager.expect("both have begun")))
}

/// A round of a second that has time for several leaders, one after the other.
pub(crate) fn patient(name: &str) -> Spec {
    let spec = net_reach(name).lasting_s(1).with("/spec/schedule/schedule", "0 3");
    spec.with("/spec/schedule/roundTimeoutMinute", 3)
}

/// The first round of a NetReach.
pub(crate) fn first_round(ground: &Ground, name: &str) -> RoundId {
    let uid = ground.kubectl.ok(&format!("get netreach {name} -o jsonpath={{.metadata.uid}}"));
    RoundId { uid, number: 1 }
}

/// The record of a closed round.
pub(crate) fn record(ground: &Ground, round: &RoundId) -> RoundReport {
    let store = Store::open_with(&ground.store.0, &ground.store.1).unwrap();
    store.read_round(round).unwrap().expect("it was closed")
}

/// That the only round of each was closed once, with the results of all, and that those are among them which their agents were told to
/// be kept.
pub(crate) fn are_whole(ground: &Ground, farm: &Farm, names: &[String]) {
    let mut told = 0;
    for name in names {
        let status = ground.await_status(name, |status| status["finish"] == true);
        assert_eq!(
            (&status["doneRound"], &status["lastRoundStatus"]),
            (&json!(1), &json!("succeed")),
            "{name}: {status}"
        );
        assert_eq!(status["history"].as_array().unwrap().len(), 1, "{name}: {status}");
        let round = first_round(ground, name);
        let kept = farm.told_kept(&round);
        let record = record(ground, &round);
        let holders: Vec<_> = record.agents.iter().map(|one| &one.agent).collect();
        assert!(kept.iter().all(|agent| holders.contains(&agent)), "{name}: {kept:?} were told to be kept");
        assert_eq!(holders.len(), usize::from(AGENTS), "{name}");
        told += kept.len();
    }
    assert!(farm.told_to_end().is_empty(), "nobody ends these rounds");
    println!("ha: {} rounds closed once, {told} results acknowledged, none lost", names.len());
    assert_eq!(told, names.len() * usize::from(AGENTS), "all were told in the end");
}
