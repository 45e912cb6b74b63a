//! A thousand rounds of a thousand agents: what they take, and how soon they are shown. Prints figures, and judges those of space.
//! Those of time say something of the manager that users have when `NETREACH_MANAGER` names it (`hack/static.sh netreach-manager`).

use std::fs;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use netreach_api::Expect;
use netreach_report::{RoundReport, judge, merge};
use netreach_store::{Store, Written};
use netreach_tests::{most_resident_kib, net_reach};
use serde_json::{Value, json};

use super::cluster::{Cluster, TARGETS};
use super::ground::Ground;

const REPORTS: &str = "/apis/system.kdoctor.io/v1beta1/kdoctorreports";
const ROUNDS: u64 = 1_000;
const AGENTS: usize = 1_000;
/// One agent in so many has a bad time with one of its targets.
const BAD_EVERY: usize = 100;
/// Most bytes on disk a round.
const ROUND_BYTES_MAX: u64 = 3_000_000;
/// Most memory that the manager may ever hold, KiB.
const HELD_KIB_MAX: u64 = 200 << 10;
/// Rounds where more would show nothing else, and what one retention leaves of them.
const FEW: u64 = 30;
const KEPT_BYTES: u64 = 20 << 20;
const TRIES: usize = 9;
const JSON: &str = "application/json";
/// What kubectl asks for where it prints a table.
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// A NetReach that is suspended, and so many rounds of it.
fn filled(rounds: u64) -> (Ground, String) {
    let ground = Ground::new();
    ground.apply(&net_reach("task").with("/spec/schedule/roundNumber", -1).with("/spec/suspend", true));
    let uid = ground.uid("task");
    fill(&ground, &uid, rounds);
    (ground, uid)
}

/// Ten minutes apart, the last an hour ago.
fn fill(ground: &Ground, uid: &str, rounds: u64) {
    let cluster = Cluster::of(AGENTS, BAD_EVERY);
    let mut round = cluster.round();
    round.submitted = cluster.results().collect();
    let mut report = merge(round);
    "task".clone_into(&mut report.task);
    report.id.uid = uid.to_owned();
    let expect = Expect { success_rate: 1.0, mean_access_delay_ms: 1_500, status_code: None };
    let store = Store::open_local(&ground.store()).unwrap();
    let pause = SignedDuration::from_mins(10);
    let last = Timestamp::now() - SignedDuration::from_hours(1);
    let first = last - pause * i32::try_from(rounds - 1).unwrap();
    let by = first.duration_since(report.start);
    shift(&mut report, by);
    let verdict = judge(&report, &expect);
    for number in 1..=rounds {
        report.id.number = number;
        assert_eq!(store.close_round(&report, &verdict).unwrap(), Written::Now);
        shift(&mut report, pause);
    }
}

fn shift(report: &mut RoundReport, by: SignedDuration) {
    let RoundReport { due, start, deadline, ended, agents, .. } = report;
    for agent in agents {
        agent.started += by;
        agent.targets.iter_mut().for_each(|target| target.began += by);
    }
    for at in [due, start, deadline, ended] {
        *at += by;
    }
}

/// The middle one of several tries by kubectl, with what that takes to begin and to print.
fn by_kubectl(ground: &Ground, words: &str) -> (Duration, usize) {
    let tries = (0..TRIES).map(|_| {
        let began = Instant::now();
        let said = ground.kubectl.ok(words).len();
        (began.elapsed(), said)
    });
    middle(tries.collect())
}

fn middle(mut tries: Vec<(Duration, usize)>) -> (Duration, usize) {
    tries.sort();
    tries[tries.len() / 2]
}

fn bytes_of(ground: &Ground, uid: &str) -> u64 {
    let rounds = fs::read_dir(ground.store().join(uid).join("rounds")).unwrap();
    let closed = rounds.map(|round| fs::metadata(round.unwrap().path().join("closed")));
    closed.filter_map(|closed| Some(closed.ok()?.len())).sum()
}

#[test]
#[ignore = "takes ten minutes and 3 GB"]
fn a_thousand_rounds_of_a_thousand_agents_are_shown_at_once() {
    let began = Instant::now();
    let (ground, uid) = filled(ROUNDS);
    let bytes = bytes_of(&ground, &uid) / ROUNDS;
    println!(
        "reports: {ROUNDS} rounds written in {:?}, {bytes} bytes each, {AGENTS} agents x {TARGETS} targets",
        began.elapsed()
    );
    assert!(bytes <= ROUND_BYTES_MAX, "{bytes}");

    for what in ["as it was left", "its index lost"] {
        if what == "its index lost" {
            fs::remove_file(ground.store().join(&uid).join("index")).unwrap();
        }
        let began = Instant::now();
        let manager = ground.manager();
        let _api = ground.publish_reports();
        ground.await_status("task", |status| status["doneRound"] == ROUNDS);
        println!("reports: {what}: shown {:?} after its manager was started", began.elapsed());
        for (what, words) in [
            ("kubectl alone", "get --raw /livez".to_owned()),
            ("list", "get kdoctorreports".to_owned()),
            ("the last round", "get kdoctorreport netreach-task -o json".to_owned()),
            ("the same, raw", format!("get --raw {REPORTS}/netreach-task")),
        ] {
            let (took, bytes) = by_kubectl(&ground, &words);
            println!("reports: by kubectl: {what}: {took:?}, {bytes} bytes");
        }
        for (what, path, accept) in [
            ("list", "", TABLE),
            ("list of rounds", "/netreach-task/rounds", JSON),
            ("the last round", "/netreach-task", JSON),
            ("the last round, whole", "/netreach-task/rounds/last", JSON),
            ("what failed in an old one", "/netreach-task/rounds/500?failed=true", JSON),
        ] {
            let (took, bytes) = middle(ground.plane().answers(&format!("{REPORTS}{path}"), accept, TRIES));
            println!("reports: answered: {what}: {took:?}, {bytes} bytes");
        }
        let held = most_resident_kib(manager.pid());
        println!("reports: the manager held {held} KiB at the most");
        assert!(held <= HELD_KIB_MAX, "{held} KiB");
    }
}

#[test]
#[ignore = "takes four minutes: a round begins every minute"]
fn retention_holds_the_number_and_the_size_of_large_rounds() {
    let (ground, uid) = filled(FEW);
    let manager = ground.manager_with(&format!("--retention-rounds {FEW}"));
    ground.edit("task", &json!({"suspend": false}));
    let first = await_round(&ground, FEW);
    drop(manager);
    let store = Store::open_local(&ground.store()).unwrap();
    let kept = store.list_rounds(&uid).unwrap();
    assert_eq!((kept.len() as u64, kept[0], kept.last()), (FEW, 2, Some(&first)));
    let _manager = ground.manager_with(&format!("--retention-size {KEPT_BYTES}"));
    let second = await_round(&ground, first);
    let left = bytes_of(&ground, &uid);
    println!("reports: {left} bytes are left of {KEPT_BYTES}");
    assert!(left <= KEPT_BYTES && left > KEPT_BYTES - ROUND_BYTES_MAX, "{left}");
    assert_eq!(store.list_rounds(&uid).unwrap().last(), Some(&second));
}

/// The number of the first round that succeeds after this one: those are missed that were due while it was suspended.
fn await_round(ground: &Ground, after: u64) -> u64 {
    let is_later = |status: &Value| status["doneRound"].as_u64().is_some_and(|done| done > after);
    let status =
        ground.await_status("task", |status| is_later(status) && status["lastRoundStatus"] == "succeed");
    status["doneRound"].as_u64().unwrap()
}
