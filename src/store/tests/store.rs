//! The store on a real directory.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use netreach_report::{ClosedRound, RoundReport, merge};
use netreach_store::{KeptResult, OpenedRound, Store, StoreError, Written};
use netreach_wire::{AgentId, AgentResult, RoundId, Usage, VERSION};
use serde_json::json;

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_local(dir.path()).unwrap();
    (dir, store)
}

fn round(uid: &str, number: u64) -> RoundId {
    RoundId { uid: uid.to_owned(), number }
}

fn report(uid: &str, number: u64, task: &str) -> RoundReport {
    let at = |seconds: i64| jiff::Timestamp::from_second(1_690_879_016 + seconds).unwrap();
    let agent = AgentId { node: "n".to_owned(), pod: "p".to_owned() };
    let mut report = merge(ClosedRound {
        id: round(uid, number),
        task: task.to_owned(),
        spec: json!({ "request": { "qps": 10 } }),
        due: at(0),
        start: at(0),
        deadline: at(60),
        ended: at(12),
        assignments: Vec::new(),
        submitted: Vec::new(),
        lost: BTreeMap::new(),
        gaps: Vec::new(),
        sampling: None,
        interrupted: false,
        results_lost: None,
        not_begun: None,
        clock_offsets_us: BTreeMap::new(),
    });
    report.missing.push(netreach_report::MissingAgent { agent, why: "killed".to_owned() });
    report
}

fn kept(node: &str, pod: &str, late: bool) -> KeptResult {
    KeptResult {
        clock_ahead_us: None,
        agent: AgentId { node: node.to_owned(), pod: pod.to_owned() },
        late,
        result: AgentResult {
            version: VERSION,
            round: round("uid", 1),
            started_at_us: 1_690_879_016_000_000,
            elapsed_us: 10_000_000,
            interrupted: false,
            trouble: None,
            targets: Vec::new(),
            usage: Usage { cpu_max_percent: 2.5, ..Usage::default() },
        },
    }
}

fn opened(id: &RoundId) -> OpenedRound {
    let at = |seconds: i64| jiff::Timestamp::from_second(1_690_879_016 + seconds).unwrap();
    OpenedRound {
        task: "task".to_owned(),
        spec: json!({}),
        id: id.clone(),
        due: at(0),
        start: at(0),
        deadline: at(60),
        assignments: Vec::new(),
        absent: Vec::new(),
        gaps: Vec::new(),
        sampling: None,
        not_begun: None,
    }
}

/// Every file below `dir`, relative to it, sorted.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path.strip_prefix(dir).unwrap().to_owned())
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_closed_round_comes_back_from_another_store_on_the_same_directory() {
    let (dir, store) = open();
    let report = report("uid", 7, "task");
    assert_eq!(store.read_round(&report.id).unwrap(), None);
    assert_eq!(store.close_round(&report).unwrap(), Written::Now);
    assert_eq!(files(dir.path()), [Path::new("uid/rounds/7/closed")]);
    let again = Store::open_local(dir.path()).unwrap();
    assert_eq!(again.read_round(&report.id).unwrap(), Some(report));
}

#[test]
fn of_many_writers_one_closes_the_round_and_its_report_stays() {
    let (_dir, store) = open();
    let mut outcomes: Vec<(usize, Written)> = std::thread::scope(|scope| {
        let store = &store;
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                scope.spawn(move || store.close_round(&report("uid", 1, &format!("by-{writer}"))).unwrap())
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).enumerate().collect()
    });
    outcomes.retain(|(_, written)| *written == Written::Now);
    assert_eq!(outcomes.len(), 1);
    let stored = store.read_round(&round("uid", 1)).unwrap().unwrap();
    assert_eq!(stored.task, format!("by-{}", outcomes[0].0));
}

#[test]
fn rounds_are_listed_by_number_and_only_when_closed() {
    let (dir, store) = open();
    assert_eq!(store.list_rounds("uid").unwrap(), Vec::<u64>::new());
    for number in [10, 9, 100] {
        store.close_round(&report("uid", number, "task")).unwrap();
    }
    store.close_round(&report("other", 5, "task")).unwrap();
    store.keep_result(&kept("n", "p", false)).unwrap();
    fs::create_dir(dir.path().join("uid/rounds/lost+found")).unwrap();
    assert_eq!(store.list_rounds("uid").unwrap(), [9, 10, 100]);
}

#[test]
fn a_result_is_kept_once_and_not_again_when_late() {
    let (_dir, store) = open();
    let [b, a, late] = [kept("n2", "b", false), kept("n1", "a", false), kept("n1", "c", true)];
    for kept in [&b, &late, &a] {
        assert_eq!(store.keep_result(kept).unwrap(), Written::Now);
        assert_eq!(store.keep_result(kept).unwrap(), Written::Before);
    }
    assert_eq!(store.keep_result(&KeptResult { late: true, ..a.clone() }).unwrap(), Written::Before);
    assert_eq!(store.read_results(&round("uid", 1)).unwrap(), [a, b, late]);
    assert_eq!(store.read_results(&round("uid", 2)).unwrap(), []);
}

