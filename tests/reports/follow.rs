//! What becomes of reports, as whoever watches them hears of it.

use jiff::Timestamp;
use netreach_tests::{Finished, Running, net_reach};
use serde_json::{Value, json};

use super::ground::Ground;

const REPORTS: &str = "/apis/system.kdoctor.io/v1beta1/kdoctorreports";

/// The words of every event that kubectl has printed until the manager was told to end: then its watch is over.
fn heard(manager: &Running, watch: Running) -> Vec<String> {
    manager.signal("TERM", manager.pid());
    let Finished { code, out, err, .. } = watch.finish();
    assert_eq!(code, 0, "{err}");
    out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn version(list: &Value) -> u64 {
    list["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_report_comes_with_its_round_changes_with_its_netreach_and_goes_with_it() {
    let ground = Ground::new();
    let manager = ground.manager();
    let _api = ground.publish_reports();
    let columns = "EVENT:.type,TASK:.object.spec.TaskName,TEAM:.object.metadata.labels.team,STATUS:.object.spec.Status,VERDICT:.object.spec.Verdict";
    let words =
        format!("get kdoctorreports --watch --output-watch-events --no-headers -o custom-columns={columns}");
    let watch = ground.kubectl.call(&words).start();
    let retained = json!({"kdoctor.io/retain-reports": "true"});
    ground.apply(&net_reach("task").with("/metadata/annotations", retained));
    ground.await_finish("task");
    ground
        .kubectl
        .await_object("kdoctorreport netreach-task", |report| report["spec"]["Status"] == "Finished");
    let record = ground.record("task", 1);
    let uid = ground.uid("task");
    let report = ground.kubectl.get("kdoctorreport netreach-task");
    let created: Timestamp = report["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
    assert_eq!(created.as_second(), record.ended.as_second());
    assert_ne!(report["metadata"]["uid"], uid, "two objects of one uid are one to the garbage collector");
    ground.kubectl.ok("label netreach task team=net");
    ground
        .kubectl
        .await_object("kdoctorreport netreach-task", |report| report["metadata"]["labels"]["team"] == "net");
    ground.kubectl.ok("delete netreach task");
    ground.kubectl.await_that("get kdoctorreports -o name", |finished| finished.out.is_empty());
    // What it asked to be kept is there for whoever knows its uid: its own or its report's.
    for uid in [&uid, report["metadata"]["uid"].as_str().unwrap()] {
        let rounds = ground
            .kubectl
            .call("get --raw")
            .arg(format!("{REPORTS}/netreach-task/rounds?uid={uid}"))
            .run()
            .json();
        assert_eq!(rounds["items"].as_array().unwrap().len(), 1, "{rounds}");
        let path = format!("{REPORTS}/netreach-task/rounds/last?uid={uid}");
        let last = ground.kubectl.call("get --raw").arg(path).run().json();
        assert_eq!(
            (&last["spec"]["Status"], &last["spec"]["Report"]),
            (&json!("Finished"), &report["spec"]["Report"])
        );
    }
    // A namesake is another report.
    ground.apply(&net_reach("task"));
    ground.await_finish("task");
    let namesake =
        ground.kubectl.await_object("kdoctorreport netreach-task", |one| one["spec"]["Status"] == "Finished");
    assert_ne!(namesake["metadata"]["uid"], report["metadata"]["uid"]);
    let path = format!("{REPORTS}/netreach-task/rounds");
    let rounds = ground.kubectl.call("get --raw").arg(path).run().json();
    let uids: Vec<_> = rounds["items"].as_array().unwrap().iter().map(|round| &round["Uid"]).collect();
    assert_eq!(uids, [&ground.uid("task")]);
    let all = [
        "ADDED task <none> NotFinished succeed",
        "MODIFIED task <none> Finished succeed",
        "MODIFIED task net Finished succeed",
        "DELETED task net Finished succeed",
        "ADDED task <none> NotFinished succeed",
        "MODIFIED task <none> Finished succeed",
    ];
    assert_eq!(heard(&manager, watch), all);
}

#[test]
fn versions_rise_from_one_manager_to_the_next_also_when_its_volume_is_lost() {
    let ground = Ground::new();
    let _api;
    let before = {
        let _manager = ground.manager();
        _api = ground.publish_reports();
        ground.apply(&net_reach("task"));
        ground.await_finish("task");
        version(&ground.kubectl.call("get --raw").arg(REPORTS).run().json())
    };
    for is_lost in [false, true] {
        if is_lost {
            std::fs::remove_dir_all(ground.store()).unwrap();
        }
        let _manager = ground.manager();
        let list = serde_json::from_str::<Value>(
            &ground.kubectl.await_that(&format!("get --raw {REPORTS}"), |one| one.code == 0),
        );
        let list = list.unwrap();
        assert!(version(&list) > before, "{list}");
        assert_eq!(list["items"].as_array().unwrap().len(), usize::from(!is_lost), "{list}");
        let path = format!("{REPORTS}?watch=true&timeoutSeconds=5&resourceVersion={before}");
        let refused = ground.kubectl.call("get --raw").arg(path).run();
        assert!(refused.out.contains("is too old: changes are known since"), "{refused:?}");
    }
}
