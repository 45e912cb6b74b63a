//! What is acknowledged is on the disk: seen by what the kernel was asked before.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Barrier;

use netreach_store::{Store, Written};

use super::again;
use crate::suite::fixture::{agent, kept, kept_of, report, round, verdict};

/// Says to a test process where to write.
const DIR: &str = "NETREACH_STORE_TRACED";

/// Writers at once.
const WRITERS: usize = 8;

/// Has [`be_traced`] run by the test function of this name, and looks at its system calls.
pub(crate) fn an_acknowledged_write_is_synced(test: &str) {
    if !netreach_tests::has_strace() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().canonicalize().unwrap();
    let trace = dir.join("trace");
    let calls = "trace=mkdir,mkdirat,link,linkat,rename,renameat,renameat2,fsync,fdatasync,write";
    let strace = ["strace", "-f", "-y", "-s", "256", "-e", calls, "-o", trace.to_str().unwrap()];
    let store = dir.join("store");
    let said = again(&strace, test).env(DIR, &store).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));

    let calls = whole_calls(&fs::read_to_string(&trace).unwrap());
    let trace = Trace { calls, store: store.display().to_string() };
    trace.check("kept", "uid/rounds/1/results/n/p");
    trace.check("closed", "uid/rounds/1/closed");
    for writer in 0..WRITERS {
        trace.check(&format!("kept by {writer}"), &format!("uid/rounds/2/results/n{writer}/p"));
    }
    // Found there, and not known to be synced by whoever wrote it.
    let (closed, again) = (trace.told("closed"), trace.told("kept again"));
    let synced = |call| trace.is_synced("uid/rounds/1/results/n", call);
    assert!((closed..again).any(synced), "{:#?}", &trace.calls[closed..again]);
}

/// What is traced: each step is told on standard error once its call has returned. In other processes, nothing.
pub(crate) fn be_traced() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let store = Store::open_local(&dir).unwrap();
    // In one call, to be found in the trace.
    let tell = |step: &str| std::io::stderr().write_all(format!("done: {step};\n").as_bytes()).unwrap();
    store.keep_result(&kept("n", "p", false)).unwrap();
    tell("kept");
    store.close_round(&report("uid", 1, "task"), &verdict()).unwrap();
    tell("closed");
    assert_eq!(
        Store::open_local(&dir).unwrap().keep_result(&kept("n", "p", false)).unwrap(),
        Written::Before
    );
    tell("kept again");
    // Some make folders that others are about to write into.
    let start = Barrier::new(WRITERS);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, start, tell) = (&store, &start, &tell);
            scope.spawn(move || {
                let kept = kept_of(&round("uid", 2), agent(&format!("n{writer}"), "p"), false);
                start.wait();
                store.keep_result(&kept).unwrap();
                tell(&format!("kept by {writer}"));
            });
        }
    });
}

/// System calls in the order in which they ended.
struct Trace {
    calls: Vec<String>,
    store: String,
}

impl Trace {
    /// By the time that step was told, the file was synced, had got its name after that, and every folder on the way to
    /// it was synced after that, or after the next folder was made in it.
    fn check(&self, step: &str, key: &str) {
        let told = self.told(step);
        let file = format!("{}/{key}", self.store);
        let before = &self.calls[..told];
        let at = |what: &str, is_it: &dyn Fn(&str) -> bool| {
            let at = before.iter().position(|call| is_it(call));
            at.unwrap_or_else(|| panic!("{what} of {key} is not there before {step:?}: {before:#?}"))
        };
        let is_for = |call: &str, name: &str, path: &str| {
            call.contains(name) && call.contains(&format!("\"{path}\"")) && call.ends_with("= 0")
        };
        let is_named = |call: &str| is_for(call, "link", &file) || is_for(call, "rename", &file);
        let (named, written) =
            (at("the name", &is_named), at("the fsync", &|call| synced(call) == Some(&format!("{file}#1"))));
        assert!(written < named, "{key}: {before:#?}");
        let mut since = named;
        let mut below = key;
        while let Some((folder, _)) = below.rsplit_once('/') {
            let is_synced = (since..told).any(|call| self.is_synced(folder, call));
            assert!(is_synced, "{folder} is not synced before {step:?}: {before:#?}");
            let path = format!("{}/{folder}", self.store);
            since = at("the mkdir", &|call| is_for(call, "mkdir", &path));
            below = folder;
        }
        let is_synced = before[since..].iter().any(|call| synced(call) == Some(&self.store));
        assert!(is_synced, "the store's own folder is not synced before {step:?}: {before:#?}");
    }

    /// When that step was told.
    fn told(&self, step: &str) -> usize {
        let words = format!("\"done: {step};");
        let told = self.calls.iter().position(|call| call.contains("write(2") && call.contains(&words));
        told.unwrap_or_else(|| panic!("{step:?} was not told: {:#?}", self.calls))
    }

    fn is_synced(&self, folder: &str, call: usize) -> bool {
        synced(&self.calls[call]) == Some(&format!("{}/{folder}", self.store))
    }
}

/// What a call has synced.
fn synced(call: &str) -> Option<&str> {
    let rest = call.split("sync(").nth(1)?;
    let (path, rest) = rest.split_once('<')?.1.split_once('>')?;
    rest.ends_with("= 0").then_some(path)
}

/// Calls during which another thread was heard of are told in two parts.
fn whole_calls(trace: &str) -> Vec<String> {
    let mut begun = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        if let Some(call) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, call);
        } else if let Some((_, rest)) = call.split_once(" resumed>") {
            calls.push(format!("{}{rest}", begun.remove(thread).unwrap_or_default()));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}