#[test]
fn who_has_handed_in_is_told_by_the_keys_alone() {
    let (dir, store) = open();
    let id = round("uid", 1);
    assert_eq!(store.kept_agents(&id).unwrap(), []);
    let results = [kept("n1", "a", false), kept("../x", "", false), kept("n1", "c", true)];
    for kept in &results {
        assert_eq!(store.keep_result(kept).unwrap(), Written::Now);
    }
    fs::write(dir.path().join("uid/rounds/1/results/n1/a"), "torn").unwrap();
    for other in ["results/stray", "results/n1/lost+found", "results/n1/n2/p"] {
        let path = dir.path().join("uid/rounds/1").join(other);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let mut agents = store.kept_agents(&id).unwrap();
    agents.sort();
    let mut expected = results.map(|kept| kept.agent);
    expected.sort();
    assert_eq!(agents, expected);
}

#[test]
fn of_a_settled_round_the_report_stays() {
    let (dir, store) = open();
    let id = round("uid", 1);
    store.open_round(&opened(&id)).unwrap();
    store.open_round(&opened(&round("uid", 2))).unwrap();
    store.keep_result(&kept("n", "p", false)).unwrap();
    store.keep_result(&kept("n", "late", true)).unwrap();
    store.close_round(&report("uid", 1, "task")).unwrap();
    store.settle_round(&id).unwrap();
    assert_eq!(files(dir.path()), ["uid/rounds/1/closed", "uid/rounds/2/opened"].map(Path::new));
    // Doing it again changes nothing, nor does it where there is nothing.
    store.settle_round(&id).unwrap();
    store.settle_round(&round("other", 1)).unwrap();
    assert_eq!((store.read_opened(&id).unwrap(), store.read_results(&id).unwrap()), (None, vec![]));
    assert_eq!(store.list_rounds("uid").unwrap(), [1]);
}

#[test]
fn every_netreach_of_which_anything_is_kept_is_told() {
    let (dir, store) = open();
    assert_eq!(store.uids().unwrap(), Vec::<String>::new());
    store.close_round(&report("uid-b", 1, "task")).unwrap();
    store.open_round(&opened(&round("../a", 3))).unwrap();
    store.keep_result(&kept("n", "p", false)).unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    fs::write(dir.path().join("stray"), "").unwrap();
    assert_eq!(store.uids().unwrap(), ["../a", "uid", "uid-b"]);
    store.forget("uid").unwrap();
    assert_eq!(store.uids().unwrap(), ["../a", "uid-b"]);
}

#[test]
fn it_is_noted_whose_records_are_to_outlive_them() {
    let (_dir, store) = open();
    let retained = || store.retained().unwrap().into_iter().collect::<Vec<_>>();
    store.set_retained("../a", false).unwrap();
    assert_eq!(retained(), Vec::<String>::new());
    store.set_retained("../a", true).unwrap();
    store.set_retained("../a", true).unwrap();
    store.close_round(&report("b", 1, "task")).unwrap();
    assert_eq!(
        (retained(), store.uids().unwrap()),
        (vec!["../a".to_owned()], vec!["../a".to_owned(), "b".to_owned()])
    );
    store.set_retained("b", true).unwrap();
    store.set_retained("../a", false).unwrap();
    assert_eq!(retained(), ["b"]);
    // Forgotten is all of it.
    store.forget("b").unwrap();
    assert_eq!((retained(), store.uids().unwrap()), (vec![], vec![]));
}

#[test]
fn names_that_climb_stay_inside_and_come_back_as_they_were() {
    let (dir, store) = open();
    let inside = dir.path().join("inside");
    let store_inside = Store::open_local(&inside).unwrap();
    drop(store);
    let climbing = kept("../../x", "..", false);
    store_inside.keep_result(&climbing).unwrap();
    store_inside.close_round(&report("../..", 1, "task")).unwrap();
    assert!(files(dir.path()).iter().all(|file| file.starts_with("inside")), "{:?}", files(dir.path()));
    assert_eq!(store_inside.read_results(&round("uid", 1)).unwrap(), [climbing]);
    assert_eq!(store_inside.list_rounds("../..").unwrap(), [1]);
}

#[test]
fn a_torn_object_is_an_error_that_names_it() {
    let (dir, store) = open();
    store.close_round(&report("uid", 1, "task")).unwrap();
    store.keep_result(&kept("n", "p", false)).unwrap();
    for (key, read) in [
        ("uid/rounds/1/closed", (|store| store.read_round(&round("uid", 1)).map(drop)) as fn(&Store) -> _),
        ("uid/rounds/1/results/n/p", |store| store.read_results(&round("uid", 1)).map(drop)),
    ] {
        let path = dir.path().join(key);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let error: StoreError = read(&store).unwrap_err();
        assert!(error.to_string().starts_with(&format!("could not understand {key}: ")), "{error}");
    }
}

#[test]
fn a_report_in_anothers_place_or_form_is_not_believed() {
    let (dir, store) = open();
    store.close_round(&report("uid", 1, "task")).unwrap();
    fs::create_dir_all(dir.path().join("uid/rounds/2")).unwrap();
    fs::copy(dir.path().join("uid/rounds/1/closed"), dir.path().join("uid/rounds/2/closed")).unwrap();
    let error = store.read_round(&round("uid", 2)).unwrap_err().to_string();
    assert!(error.contains("it holds round uid/1"), "{error}");
    let newer = RoundReport { version: 2, ..report("uid", 3, "task") };
    store.close_round(&newer).unwrap();
    let error = store.read_round(&newer.id).unwrap_err().to_string();
    assert!(error.contains("has form 2 (this build knows 1)"), "{error}");
}

#[test]
fn a_directory_that_cannot_be_used_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for unusable in [file.clone(), file.join("below")] {
        let error = Store::open_local(&unusable).unwrap_err().to_string();
        assert!(error.starts_with(&format!("could not keep reports in {} (", unusable.display())), "{error}");
        assert!(error.ends_with("; name a directory that this user may create and write to"), "{error}");
    }
    let new = dir.path().join("new/reports");
    Store::open_local(&new).unwrap();
    assert_eq!(files(&new), Vec::<PathBuf>::new());
}
