//! A round's load asks the kernel for memory while it begins, and then no more; and for little, however many targets it has.

use std::fs;
use std::time::Duration;

use mimalloc::MiMalloc;
use netreach_tests::has_strace;
use netreach_wire::{Connection, Load};

use crate::holding::Holding;
use crate::peers::{again, hand_over, probe, role, take_over};
use crate::{WORKERS, alone};

/// As in an agent.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const QPS: u32 = 500;
const SECONDS: u32 = 2;
/// Calls for memory that may come while three quarters of a round's probes are sent: thousands, if each asked for its own.
const CALLS_MAX: usize = 8;
/// What a process asks the kernel for memory by, or gives it back.
const CALLS: [&str; 5] = ["mmap(", "munmap(", "mremap(", "brk(", "madvise("];

#[test]
fn probes_ask_the_kernel_for_no_memory() {
    const NAME: &str = "lean::probes_ask_the_kernel_for_no_memory";
    if let Some(role) = role() {
        let (connection, address) = role.split_once(' ').unwrap();
        let connection = if connection == "new" { Connection::New } else { Connection::Reuse };
        let load = Load { rate_qps: QPS, duration_s: SECONDS, timeout_ms: 1_000, connection };
        return hand_over(&probe(load, &[(address.parse().unwrap(), None)])[0]);
    }
    if !has_strace() {
        return;
    }
    let _alone = alone();
    for connection in ["new", "reuse"] {
        let peer = Holding::new(WORKERS, |_| Duration::ZERO);
        let temporary = tempfile::tempdir().unwrap();
        let trace = temporary.path().join("trace");
        let strace = ["strace", "-f", "-e", "trace=%memory,sendto", "-o", trace.to_str().unwrap()];
        let tally = take_over(again(&strace, NAME, &format!("{connection} {}", peer.address)));
        assert_eq!(tally.sent() + tally.parts().unsent, u64::from(QPS * SECONDS));
        check(connection, &fs::read_to_string(&trace).unwrap());
    }
}

fn check(connection: &str, trace: &str) {
    let lines: Vec<_> = trace.lines().collect();
    let is_for_memory = |line: &&&str| CALLS.iter().any(|call| line.contains(call));
    let sent = lines.iter().enumerate().filter(|(_, line)| line.contains("sendto("));
    let sent: Vec<_> = sent.map(|(at, _)| at).collect();
    assert!(sent.len() > (QPS * SECONDS / 2) as usize, "{} were sent", sent.len());
    let (from, to) = (sent[sent.len() / 4], sent[sent.len() - 1]);
    // The trace has such calls: those of a process that begins.
    assert!(lines[..from].iter().filter(is_for_memory).count() > CALLS_MAX);
    let asked: Vec<_> = lines[from..to].iter().filter(is_for_memory).collect();
    println!("lean: {connection}: {} calls for memory within {} probes", asked.len(), sent.len() * 3 / 4);
    assert!(asked.len() <= CALLS_MAX, "{connection}: {asked:#?}");
}

const TARGETS: usize = 1_000;
/// Peak of a process that probes so many targets, KiB: 25 MB.
const PEAK_KIB_MAX: u64 = 25_000_000 / 1_024;

#[test]
fn a_thousand_targets_whose_latencies_lie_far_apart_fit_in_an_agents_memory() {
    const NAME: &str = "lean::a_thousand_targets_whose_latencies_lie_far_apart_fit_in_an_agents_memory";
    if let Some(role) = role() {
        let load = Load { rate_qps: 1, duration_s: 6, timeout_ms: 1_000, connection: Connection::New };
        let results = probe(load, &[(role.parse().unwrap(), None); TARGETS]);
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        println!("lean: at most {} for {TARGETS} targets", peak.trim());
        let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak_kib <= PEAK_KIB_MAX, "{peak}");
        return hand_over(&results[0]);
    }
    let _alone = alone();
    let mut random = fastrand::Rng::with_seed(3);
    // From 1 to 256 ms, each doubling as often as any other.
    let peer = Holding::new(WORKERS, move |_| Duration::from_millis(1).mul_f64((8.0 * random.f64()).exp2()));
    let tally = take_over(again(&[], NAME, &peer.address.to_string()));
    assert_eq!(tally.sent() + tally.parts().unsent, 6);
}
