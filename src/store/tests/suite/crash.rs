//! Managers that are killed at any instant, two at a time: what they acknowledged is there, and every round closed once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use netreach_store::{Location, Retention, Store, Written};

use super::Place;
use super::fixture::{agent, kept_of, report, round, verdict};

/// Both together.
const KILLS: u64 = 200;
const AGENTS: u32 = 3;
const UID: &str = "crash";
/// Says to a test process that it is a manager of this number.
const MANAGER: &str = "NETREACH_STORE_MANAGER";
const LOCATION: &str = "NETREACH_STORE_LOCATION";
const FIRST_ROUND: &str = "NETREACH_STORE_FIRST_ROUND";

/// What managers said before they were killed.
#[derive(Default)]
struct Said {
    /// Results that are kept, and by whom where it was said.
    kept: BTreeMap<(u64, u32), Option<u64>>,
    /// Rounds that are closed.
    closed: BTreeSet<u64>,
    /// Who closed them, as they say.
    closers: BTreeMap<u64, Vec<u64>>,
}

/// What a manager does: results come in, rounds are closed, for ever. Each step is told once it is done. In a process
/// that is none, nothing.
pub(crate) fn be_a_manager() {
    let variable = |name| std::env::var(name).ok();
    let Some(me) = variable(MANAGER).and_then(|me| me.parse::<u64>().ok()) else { return };
    let location: Location = variable(LOCATION).unwrap().parse().unwrap();
    let first: u64 = variable(FIRST_ROUND).unwrap().parse().unwrap();
    let store = Store::open(&location).unwrap();
    let tell = |written: Written, what: String| {
        let by = if written == Written::Now { "me" } else { "other" };
        let mut out = std::io::stdout().lock();
        writeln!(out, "\ndone {what} {by}").unwrap();
        out.flush().unwrap();
    };
    for number in first.. {
        for node in 0..AGENTS {
            let mut kept = kept_of(&round(UID, number), agent(&format!("n{node}"), "p"), false);
            kept.clock_ahead_us = i64::try_from(me).ok();
            tell(store.keep_result(&kept).unwrap(), format!("kept {number} {node}"));
        }
        let report = report(UID, number, &me.to_string());
        tell(store.close_round(&report, &verdict()).unwrap(), format!("closed {number} 0"));
    }
}

/// `test` names the test function of this binary that is [`be_a_manager`] and nothing else.
pub(crate) fn nothing_acknowledged_is_lost(place: &dyn Place, test: &str) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let said = Mutex::new(Said::default());
    let newest = AtomicU64::new(1);
    std::thread::scope(|scope| {
        for one in 0..2 {
            let (said, newest) = (&said, &newest);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed.wrapping_add(one));
                for life in 0..KILLS / 2 {
                    let me = life * 2 + one;
                    let first = newest.load(Ordering::Relaxed);
                    let last = live(place, test, (me, first), &mut random, said);
                    newest.fetch_max(last, Ordering::Relaxed);
                }
            });
        }
    });
    check(&place.open(), &said.into_inner().unwrap(), seed);
}

/// The life of a manager. Gives the round it was at when it was killed.
fn live(
    place: &dyn Place,
    test: &str,
    (me, first): (u64, u64),
    random: &mut fastrand::Rng,
    said: &Mutex<Said>,
) -> u64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).envs(place.variables());
    command.env(MANAGER, me.to_string()).env(FIRST_ROUND, first.to_string());
    command.env(LOCATION, place.location().to_string());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = first;
    let mut hear = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let ["done", what, number, node, by] = words[..] else { return false };
        let (number, is_mine) = (number.parse().unwrap(), by == "me");
        let mut said = said.lock().unwrap();
        match what {
            "kept" => {
                let by = said.kept.entry((number, node.parse().unwrap())).or_default();
                if is_mine {
                    assert_eq!(by.replace(me), None, "two kept the same result");
                }
            }
            _ => {
                said.closed.insert(number);
                if is_mine {
                    said.closers.entry(number).or_default().push(me);
                }
            }
        }
        last = number;
        true
    };
    let mut left = random.u32(0..12);
    while left > 0 {
        let line = lines.next().expect("it lives until it is killed").unwrap();
        left -= u32::from(hear(&line));
    }
    // Somewhere in the next step, or two.
    let at = Instant::now() + Duration::from_micros(random.u64(0..4_000));
    while Instant::now() < at {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said before its end counts, though we hear of it after. A line that was cut does not.
    for line in lines.map_while(Result::ok) {
        hear(&line);
    }
    last
}

fn check(store: &Store, said: &Said, seed: u64) {
    assert!(said.kept.len() > 50 && said.closed.len() > 10, "seed {seed}: too little was done");
    for (&(number, node), by) in &said.kept {
        let results = store.read_results(&round(UID, number)).unwrap();
        assert_eq!(results.damaged, [], "seed {seed}");
        let whose = agent(&format!("n{node}"), "p");
        let kept = results.kept.iter().find(|kept| kept.agent == whose);
        let kept =
            kept.unwrap_or_else(|| panic!("seed {seed}: the result of {whose} in round {number} is lost"));
        if let Some(by) = by {
            assert_eq!(kept.clock_ahead_us, i64::try_from(*by).ok(), "seed {seed}: round {number}, {whose}");
        }
    }
    let closed = store.list_rounds(UID).unwrap();
    for number in &said.closed {
        assert!(closed.contains(number), "seed {seed}: round {number} is open again");
        let report = store.read_round(&round(UID, *number)).unwrap().unwrap();
        match said.closers.get(number).map(Vec::as_slice) {
            None => {}
            Some([by]) => assert_eq!(report.task, by.to_string(), "seed {seed}: round {number}"),
            Some(all) => panic!("seed {seed}: round {number} was closed by {all:?}"),
        }
    }
    let summaries = store.summaries(UID).unwrap();
    assert_eq!(summaries.damaged, [], "seed {seed}");
    assert_eq!(summaries.rounds.iter().map(|round| round.number).collect::<Vec<_>>(), closed, "seed {seed}");
    // What was begun and never finished goes.
    store.retain(UID, Retention::default(), Timestamp::MAX).unwrap();
}
