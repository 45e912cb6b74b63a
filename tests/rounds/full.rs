//! A file system that has no space left.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use netreach_tests::{net_reach, not_run};
use serde_json::json;
use tempfile::TempDir;

use super::ground::{Ground, condition, words};

/// Bytes of the file system: room for hundreds of small rounds.
const SIZE: &str = "size=4m";
/// What everybody hears who wants to write there.
const NO_SPACE: &str = "no space is left";

/// A file system of its own; unmounted when dropped.
struct Small(TempDir);

impl Small {
    /// One that a ground's records are kept in; none, with the reason told, where nothing can be mounted.
    fn below(ground: &Ground) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "netreach-test"]).arg(dir.path()).output();
        let why = match mount {
            Ok(mounted) if mounted.status.success() => {
                let small = Self(dir);
                fs::create_dir(small.0.path().join("store")).unwrap();
                symlink(small.0.path().join("store"), ground.store()).unwrap();
                return Some(small);
            }
            Ok(refused) => String::from_utf8_lossy(&refused.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        not_run(&format!("a full disk: nothing can be mounted: {why}"));
        None
    }

    fn filling(&self) -> PathBuf {
        self.0.path().join("filling")
    }

    /// Takes up all space that is left, to the last byte.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.filling()).unwrap();
        for size in [1 << 16, 1] {
            let error =
                std::iter::repeat_with(|| file.write_all(&vec![0; size])).find_map(Result::err).unwrap();
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        }
    }

    fn free(&self) {
        fs::remove_file(self.filling()).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there is about to end.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z')))
}

#[test]
fn a_round_that_the_disk_has_no_space_for_is_unknown_and_the_next_one_with_space_succeeds() {
    let ground = Ground::new();
    let Some(small) = Small::below(&ground) else { return };
    let mut manager = ground.manager();
    ground.apply(&net_reach("task").lasting_s(4).with("/spec/schedule/roundNumber", 2));
    ground.await_status("task", |status| status["history"][0]["status"] == "ongoing");
    small.fill();
    manager.hear("a result could not be kept");
    // As long as it is not the deadline, space may come back: both agents offer theirs until then.
    ground.kubectl.ok("wait nr/task --for=jsonpath={.status.lastRoundStatus}=unknown --timeout=90s");
    let status = ground.await_status("task", |status| status["doneRound"] == 1);
    small.free();
    let round = status["history"].as_array().unwrap().iter().find(|round| round["roundNumber"] == 1).unwrap();
    let reason = round["failureReason"].as_str().unwrap();
    println!("rounds: on a full disk: {reason}");
    assert!(reason.starts_with("Unknown: ") && reason.contains(NO_SPACE), "{status}");
    assert_eq!(round["status"], "fail", "{status}");
    assert!(is_running(manager.pid()));

    let status = ground.await_complete("task");
    assert_eq!(
        (&status["doneRound"], &status["lastRoundStatus"]),
        (&json!(2), &json!("succeed")),
        "{status}"
    );
    assert_eq!(status["history"][0]["succeedAgentNodeNumber"], 2, "{status}");
    assert_eq!(ground.record("task", 2).agents.len(), 2);
    assert!(is_running(manager.pid()));
}

#[test]
fn a_round_waits_for_space_on_the_disk_and_says_so() {
    let ground = Ground::new();
    let Some(small) = Small::below(&ground) else { return };
    let manager = ground.manager();
    small.fill();
    ground.apply(&net_reach("task"));
    let status = ground.await_status("task", |status| words(status, "Ready").contains(NO_SPACE));
    assert_eq!(condition(&status, "Ready"), ("False", "Preparing"), "{status}");
    assert_eq!(status["doneRound"], 0, "{status}");
    assert_eq!(ground.events("task"), ["Preparing"]);
    small.free();
    let status = ground.await_finish("task");
    assert_eq!(status["lastRoundStatus"], "succeed", "{status}");
    assert_eq!(condition(&status, "Ready"), ("True", "Prepared"), "{status}");
    assert_eq!(ground.record("task", 1).agents.len(), 2);
    assert!(is_running(manager.pid()));
}
