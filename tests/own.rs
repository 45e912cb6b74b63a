//! What agents say of themselves: what they cost, and that they were held up.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

use std::fs;
use std::time::{Duration, Instant};

use netreach_tests::{Program, Running, Spec, ends, most_resident_kib, net_reach, settle, wait_until};
use serde_json::Value;

/// How far an agent's own account may be from what the kernel says of its process.
const DIFFERS_MAX: f64 = 0.05;
/// How often a neighbour on the machine may spoil the comparison.
const TRIES: usize = 3;

fn run_local(args: &str, spec: &Spec) -> Program {
    Program::at(env!("CARGO_BIN_EXE_netreach")).args("run --local -f - -o json").args(args).input(spec.yaml())
}

/// CPU time of a process so far, seconds (proc(5): utime and stime, ticks of 10 ms).
fn spent_s(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Behind the name, which may hold spaces, comes the third field.
    let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: u32 = fields[11..13].iter().map(|ticks| ticks.parse::<u32>().unwrap()).sum();
    f64::from(ticks) / 100.0
}

/// A figure of an agent's part with its unit.
fn figure(part: &Value, name: &str, unit: &str) -> f64 {
    part[name].as_str().unwrap().trim_end_matches(unit).parse().unwrap()
}

/// What of an agent's own account is not as the kernel has it.
fn compare_account() -> Vec<String> {
    const SECONDS: u32 = 4;
    let spec = net_reach("account").lasting_s(SECONDS).with("/spec/request/qps", 500);
    // The second round, which would be a minute later, keeps the agent there to be looked at.
    let mut running = run_local("--agents 1 --rounds 2", &spec).start();
    running.hear("1 agent");
    let agent = running.children()[0];
    let before_s = spent_s(agent);
    running.hear("next round at");
    let (spent_s, resident_kib) = (spent_s(agent) - before_s, most_resident_kib(agent));
    // The report's MB is 2^20 bytes.
    #[allow(clippy::cast_precision_loss, reason = "thousands")]
    let resident_mb = resident_kib as f64 / 1024.0;
    running.signal("INT", running.pid());
    let document = running.finish().json();
    let part = &document["spec"]["Report"][0]["NetReachTask"];
    let told_s = figure(part, "MeanCPU", "%") / 100.0 * f64::from(SECONDS);
    let told_mb = figure(part, "MaxMemory", "MB");
    println!(
        "own: {told_s:.3} s of CPU, the kernel says {spent_s:.3}; {told_mb} MB, the kernel says {resident_mb:.2}"
    );
    assert!(figure(part, "MaxCPU", "%") >= figure(part, "MeanCPU", "%"), "{part}");
    let differs = |what: &str, told: f64, seen: f64| {
        ((told - seen).abs() > seen * DIFFERS_MAX).then(|| format!("{what}: {told} told, {seen} seen"))
    };
    [differs("CPU, s", told_s, spent_s), differs("memory, MB", told_mb, resident_mb)]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn an_agents_own_account_is_that_of_the_kernel() {
    settle(TRIES, compare_account);
}

/// Stops an agent for so long.
fn hold_up(running: &Running, agent: u32, lasting: Duration) {
    let until = Instant::now() + lasting;
    running.signal("STOP", agent);
    wait_until(until);
    running.signal("CONT", agent);
}

#[test]
fn an_agent_that_was_stopped_is_starved_and_the_network_is_not_blamed() {
    let spec = net_reach("stopped").lasting_s(4).with("/spec/request/perRequestTimeoutInMS", 1_000);
    let mut running = run_local("-v --agents 1", &spec).start();
    running.hear("round begins");
    hold_up(&running, running.children()[0], Duration::from_secs(2));
    let finished = running.finish();
    ends(&finished, 1, &[]);
    let document = finished.json();
    let round = &document["spec"]["Report"][0];
    let part = &round["NetReachTask"];
    println!("own: {} {}", part["Lateness"], document["spec"]["FailureReasons"]);
    assert_eq!(round["Starved"], true, "{part}");
    // Later than a timeout none is sent; the last of those that were sent were due a second before.
    let late_ms = part["Lateness"]["MaxInMs"].as_f64().unwrap();
    assert!((800.0..=1_100.0).contains(&late_ms), "{late_ms}");
    let detail = &part["Detail"][0];
    let unsent = detail["UnsentCounts"].as_u64().unwrap();
    // 20 a second: of the 40 that were due meanwhile about the first half.
    assert!((12..=26).contains(&unsent), "{unsent}");
    assert_eq!(detail["Metrics"]["RequestCounts"].as_u64().unwrap() + unsent, 80);
    let reasons = document["spec"]["FailureReasons"].as_array().unwrap();
    assert!(
        !reasons.is_empty() && reasons.iter().all(|reason| reason["Code"] == "AgentStarved"),
        "{reasons:?}"
    );
}
