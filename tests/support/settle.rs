//! What a test does about the machine that it runs on: neighbours that spoil a measure, time that has to pass, tools that are not there.

use std::process::Command;
use std::thread::park_timeout;
use std::time::Instant;

/// Measures, at most so many times, until nothing is wrong: a neighbour on the machine can spoil a comparison; a wrong measure is wrong every
/// time.
///
/// # Panics
/// When something was wrong each time.
pub fn settle(tries: usize, measure: impl Fn() -> Vec<String>) {
    let mut found = Vec::new();
    for _ in 0..tries {
        let wrong = measure();
        if wrong.is_empty() {
            return;
        }
        found.extend(wrong);
    }
    panic!("{tries} times:\n{}", found.join("\n"));
}

/// Blocks until then.
pub fn wait_until(instant: Instant) {
    loop {
        let left = instant.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        park_timeout(left);
    }
}

/// Tells of a test that cannot be run here.
///
/// # Panics
/// Where nothing may be left out (`NETREACH_TIERS=all`).
pub fn not_run(why: &str) {
    assert!(std::env::var_os("NETREACH_TIERS").is_none_or(|tiers| tiers != "all"), "{why}");
    println!("NOT RUN: {why}");
}

/// Whether strace is there; tells if it is not, as [`not_run`].
#[must_use]
pub fn has_strace() -> bool {
    let is_there = Command::new("strace").arg("-V").output().is_ok_and(|said| said.status.success());
    if !is_there {
        not_run("there is no strace (apt-get install strace)");
    }
    is_there
}
