//! A disk that is full: said so, with nothing left behind, until there is room again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netreach_store::{Store, StoreError, Written};

use super::{again, files};
use crate::suite::fixture::{agent, kept_of, report, round, verdict};

/// Says to a test process where a small disk of its own is.
const DISK: &str = "NETREACH_STORE_SMALL_DISK";

/// Mounts a disk of 512 KiB where nobody else sees it, and has [`be_on_a_small_disk`] run on it by the test function of
/// this name.
pub(crate) fn a_full_disk_is_said_and_passes(test: &str) {
    let dir = tempfile::tempdir().unwrap();
    const MOUNT: &str = "mount -t tmpfs -o size=512k,nr_inodes=400 none \"$0\"";
    let namespace = ["unshare", "--mount", "sh", "-c"];
    let mounts = Command::new(namespace[0]).args(&namespace[1..]).arg(MOUNT).arg(dir.path()).output();
    if !mounts.as_ref().is_ok_and(|mounts| mounts.status.success()) {
        println!("NOT RUN: no disk can be mounted here ({mounts:?}); be root, with CAP_SYS_ADMIN");
        return;
    }
    let dir = dir.path().to_str().unwrap();
    let script = format!("{MOUNT} && exec \"$@\"");
    let mut command = again(&[&namespace[..], &[&script, dir]].concat(), test);
    let said = command.env(DISK, dir).output().unwrap();
    let out = String::from_utf8_lossy(&said.stdout);
    let err = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && out.contains("it passed"), "{out}\n{err}");
}

/// What is tried there. In a process that has no such disk, nothing.
pub(crate) fn be_on_a_small_disk() {
    let Some(dir) = std::env::var_os(DISK).map(PathBuf::from) else { return };
    let store = Store::open_local(&dir).unwrap();
    let id = round("uid", 1);
    let fill = |number: u32| {
        let mut kept = kept_of(&id, agent(&format!("n{number}"), "p"), false);
        // Figures that no compression makes smaller.
        let mut random = fastrand::Rng::with_seed(u64::from(number));
        kept.result.trouble = Some((0..40_000).map(|_| random.alphanumeric()).collect());
        store.keep_result(&kept)
    };
    let (error, kept) = fill_up(fill);
    check(&error, "could not write uid/rounds/1/results/n", &dir);
    // Smaller ones as well, until not a byte is left.
    let small = |number: u32| store.keep_result(&kept_of(&id, agent(&format!("s{number}"), "p"), false));
    let (error, small_kept) = fill_up(small);
    check(&error, "could not write uid/rounds/1/results/s", &dir);
    check(
        &store.close_round(&report("uid", 1, "task"), &verdict()).unwrap_err(),
        "could not write uid/rounds/1/closed",
        &dir,
    );

    let unfinished: Vec<_> =
        files(&dir).into_iter().filter(|file| file.to_string_lossy().contains('#')).collect();
    assert_eq!(unfinished, Vec::<PathBuf>::new());
    // Whoever comes now can read all that was kept.
    let again = Store::open_local(&dir).unwrap();
    let results = again.read_results(&id).unwrap();
    assert_eq!((results.kept.len(), results.damaged.len()), (kept + small_kept, 0));

    // With room again, the very same store goes on.
    for node in ["n0", "n1"] {
        fs::remove_dir_all(dir.join("uid/rounds/1/results").join(node)).unwrap();
    }
    let written = store.close_round(&report("uid", 1, "task"), &verdict()).unwrap();
    assert_eq!(written, Written::Now);
    assert_eq!(store.summaries("uid").unwrap().rounds.len(), 1);
    assert_eq!(fill(0).unwrap(), Written::Now);
    println!("it passed");
}

/// Writes until it fails. Gives why, and how many there were before.
fn fill_up(mut write: impl FnMut(u32) -> Result<Written, StoreError>) -> (StoreError, usize) {
    for number in 0..1_000 {
        match write(number) {
            Ok(written) => assert_eq!(written, Written::Now),
            Err(error) => return (error, usize::try_from(number).unwrap()),
        }
    }
    panic!("the disk is larger than it should be")
}

fn check(error: &StoreError, expected: &str, dir: &Path) {
    assert!(error.is_full() && !error.is_away(), "{error}");
    let said = error.to_string();
    let end = format!(": no space is left in {}; make room there, later calls will succeed", dir.display());
    assert!(said.starts_with(expected) && said.ends_with(&end), "{said}");
}
