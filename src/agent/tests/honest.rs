//! Whatever the other side does, a probe ends within its timeout and is counted under the right key.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "peers/bad.rs"]
mod bad;
mod peers;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use netreach_measure::{Failure, Tally};
use netreach_wire::{Connection, Load};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use bad::{Case, PROBES};
use peers::{again, hand_over, next_probe, peer, probe, right_answer, role, staff, take_over, tally};

/// Long enough for a peer on a busy machine, short enough to be waited for.
const TIMEOUT_MS: u32 = 1_000;
/// By how much a probe may be seen to end late on a busy machine.
const MARGIN_US: u64 = 300_000;

fn load(rate_qps: u32, timeout_ms: u32, connection: Connection) -> Load {
    Load { rate_qps, duration_s: 1, timeout_ms, connection }
}

fn failures(tally: &Tally) -> &BTreeMap<Failure, u64> {
    &tally.parts().failures
}

// === bad peers ===

#[test]
fn over_fresh_connections_each_peer_is_counted_as_what_it_does() {
    check(Connection::New);
}

#[test]
fn over_kept_connections_each_peer_is_counted_as_what_it_does() {
    check(Connection::Reuse);
}

#[track_caller]
fn check(connection: Connection) {
    let cases = bad::all();
    let targets: Vec<_> = cases.iter().map(|case| (case.address, Some(peers::ME))).collect();
    let qps = u32::try_from(PROBES).unwrap();
    let results = probe(load(qps, TIMEOUT_MS, connection), &targets);
    let mut wrong = Vec::new();
    for (result, case) in results.iter().zip(&cases) {
        let (found, Case { name, statuses, failures, backends, .. }) = (tally(result), case);
        let parts = found.parts();
        assert_eq!(found.sent() + parts.unsent, PROBES, "{name}");
        let as_it_must =
            (&parts.statuses, &parts.failures, &parts.backends) == (statuses, failures, backends);
        // The last slot is an interval before the end of the one second.
        let over_us = 1_000_000 - 1_000_000 / PROBES
            + u64::from(TIMEOUT_MS) * 1_000
            + parts.lateness.max_us().unwrap_or_default();
        if !as_it_must || parts.unsent > 0 || result.ended_us > over_us + MARGIN_US {
            wrong.push(format!(
                "{name}: {:?} {:?} {:?}, {} unsent, ended at {} ms (expected {statuses:?} {failures:?} {backends:?} by {} ms)",
                parts.statuses, parts.failures, parts.backends, parts.unsent, result.ended_us / 1_000, over_us / 1_000,
            ));
        }
    }
    assert!(wrong.is_empty(), "{connection:?}:\n{}", wrong.join("\n"));
}

/// A kept connection broken by the peer is no failure, but the fresh one that stands in for it gets what time is left.
#[test]
fn a_second_try_does_not_prolong_a_probe() {
    // The first connection's second probe is let down when half its time is over; nobody else is answered.
    let is_first = AtomicBool::new(true);
    let address = peer(8, move |mut stream| {
        if is_first.swap(false, Ordering::Relaxed) {
            let tag = next_probe(&mut stream).unwrap();
            stream.write_all(&right_answer(&tag)).unwrap();
            next_probe(&mut stream);
            std::thread::park_timeout(Duration::from_millis(u64::from(TIMEOUT_MS) / 2));
        } else {
            while next_probe(&mut stream).is_some() {}
        }
    });
    let results = probe(load(2, TIMEOUT_MS, Connection::Reuse), &[(address, None)]);
    let tally = tally(&results[0]);
    assert_eq!(failures(&tally), &BTreeMap::from([(Failure::TimeoutResponse, 1)]));
    let over_us = 500_000 + u64::from(TIMEOUT_MS) * 1_000 + tally.parts().lateness.max_us().unwrap();
    assert!(results[0].ended_us < over_us + MARGIN_US, "ended at {} µs", results[0].ended_us);
}

// === want of one's own ===

/// Descriptors that the round itself needs: its switch, epoll and timer.
const OWN_DESCRIPTORS: usize = 3;

#[test]
fn without_descriptors_a_probe_is_a_local_matter() {
    const NAME: &str = "without_descriptors_a_probe_is_a_local_matter";
    if let Some(role) = role() {
        let (sockets, address) = role.split_once(' ').unwrap();
        return probe_with_so_many_sockets(sockets.parse().unwrap(), address.parse().unwrap());
    }
    let mute = peer(8, |mut stream| while next_probe(&mut stream).is_some() {});
    let of = |sockets: usize| take_over(again(&[], NAME, &format!("{sockets} {mute}")));
    let none = of(0);
    assert_eq!(failures(&none), &BTreeMap::from([(Failure::LocalResource, 100 - none.parts().unsent)]));
    // Four are in use until their timeouts; meanwhile there is none for the others.
    let few = of(4);
    assert_scarce(&few);
}

fn probe_with_so_many_sockets(sockets: usize, address: SocketAddr) {
    let is_free = |descriptor: &usize| !Path::new(&format!("/proc/self/fd/{descriptor}")).exists();
    let behind = (0..).filter(is_free).nth(OWN_DESCRIPTORS + sockets).unwrap();
    setrlimit(Resource::Nofile, Rlimit { current: Some(behind as u64), ..getrlimit(Resource::Nofile) })
        .unwrap();
    hand_over(&probe(load(100, 300, Connection::New), &[(address, None)])[0]);
}

#[test]
fn without_ports_a_probe_is_a_local_matter() {
    const NAME: &str = "without_ports_a_probe_is_a_local_matter";
    const SCRIPT: &str =
        "ip link set lo up && echo 50000 50003 > /proc/sys/net/ipv4/ip_local_port_range && exec \"$@\"";
    if role().is_some() {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let address = listener.local_addr().unwrap();
        staff(listener, 8, |mut stream| while next_probe(&mut stream).is_some() {});
        return hand_over(&probe(load(100, 300, Connection::New), &[(address, None)])[0]);
    }
    let unshare = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", SCRIPT, "sh"];
    let possible = Command::new(unshare[0]).args(&unshare[1..]).arg("true").status();
    if !possible.is_ok_and(|status| status.success()) {
        return netreach_tests::not_run("no network namespace can be made here");
    }
    assert_scarce(&take_over(again(&unshare, NAME, "four ports")));
}

/// Four probes at a time could be sent, to a peer that never answers; for the others nothing was left.
fn assert_scarce(tally: &Tally) {
    let failures = failures(tally);
    assert_eq!((tally.sent() + tally.parts().unsent, tally.answered()), (100, 0));
    let of = |failure| failures.get(&failure).copied().unwrap_or_default();
    let (timeouts, local) = (of(Failure::TimeoutResponse), of(Failure::LocalResource));
    assert_eq!(timeouts + local, tally.sent(), "{failures:?}");
    // Four sockets, each for 300 ms a time, in a second.
    assert!((4..=16).contains(&timeouts), "{failures:?}");
}
