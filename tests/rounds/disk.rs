//! Disks that are slow, and disks that fail for a while.

use std::fs;

use jiff::SignedDuration;
use netreach_tests::{Program, net_reach, not_run};
use serde_json::json;

use super::ground::{Ground, condition, words};

/// Every sync takes so long, microseconds: more than a round's whole lead.
const SYNC_US: u32 = 400_000;
/// How far agents may begin from the round's start: by far less than the disk has taken.
const SKEW_MAX: SignedDuration = SignedDuration::from_millis(200);

/// A tracer that delays each sync of the program after it; none, with the reason told, where it cannot be had.
fn slowly() -> Option<Program> {
    let mut trial = std::process::Command::new("strace");
    let trial = trial.args(["-f", "--seccomp-bpf", "-o", "/dev/null", "true"]).output();
    let why = match trial {
        Ok(trial) if trial.status.success() => {
            let delay = format!("-e inject=fsync,fdatasync:delay_enter={SYNC_US}");
            // As a grandchild: what is started stays our child, and ends when we end it.
            let words = format!("-D -f --seccomp-bpf -o /dev/null -e trace=fsync,fdatasync {delay}");
            return Some(Program::at("strace").args(&words));
        }
        Ok(trial) => String::from_utf8_lossy(&trial.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    not_run(&format!("a slow disk: strace cannot be used: {why}"));
    None
}

#[test]
fn a_slow_disk_takes_nothing_of_the_lead() {
    let Some(starter) = slowly() else { return };
    let ground = Ground::new();
    let _manager = ground.manager_by(starter);
    ground.apply(&net_reach("task").lasting_s(2));
    let status = ground.await_finish("task");
    assert_eq!(status["lastRoundStatus"], "succeed", "{status}");
    let record = ground.record("task", 1);
    assert_eq!(record.agents.len(), 2);
    for agent in &record.agents {
        let skew = agent.started.duration_since(record.start).abs();
        println!("rounds: with syncs of {SYNC_US} us {} began {skew:?} from the start", agent.agent);
        assert!(skew <= SKEW_MAX, "{skew:?}");
        for target in &agent.targets {
            assert_eq!((target.sent(), target.unsent, target.statuses[&200]), (40, 0, 40), "{target:?}");
        }
    }
}

#[test]
fn a_disk_that_fails_for_a_while_costs_neither_a_round_nor_a_result() {
    let ground = Ground::new();
    let mut manager = ground.manager();
    ground.apply(&net_reach("task").lasting_s(4).with("/spec/suspend", true));
    ground.await_status("task", |status| status["conditions"].is_array());
    // A file in the place of a folder: nothing can be written below it.
    let folder = ground.store().join(ground.uid("task"));
    fs::write(&folder, "").unwrap();
    ground.edit("task", &json!({"suspend": false}));
    let status = ground.await_status("task", |status| words(status, "Ready").contains("could not write"));
    assert_eq!(
        (&status["doneRound"], condition(&status, "Ready")),
        (&json!(0), ("False", "Preparing")),
        "{status}"
    );
    assert_eq!(ground.events("task"), ["Preparing"]);
    fs::remove_file(&folder).unwrap();
    ground.await_status("task", |status| status["history"][0]["status"] == "ongoing");
    let results = folder.join("rounds/1/results");
    fs::write(&results, "").unwrap();
    manager.hear("a result could not be kept");
    fs::remove_file(&results).unwrap();
    let status = ground.await_finish("task");
    assert_eq!(
        (&status["doneRound"], &status["lastRoundStatus"]),
        (&json!(1), &json!("succeed")),
        "{status}"
    );
    assert_eq!(status["history"][0]["succeedAgentNodeNumber"], 2);
    assert_eq!(condition(&status, "Ready"), ("True", "Prepared"), "{status}");
}
