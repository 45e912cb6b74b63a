//! `netreach run` beside a real API server, where each test plays the manager.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

use std::fs;
use std::sync::LazyLock;
use std::time::Duration;

use netreach_tests::{ControlPlane, Kubectl, Program, Running, Spec, ends, net_reach, root};
use serde_json::{Value, json};

/// A server that knows NetReach and has no reports.
static BARE: LazyLock<Ground> = LazyLock::new(|| Ground::new(ControlPlane::start()));
/// One that has reports: those that a test puts there. To a client they look like those of the aggregated API.
static WITH_REPORTS: LazyLock<Ground> = LazyLock::new(|| {
    let ground = Ground::new(ControlPlane::start());
    let applied = ground.kubectl.apply(&reports_kind().to_string());
    assert_eq!(applied.code, 0, "{}", applied.err);
    ground.kubectl.await_ok("get kdoctorreports");
    ground
});

struct Ground {
    plane: ControlPlane,
    kubectl: Kubectl,
}

impl Ground {
    fn new(plane: ControlPlane) -> Self {
        let kubectl = plane.admin();
        kubectl.ok("apply -f config/crd/bases");
        // The last that follows: OpenAPI.
        kubectl.await_ok("explain nr.spec");
        Self { plane, kubectl }
    }

    fn run(&self, args: &str, spec: &Spec) -> Program {
        netreach(args, spec).env("KUBECONFIG", self.plane.admin_kubeconfig())
    }

    /// Writes a status, as the manager would.
    fn status(&self, name: &str, status: &Value) {
        let patch = json!({"status": status}).to_string();
        let call = format!("patch netreach {name} --subresource=status --type=merge -p");
        let patched = self.kubectl.call(&call).arg(patch).run();
        assert_eq!(patched.code, 0, "{}", patched.err);
    }

    /// Puts the golden report there as that of this round.
    fn report(&self, name: &str, round: u64) {
        let golden = fs::read_to_string(root().join("src/report/tests/data/report.json")).unwrap();
        let mut report: Value = serde_json::from_str(&golden).unwrap();
        report["metadata"] = json!({"name": format!("netreach-{name}")});
        report["spec"]["TaskName"] = name.into();
        report["spec"]["ReportRoundNumber"] = round.into();
        let applied =
            self.kubectl.call("apply --server-side --force-conflicts -f -").input(report.to_string()).run();
        assert_eq!(applied.code, 0, "{}", applied.err);
    }

    fn is_there(&self, name: &str) -> bool {
        self.kubectl.run(&format!("get netreach {name}")).code == 0
    }
}

fn netreach(args: &str, spec: &Spec) -> Program {
    Program::at(env!("CARGO_BIN_EXE_netreach")).args("run -f -").args(args).input(spec.yaml())
}

