//! The store in a real directory.
#![allow(clippy::unwrap_used, reason = "tests")]

mod directory;
mod suite;

use std::fs;
use std::path::{Path, PathBuf};

use directory::{Directory, files};
use netreach_report::RoundReport;
use netreach_store::{KeptResult, Store, Written};
use suite::fixture::{kept, opened, report, round, verdict};

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_local(dir.path()).unwrap();
    (dir, store)
}

#[test]
fn one_closes_a_round() {
    suite::protocol::one_closes_a_round(&Directory::new());
}

#[test]
fn a_result_is_kept_once() {
    suite::protocol::a_result_is_kept_once(&Directory::new());
}

#[test]
fn epochs_rise() {
    suite::protocol::epochs_rise(&Directory::new());
}

#[test]
fn the_index_is_a_cache() {
    suite::rounds::the_index_is_a_cache(&Directory::new());
}

#[test]
fn retention() {
    suite::rounds::retention(&Directory::new());
}

#[test]
fn what_is_of_no_use_goes() {
    suite::rounds::what_is_of_no_use_goes(&Directory::new());
}

#[test]
fn the_gone_are_swept() {
    suite::rounds::the_gone_are_swept(&Directory::new());
}

#[test]
fn damage() {
    suite::damage::a_damaged_result_is_named(&Directory::new());
    suite::damage::a_damaged_result_is_kept_anew(&Directory::new());
    suite::damage::a_damaged_record_is_named(&Directory::new());
    suite::damage::a_damaged_object_is_an_error_that_names_it(&Directory::new());
}

#[test]
fn nothing_acknowledged_is_lost_by_a_crash() {
    let dir = Directory::in_memory();
    suite::crash::nothing_acknowledged_is_lost(&dir, "be_a_manager");
    let unfinished: Vec<_> =
        files(dir.path()).into_iter().filter(|file| file.to_string_lossy().contains('#')).collect();
    assert_eq!(unfinished, Vec::<PathBuf>::new());
}

#[test]
fn a_full_disk_is_said_and_passes() {
    directory::full::a_full_disk_is_said_and_passes("be_on_a_small_disk");
}

#[test]
fn an_acknowledged_write_is_synced() {
    directory::durable::an_acknowledged_write_is_synced("be_traced");
}

#[test]
fn a_thousand_rounds_are_listed_in_time() {
    directory::speed::a_thousand_rounds_are_listed_in_time();
}

/// Processes of their own of the tests above.
#[test]
fn be_a_manager() {
    suite::crash::be_a_manager();
}

#[test]
fn be_on_a_small_disk() {
    directory::full::be_on_a_small_disk();
}

#[test]
fn be_traced() {
    directory::durable::be_traced();
}

#[test]
fn a_closed_round_comes_back_from_another_store_on_the_same_directory() {
    let (dir, store) = open();
    let report = report("uid", 7, "task");
    assert_eq!(store.read_round(&report.id).unwrap(), None);
    assert_eq!(store.close_round(&report, &verdict()).unwrap(), Written::Now);
    assert_eq!(files(dir.path()), ["uid/first", "uid/rounds/7/closed"].map(Path::new));
    let again = Store::open_local(dir.path()).unwrap();
    assert_eq!(again.read_round(&report.id).unwrap(), Some(report));
}

#[test]
fn rounds_are_listed_by_number_and_only_when_closed() {
    let (dir, store) = open();
    assert_eq!(store.list_rounds("uid").unwrap(), Vec::<u64>::new());
    for number in [10, 9, 100] {
        store.close_round(&report("uid", number, "task"), &verdict()).unwrap();
    }
    store.close_round(&report("other", 5, "task"), &verdict()).unwrap();
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
    assert_eq!(store.read_results(&round("uid", 1)).unwrap().kept, [a, b, late]);
    assert_eq!(store.read_results(&round("uid", 2)).unwrap().kept, []);
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
    store.close_round(&report("uid", 1, "task"), &verdict()).unwrap();
    store.settle_round(&id).unwrap();
    assert_eq!(files(dir.path()), ["uid/first", "uid/rounds/1/closed", "uid/rounds/2/opened"].map(Path::new));
    // Doing it again changes nothing, nor does it where there is nothing.
    store.settle_round(&id).unwrap();
    store.settle_round(&round("other", 1)).unwrap();
    assert_eq!((store.read_opened(&id).unwrap(), store.read_results(&id).unwrap().kept), (None, vec![]));
    assert_eq!(store.list_rounds("uid").unwrap(), [1]);
}

#[test]
fn every_netreach_of_which_anything_is_kept_is_told() {
    let (dir, store) = open();
    assert_eq!(store.uids().unwrap(), Vec::<String>::new());
    store.close_round(&report("uid-b", 1, "task"), &verdict()).unwrap();
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
    store.close_round(&report("b", 1, "task"), &verdict()).unwrap();
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
    store_inside.close_round(&report("../..", 1, "task"), &verdict()).unwrap();
    assert!(files(dir.path()).iter().all(|file| file.starts_with("inside")), "{:?}", files(dir.path()));
    assert_eq!(store_inside.read_results(&round("uid", 1)).unwrap().kept, [climbing]);
    assert_eq!(store_inside.list_rounds("../..").unwrap(), [1]);
}

#[test]
fn a_report_in_anothers_place_or_form_is_not_believed() {
    let (dir, store) = open();
    store.close_round(&report("uid", 1, "task"), &verdict()).unwrap();
    fs::create_dir_all(dir.path().join("uid/rounds/2")).unwrap();
    fs::copy(dir.path().join("uid/rounds/1/closed"), dir.path().join("uid/rounds/2/closed")).unwrap();
    let error = store.read_round(&round("uid", 2)).unwrap_err().to_string();
    assert!(error.contains("it is that of round uid/1"), "{error}");
    assert!(dir.path().join("quarantine/uid/rounds/2/closed").is_file());
    let newer = RoundReport { version: 2, ..report("uid", 3, "task") };
    store.close_round(&newer, &verdict()).unwrap();
    let error = store.read_round(&newer.id).unwrap_err().to_string();
    assert!(error.contains("has form 2 (this build knows 1)"), "{error}");
    // It is whole, and of use to the release that wrote it.
    assert!(dir.path().join("uid/rounds/3/closed").is_file());
    let damaged = store.summaries("uid").unwrap().damaged;
    assert_eq!(damaged.iter().map(|round| round.number).collect::<Vec<_>>(), [2, 3]);
    assert!(damaged[1].damaged.why.contains("has form 2") && damaged[1].damaged.moved_to.is_none());
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
