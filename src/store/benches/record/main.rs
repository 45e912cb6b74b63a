//! What the record of a large round takes: bytes, time, memory. Prints figures, judges none.
//!
//! Every step is a process of its own, so that what it holds at most is its own.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "a bench")]

mod round;

use std::cell::Cell;
use std::fs::{self, File};
use std::hint::black_box;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use netreach_api::Expect;
use netreach_report::{
    Filter, Merging, RoundHead, RoundReport, RoundSummary, Selection, Standing, around, judge, report_object,
};
use netreach_store::record::{Bytes, encode, read_agents, read_all, read_head};

use crate::round::{Cluster, TARGETS};

const STEPS: [&str; 7] = ["merge-all", "merge-each", "write", "head", "shortened", "node", "whole"];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [step, agents, bad, path] => {
            run(step, Cluster::of(agents.parse().unwrap(), bad.parse().unwrap()), Path::new(path))
        }
        _ => all(),
    }
}

/// Every step of each size in a process of its own.
fn all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("record");
    let exe = std::env::current_exe().unwrap();
    for (agents, bad_every, what) in [
        ("1000", "100", "one agent in 100 has a bad target"),
        ("5000", "100", "one agent in 100 has a bad target"),
        ("1000", "1", "every agent has a bad target"),
    ] {
        say(&format!("\n{agents} agents x {TARGETS} targets, {what}"));
        for step in STEPS {
            let status = Command::new(&exe).args([step, agents, bad_every]).arg(&path).status().unwrap();
            assert!(status.success(), "{step}: {status}");
        }
    }
}

fn run(step: &str, cluster: Cluster, path: &Path) {
    match step {
        "merge-all" => {
            let mut round = cluster.round();
            round.submitted = cluster.results().collect();
            let report = told("merge, all results held", || netreach_report::merge(round));
            assert!(!report.agents.is_empty());
        }
        "merge-each" => drop(merged(&cluster)),
        "write" => write(&cluster, path),
        "head" => {
            let file = Counted::open(path);
            let head = told("read the head", || read_head(&file).unwrap());
            say(&format!(
                "  {} bytes read in {} calls; summary {}",
                file.bytes.get(),
                file.calls.get(),
                serde_json::to_string(&RoundSummary::of(head.round())).unwrap()
            ));
        }
        "shortened" => document("the object, shortened", path, Selection::shortened),
        "node" => {
            document("one node", path, |head| {
                let node = Some(head.lines[head.lines.len() / 2].agent.node.clone());
                Selection::filtered(head, &Filter { node, ..Filter::default() })
            });
        }
        "whole" => {
            document("everything", path, Selection::whole);
            let report = told("read_all", || read_all(&Counted::open(path)).unwrap());
            assert!(!report.agents.is_empty());
        }
        step => panic!("no step {step}"),
    }
}

fn merged(cluster: &Cluster) -> RoundReport {
    let mut merging = Merging::new(cluster.round());
    let mut spent = Duration::ZERO;
    for result in cluster.results() {
        let began = Instant::now();
        merging.take(&result);
        spent += began.elapsed();
    }
    let began = Instant::now();
    let report = merging.finish();
    memory("merge, one result at a time", spent + began.elapsed());
    report
}

fn write(cluster: &Cluster, path: &Path) {
    let report = merged(cluster);
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let expect = Expect { success_rate: 1.0, mean_access_delay_ms: 1_500, status_code: None };
    let verdict = told("judge", || judge(&report, &expect));
    let record = told("encode", || encode(&report, &verdict).unwrap());
    let parts =
        format!("{} bytes, {} a target", record.len(), record.len() / (report.agents.len() * TARGETS));
    let json = serde_json::to_vec(&report).unwrap();
    let head = serde_json::to_vec(&RoundHead::of(&report, &verdict)).unwrap().len();
    let whole = zstd::bulk::compress(&json, 3).unwrap().len();
    say(&format!(
        "  record: {parts}; one zstd frame of JSON: {whole} bytes of {}; head as JSON: {head}",
        json.len()
    ));
    fs::write(path, record).unwrap();
}

/// Sends a document to nowhere, as an answer would be: never whole in memory.
fn document(what: &str, path: &Path, choose: impl FnOnce(&RoundHead) -> Selection) {
    let file = Counted::open(path);
    let standing =
        Standing { rounds_expected: 1_000, rounds_done: 7, rounds_failed: vec![7], finished: false };
    let (sent, entries, details, status) = told(what, || {
        let head = read_head(&file).unwrap();
        let selection = choose(head.round());
        let object = report_object(head.round(), &standing, &selection);
        let (before, after) = around(&object);
        let (mut sent, mut entries, mut details) = (before.len() + after.len(), 0, 0);
        for agent in read_agents(&file, &head, |line, _| selection.takes(line)) {
            let (line, agent) = agent.unwrap();
            let Some(entry) = selection.agent_round(head.round(), line, &agent) else { continue };
            sent += black_box(serde_json::to_vec(&entry).unwrap()).len() + 1;
            entries += 1;
            details += entry.net_reach_task.detail.len();
        }
        (sent, entries, details, object.status)
    });
    let read = format!("{} bytes read in {} calls", file.bytes.get(), file.calls.get());
    say(&format!("  {sent} bytes of JSON, {entries} agents, {details} targets; {read}; {status:?}"));
}

fn told<T>(what: &str, step: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let made = black_box(step());
    memory(what, began.elapsed());
    made
}

fn memory(what: &str, took: Duration) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let of = |key: &str| {
        status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned()
    };
    let ms = took.as_secs_f64() * 1e3;
    say(&format!("  {what}: {ms:.1} ms; RSS {}, at most {}", of("VmRSS:"), of("VmHWM:")));
}

fn say(line: &str) {
    println!("{line}");
}

/// A file, and what is read of it.
struct Counted {
    file: File,
    bytes: Cell<usize>,
    calls: Cell<usize>,
}

impl Counted {
    fn open(path: &Path) -> Self {
        Self { file: File::open(path).unwrap(), bytes: Cell::new(0), calls: Cell::new(0) }
    }
}

impl Bytes for Counted {
    fn size(&self) -> u64 {
        self.file.metadata().unwrap().len()
    }

    fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
        self.file.read_exact_at(&mut bytes, range.start)?;
        self.bytes.set(self.bytes.get() + bytes.len());
        self.calls.set(self.calls.get() + 1);
        Ok(bytes)
    }
}
