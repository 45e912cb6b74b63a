//! The figures are those of the peer, whatever the pace, and whatever becomes of either side's time.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "peers/holding.rs"]
mod holding;
#[path = "truth/lean.rs"]
mod lean;
mod peers;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use netreach_measure::{Spread, Tally};
use netreach_tests::wait_until;
use netreach_wire::{Connection, Load};
use rustix::process::{Pid, Signal, kill_process};

use holding::Holding;
use peers::{again, hand_over, probe, role, take_over, tally};

/// More than a slow peer is ever asked to hold at once.
const WORKERS: usize = 64;

/// One after the other: each would disturb the times of the next.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn load(rate_qps: u32, duration_s: u32, timeout_ms: u32, connection: Connection) -> Load {
    Load { rate_qps, duration_s, timeout_ms, connection }
}

/// The one target's tally.
fn measure(peer: &Holding, load: Load) -> Tally {
    tally(&probe(load, &[(peer.address, None)])[0])
}

fn longer_than(spread: &Spread, us: u64) -> u64 {
    spread.buckets().filter(|&(time_us, _)| time_us > us).map(|(_, count)| u64::from(count)).sum()
}

fn at_once(workers: usize) -> Holding {
    Holding::new(workers, |_| Duration::ZERO)
}

/// A neighbour on the machine can spoil a comparison; a wrong measure is wrong every time.
const TRIES: usize = 5;

/// Measures alone, again if something was wrong.
fn settle(measure: impl Fn() -> Vec<String>) {
    let _alone = alone();
    netreach_tests::settle(TRIES, measure);
}

/// What is to be told, if it is outside.
fn outside<T: PartialOrd + Debug>(what: &str, found: T, range: RangeInclusive<T>) -> Option<String> {
    (!range.contains(&found)).then(|| format!("{what}: {found:?}, not in {range:?}"))
}

// === the peer's own log ===

const LOGGED_QPS: u32 = 100;
const LOGGED_S: u32 = 2;

#[test]
fn percentiles_over_fresh_connections_are_those_of_the_peers_log() {
    settle_log(Connection::New);
}

#[test]
fn percentiles_over_kept_connections_are_those_of_the_peers_log() {
    settle_log(Connection::Reuse);
}

/// Noise only ever adds to what a probe sees, and rarely to the same percentile twice.
const LOG_TRIES: usize = 20;

/// Holds the figures to the log: each percentile has to come within its bound in one of the tries.
fn settle_log(connection: Connection) {
    let _alone = alone();
    let mut wrong = check_log(connection);
    for _ in 1..LOG_TRIES {
        if wrong.is_empty() {
            return;
        }
        let again = check_log(connection);
        wrong.retain(|percentile, _| again.contains_key(percentile));
    }
    assert!(wrong.is_empty(), "{LOG_TRIES} times, at first: {wrong:#?}");
}

fn delays() -> [(&'static str, Holding); 3] {
    let mut bimodal = fastrand::Rng::with_seed(1);
    let mut heavy = fastrand::Rng::with_seed(2);
    [
        ("constant", Holding::new(WORKERS, |_| Duration::from_millis(20))),
        (
            "bimodal",
            Holding::new(WORKERS, move |_| Duration::from_millis(if bimodal.f64() < 0.7 { 5 } else { 80 })),
        ),
        // Pareto's: one in a hundred is 46 times as long as the shortest.
        (
            "heavy-tailed",
            Holding::new(WORKERS, move |_| {
                let times = (1.0 - heavy.f64()).powf(-1.0 / 1.2);
                Duration::from_millis(2).mul_f64(times).min(Duration::from_millis(400))
            }),
        ),
    ]
}

/// What of each target's tally is not as its peer's log has it, by percentile.
fn check_log(connection: Connection) -> BTreeMap<String, String> {
    let peers = delays();
    let targets: Vec<_> = peers.iter().map(|(_, peer)| (peer.address, None)).collect();
    let results = probe(load(LOGGED_QPS, LOGGED_S, 2_000, connection), &targets);
    let compared = results.iter().zip(&peers);
    compared.flat_map(|(result, (name, peer))| compare(name, &tally(result), &peer.held_us())).collect()
}

fn compare(name: &str, tally: &Tally, held_us: &[u64]) -> Vec<(String, String)> {
    let parts = tally.parts();
    assert_eq!(tally.sent() + parts.unsent, u64::from(LOGGED_QPS * LOGGED_S), "{name}");
    let answers = BTreeMap::from([(200, held_us.len() as u64)]);
    assert_eq!(parts.statuses, answers, "{name}: {:?}", parts.failures);
    let slack_us = 1_000 + parts.lateness.quantile_us(0.99).unwrap();
    let differs = |quantile: f64| {
        let (found_us, logged_us) = (parts.latency.quantile_us(quantile).unwrap(), at(held_us, quantile));
        println!("{name} {quantile}: {found_us} µs, log {logged_us} µs, slack {slack_us} µs");
        // The peer holds a request only while the probe waits: no noise makes it less.
        assert!(found_us >= logged_us, "{name} {quantile}: {found_us} µs, log {logged_us} µs");
        let most_us = logged_us + slack_us.max(logged_us / 100);
        outside("µs", found_us, logged_us..=most_us).map(|told| (format!("{name} {quantile}"), told))
    };
    [0.5, 0.9, 0.99, 1.0].into_iter().filter_map(differs).collect()
}

/// The time that so many of the (rising) times do not pass.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "hundreds"
)]
fn at(rising_us: &[u64], quantile: f64) -> u64 {
    let rank = (quantile * rising_us.len() as f64).ceil() as usize;
    rising_us[rank.max(1) - 1]
}