fn reports_kind() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "kdoctorreports.system.kdoctor.io"},
        "spec": {
            "group": "system.kdoctor.io",
            "scope": "Cluster",
            "names": {"plural": "kdoctorreports", "singular": "kdoctorreport", "kind": "KdoctorReport"},
            "versions": [{
                "name": "v1beta1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

fn round(number: u64, status: &str, why: Option<&str>) -> Value {
    json!({
        "roundNumber": number, "status": status, "failureReason": why, "expectedActorNumber": 3,
        "startTimeStamp": "2023-08-01T08:36:56Z", "deadLineTimeStamp": "2123-08-01T08:37:56Z",
        "failedAgentNodeList": [], "notReportAgentNodeList": [], "succeedAgentNodeList": [],
    })
}

fn status(finish: bool, history: &[Value]) -> Value {
    json!({"finish": finish, "history": history})
}

/// Until it has been created; nothing is told of it yet.
fn created(running: &mut Running, name: &str) {
    running.hear(&format!("NetReach {name} is created"));
}

#[test]
fn a_round_is_followed_to_its_end_and_told_from_the_status_where_there_are_no_reports() {
    let mut running =
        BARE.run("--rounds 1", &net_reach("plain").with("/spec/schedule/roundNumber", 7)).start();
    running.hear("in context ");
    created(&mut running, "plain");
    let object = BARE.kubectl.get("netreach plain");
    assert_eq!(object["spec"]["schedule"]["roundNumber"], 1);
    let lacking = json!({
        "type": "Ready", "status": "False", "reason": "Preparing", "message": "1 of 3 agent pods are there",
        "lastTransitionTime": "2023-08-01T08:36:56Z",
    });
    BARE.status("plain", &json!({"finish": false, "conditions": [lacking]}));
    running.hear("waiting for agents: 1 of 3 agent pods are there");
    BARE.status("plain", &status(false, &[round(1, "ongoing", None)]));
    running.hear("round 1/1: 3 agents send 20 requests/s to each of their targets for 1 s");
    BARE.status("plain", &status(true, &[round(1, "succeed", None)]));
    running.hear("round 1/1 has ended: succeed");
    let finished = running.finish();
    ends(&finished, 0, &["could not get its report: the aggregated API of reports is not installed"]);
    assert_eq!(finished.out, "");
    assert!(!BARE.is_there("plain"));
}

#[test]
fn reports_are_waited_for_shown_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let ground = &*WITH_REPORTS;
    let spec = net_reach("shown").with("/spec/schedule/roundNumber", 2);
    let mut running = ground.run("-o json --report", &spec).arg(dir.path()).start();
    created(&mut running, "shown");
    ground.report("shown", 1);
    let failed = round(1, "fail", Some("SuccessRate: 97 of 100"));
    ground.status("shown", &status(false, std::slice::from_ref(&failed)));
    running.hear("round 1/2 has ended: fail: SuccessRate: 97 of 100");
    // The status is there first, the report a moment later.
    ground.status("shown", &status(true, &[round(2, "succeed", None), failed]));
    running.hear("round 2/2 has ended: succeed");
    ground.report("shown", 2);
    let finished = running.finish();
    ends(&finished, 1, &[]);
    assert!(!finished.err.contains("could not get"), "{}", finished.err);
    let documents: Vec<Value> =
        serde_json::Deserializer::from_str(&finished.out).into_iter().map(Result::unwrap).collect();
    let numbers: Vec<_> = documents.iter().map(|one| &one["spec"]["ReportRoundNumber"]).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(documents[0]["spec"]["Report"].as_array().unwrap().len(), 2);
    let mut files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 2, "{files:?}");
    for (file, document) in files.iter().zip(&documents) {
        let kept: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(kept, *document);
    }
    assert!(!ground.is_there("shown"));
}

#[test]
fn tables_are_those_of_a_local_run_and_missed_rounds_have_none() {
    let ground = &*WITH_REPORTS;
    let spec = net_reach("told").with("/spec/schedule/roundNumber", 2);
    let mut running = ground.run("--keep --name table", &spec).start();
    created(&mut running, "table");
    ground.report("table", 1);
    let mut missed = round(2, "fail", Some("Missed: round 2 could not be started in time"));
    missed["missedRoundNumber"] = 1.into();
    ground.status("table", &status(true, &[missed, round(1, "succeed", None)]));
    let finished = running.finish();
    ends(&finished, 1, &["round 2/2: Missed: round 2 could not be started in time; there is no report"]);
    assert!(finished.out.starts_with("AGENT "), "{}", finished.out);
    assert!(finished.out.contains("Round 1 of 3 of NetReach table: FAIL"), "{}", finished.out);
    // Kept, as was asked for.
    assert!(finished.err.contains("kubectl delete netreach table deletes it"), "{}", finished.err);
    ground.kubectl.ok("delete netreach table");
    assert!(!ground.is_there("told"));
}

#[test]
fn a_name_that_is_taken_is_left_alone() {
    let there = net_reach("taken").with("/spec/request/qps", 7);
    assert_eq!(BARE.kubectl.apply(&there.yaml()).code, 0);
    let finished = BARE.run("", &net_reach("taken")).run();
    ends(&finished, 3, &["there is one of that name", "kubectl delete netreach taken", "--name"]);
    assert_eq!(BARE.kubectl.get("netreach taken")["spec"]["request"]["qps"], 7);
}

#[test]
fn ctrl_c_deletes_what_was_created() {
    let spec = net_reach("cut").with("/spec/schedule/roundNumber", -1);
    let mut running = BARE.run("", &spec).start();
    created(&mut running, "cut");
    BARE.status("cut", &status(false, &[round(2, "ongoing", None), round(1, "succeed", None)]));
    running.hear("round 2: 3 agents send");
    running.signal("INT", running.pid());
    ends(&running.finish(), 1, &["interrupted"]);
    assert!(!BARE.is_there("cut"));
    let mut kept = BARE.run("--keep", &net_reach("kept")).start();
    created(&mut kept, "kept");
    kept.signal("TERM", kept.pid());
    ends(&kept.finish(), 1, &["interrupted", "NetReach kept is still there"]);
    assert!(BARE.is_there("kept"));
}

#[test]
fn one_that_somebody_else_deletes_ends_the_run() {
    let mut running = BARE.run("", &net_reach("gone")).start();
    created(&mut running, "gone");
    BARE.kubectl.ok("delete netreach gone");
    ends(&running.finish(), 1, &["was deleted by somebody else"]);
}

#[test]
fn a_manager_that_says_nothing_is_told_of() {
    let mut running = BARE.run("", &net_reach("silent")).start();
    created(&mut running, "silent");
    running.hear("kubectl -n netreach-system get pods");
    running.signal("INT", running.pid());
    let finished = running.finish();
    ends(&finished, 1, &[]);
    assert!(finished.took >= Duration::from_secs(30), "{:?}", finished.took);
}

#[test]
fn a_spec_that_the_cluster_refuses_is_bad_input() {
    let mut running = BARE.run("", &net_reach("refused")).start();
    created(&mut running, "refused");
    let invalid = json!({
        "type": "Ready", "status": "False", "reason": "InvalidSpec", "message": "spec.request.qps: no",
        "lastTransitionTime": "2023-08-01T08:36:56Z",
    });
    BARE.status("refused", &json!({"finish": false, "conditions": [invalid]}));
    ends(&running.finish(), 2, &["the manager refuses NetReach refused: spec.request.qps: no"]);
    assert!(!BARE.is_there("refused"));
}

#[test]
fn without_the_right_to_create_the_role_is_named() {
    let kubeconfig = BARE.plane.user_kubeconfig("somebody", &[]);
    let finished = netreach("", &net_reach("forbidden")).env("KUBECONFIG", kubeconfig).run();
    ends(&finished, 3, &["User \"somebody\" cannot create resource", "netreach-editor"]);
}

#[test]
fn where_netreach_is_not_installed_the_way_to_install_it_is_told() {
    let plane = ControlPlane::start();
    let run = netreach("", &net_reach("early")).env("KUBECONFIG", plane.admin_kubeconfig());
    ends(&run.run(), 3, &["NetReach is not installed in this cluster", "kubectl apply -k config/default"]);
}