// === stalls ===

const STALL: Duration = Duration::from_secs(2);
const STALLED_QPS: u32 = 20;

#[test]
fn a_stall_of_the_peer_is_seen_by_every_probe_that_was_due_in_it() {
    settle(|| {
        std::thread::scope(|scope| {
            let stalls =
                [Connection::New, Connection::Reuse].map(|each| scope.spawn(move || check_stall(each)));
            stalls.into_iter().flat_map(|stall| stall.join().unwrap()).collect()
        })
    });
}

fn check_stall(connection: Connection) -> Vec<String> {
    let begins = Instant::now() + Duration::from_millis(500);
    let stalling = Holding::new(WORKERS, move |now| {
        if now < begins { Duration::ZERO } else { (begins + STALL).saturating_duration_since(now) }
    });
    let tally = measure(&stalling, load(STALLED_QPS, 3, 3_000, connection));
    let parts = tally.parts();
    assert_eq!(tally.sent() + parts.unsent, 60, "{connection:?}");
    let [stalled, long] = [100_000, 1_000_000].map(|us| longer_than(&parts.latency, us));
    let longest_us = parts.latency.max_us().unwrap();
    println!("{connection:?}: {stalled} saw the stall, {long} for over a second, one for {longest_us} µs");
    let found = [
        outside("answered", tally.answered(), 60..=60),
        outside("longest, µs", longest_us, 1_900_000..=2_300_000),
        // 40 were due in the two seconds; those of the last tenth of a second waited less than that.
        outside("probes that saw the stall", stalled, 36..=42),
        // They waited two seconds to none: half of them less than one.
        outside("probes that waited over a second", long, 18..=23),
    ];
    found.into_iter().flatten().map(|wrong| format!("{connection:?}: {wrong}")).collect()
}

#[test]
fn an_agent_that_was_stopped_tells_it_as_its_own_lateness() {
    const NAME: &str = "an_agent_that_was_stopped_tells_it_as_its_own_lateness";
    if let Some(role) = role() {
        let (timeout_ms, address) = role.split_once(' ').unwrap();
        let load = load(100, 3, timeout_ms.parse().unwrap(), Connection::New);
        return hand_over(&probe(load, &[(address.parse().unwrap(), None)])[0]);
    }
    settle(|| {
        let (patient, hasty) = std::thread::scope(|scope| {
            let hasty = scope.spawn(|| stopped(NAME, 500));
            (stopped(NAME, 2_000), hasty.join().unwrap())
        });
        // 100 slots pass meanwhile, 70 of them by more than 300 ms. Later than a timeout none is sent.
        let patient = check_stopped("2 s", &patient, 0..=0, 60..=85);
        let hasty = check_stopped("500 ms", &hasty, 40..=65, 10..=35);
        [patient, hasty].concat()
    });
}

/// What a child's 300 probes have to say that is stopped for a second among them.
fn stopped(test: &str, timeout_ms: u32) -> Tally {
    let peer = at_once(WORKERS);
    let child = again(&[], test, &format!("{timeout_ms} {}", peer.address));
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    peer.has_answered(50);
    kill_process(pid, Signal::STOP).unwrap();
    wait_until(Instant::now() + Duration::from_secs(1));
    kill_process(pid, Signal::CONT).unwrap();
    take_over(child)
}

fn check_stopped(
    name: &str,
    tally: &Tally,
    unsent: RangeInclusive<u64>,
    late: RangeInclusive<u64>,
) -> Vec<String> {
    let parts = tally.parts();
    assert_eq!(tally.sent() + parts.unsent, 300, "{name}");
    let [grown, by_a_second] = [300_000, 990_000].map(|us| longer_than(&parts.latency, us));
    let given_up = parts.failures.values().sum::<u64>();
    println!(
        "{name}: {grown} grown, {by_a_second} by a second, {:?}, {} unsent",
        parts.failures, parts.unsent
    );
    let found = [
        outside("unsent", parts.unsent, unsent),
        outside("late", longer_than(&parts.lateness, 300_000), late),
        // Of the latencies only those of probes in flight have grown, and by the whole stop: few, even if it hit a
        // busy machine's burst. Counted from the slots it would be those that were late.
        outside("grown", grown, by_a_second..=by_a_second),
        outside("in flight", by_a_second + given_up, 0..=20),
    ];
    found.into_iter().flatten().map(|wrong| format!("timeout {name}: {wrong}")).collect()
}

// === the sum ===

#[test]
fn every_slot_is_a_probe_or_unsent_at_any_pace() {
    let _alone = alone();
    let (new, reuse) = (Connection::New, Connection::Reuse);
    // An agent that was kept waiting sends what is due all at once, each over a connection.
    let peer = at_once(8 * WORKERS);
    for (qps, connection) in
        [(1, new), (1, reuse), (60, new), (60, reuse), (1_000, new), (1_000, reuse), (5_000, reuse)]
    {
        let tally = measure(&peer, load(qps, 1, 1_000, connection));
        let parts = tally.parts();
        let (unsent, p99_us) = (parts.unsent, parts.lateness.quantile_us(0.99).unwrap());
        println!("{qps} qps {connection:?}: {unsent} unsent, lateness p99 {p99_us} µs, {:?}", parts.failures);
        assert_eq!(tally.sent() + unsent, u64::from(qps), "{connection:?}");
        // How much faster a busy machine can be is not for a test to say.
        assert!(unsent == 0 || qps > 60, "{unsent} unsent at {qps} qps, {connection:?}");
    }
}
