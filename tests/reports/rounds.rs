//! The rounds of a report, in all and in part.

use serde_json::{Value, json};

use super::calls::GROUP;
use super::said::Said;
use super::shelf::Shelf;

#[test]
fn of_a_round_is_shown_what_is_asked_for() {
    let shelf = Shelf::new();
    let kubectl = &shelf.ground.kubectl;
    let object = kubectl.get("kdoctorreport netreach-beta");
    let round = |path: &str| {
        let path = format!("{GROUP}/kdoctorreports/netreach-beta/rounds/{path}");
        kubectl.call("get --raw").arg(path).run().json()
    };
    // The newest round, asked for as a round, says what the object says.
    for path in ["3", "last"] {
        assert_eq!(round(path)["spec"], object["spec"], "{path}");
    }
    let agents = |document: &Value| document["spec"]["Report"].as_array().unwrap().clone();
    let all = agents(&object);
    assert_eq!(agents(&round("3?node=node-1")), all[..1]);
    assert_eq!(agents(&round("3?node=node-2")), all[1..]);
    assert_eq!(round("2?node=node-2")["spec"]["AgentsMissing"][0]["PodName"], "agent-node-2");
    assert_eq!(round("2?node=node-1")["spec"]["AgentsMissing"], json!([]));
    // Of the other agents nothing met the conditions, and of that one half did.
    let mut failed = all[1].clone();
    let half = failed["NetReachTask"]["Detail"].as_array_mut().unwrap();
    half.retain(|detail| detail["Succeed"] == false);
    assert_eq!(half.len(), 1);
    for query in ["failed=true", "failed=true&family=clusterIp", "failed=true&node=node-2"] {
        assert_eq!(agents(&round(&format!("3?{query}"))), std::slice::from_ref(&failed), "{query}");
    }
    assert!(agents(&round("3?failed=true&family=podIp")).is_empty());
    let families = agents(&round("1?family=endpoint"));
    let details = families.iter().flat_map(|agent| agent["NetReachTask"]["Detail"].as_array().unwrap());
    let names: Vec<_> = details.map(|detail| detail["TargetName"].as_str().unwrap()).collect();
    assert_eq!(names, ["AgentPodV4IP_agent-node-1_10.0.0.1"; 2]);
}

/// Calls for rounds. `token` goes on with those of `beta` that failed.
pub(crate) fn all(said: &mut Said<'_>, token: &str) {
    let at = |path: &str| format!("get --raw {GROUP}/kdoctorreports/{path}");
    said.says(&at("netreach-beta/rounds"), r#"{"kind":"KdoctorReportRoundList","apiVersion":"system.kdoctor.io/v1beta1","metadata":{"resourceVersion":"<version>"},"items":[{"RoundNumber":3,"Verdict":"fail","StartTimeStamp":"2026-01-02T10:20:00Z","EndTimeStamp":"2026-01-02T10:20:12Z","AgentNumber":2,"FailedNodeNumber":1,"MissingAgentNumber":0,"LateAgentNumber":0,"WorstP99InMs":450,"Uid":"<uid of beta>"},{"RoundNumber":2,"Verdict":"fail","StartTimeStamp":"2026-01-02T10:10:00Z","EndTimeStamp":"2026-01-02T10:10:12Z","AgentNumber":2,"FailedNodeNumber":1,"MissingAgentNumber":1,"LateAgentNumber":0,"WorstP99InMs":3,"Uid":"<uid of beta>"},{"RoundNumber":1,"Verdict":"succeed","StartTimeStamp":"2026-01-02T10:00:00Z","EndTimeStamp":"2026-01-02T10:00:12Z","AgentNumber":2,"FailedNodeNumber":0,"MissingAgentNumber":0,"LateAgentNumber":0,"WorstP99InMs":3,"Uid":"<uid of beta>"}]}"#);
    said.says(&at("netreach-beta/rounds?limit=1&failed=true"), r#"{"kind":"KdoctorReportRoundList","apiVersion":"system.kdoctor.io/v1beta1","metadata":{"resourceVersion":"<version>","continue":"<token>","remainingItemCount":1},"items":[{"RoundNumber":3,"Verdict":"fail","StartTimeStamp":"2026-01-02T10:20:00Z","EndTimeStamp":"2026-01-02T10:20:12Z","AgentNumber":2,"FailedNodeNumber":1,"MissingAgentNumber":0,"LateAgentNumber":0,"WorstP99InMs":450,"Uid":"<uid of beta>"}]}"#);
    said.says(&at(&format!("netreach-beta/rounds?limit=1&failed=true&continue={token}")), r#"{"kind":"KdoctorReportRoundList","apiVersion":"system.kdoctor.io/v1beta1","metadata":{"resourceVersion":"<version>"},"items":[{"RoundNumber":2,"Verdict":"fail","StartTimeStamp":"2026-01-02T10:10:00Z","EndTimeStamp":"2026-01-02T10:10:12Z","AgentNumber":2,"FailedNodeNumber":1,"MissingAgentNumber":1,"LateAgentNumber":0,"WorstP99InMs":3,"Uid":"<uid of beta>"}]}"#);
    said.says(&at("netreach-gamma/rounds/1"), r#"{"apiVersion":"system.kdoctor.io/v1beta1","kind":"KdoctorReport","metadata":{"name":"netreach-gamma","uid":"<uid of netreach-gamma>","creationTimestamp":"2026-01-02T10:00:12Z"},"spec":{"TaskName":"gamma","TaskType":"NetReach","RoundNumber":5,"ReportRoundNumber":1,"FinishedRoundNumber":1,"FailedRoundNumber":[1],"Status":"NotFinished","Verdict":"unknown","FailureReasons":[{"Code":"Unknown","Message":"the results cannot be judged: the disk is gone"}],"AgentsMissing":[],"AgentsLate":[],"Gaps":[],"Interrupted":false,"Report":[]}}"#);
    said.says(&at("netreach-beta/rounds/2?node=node-9"), r#"{"apiVersion":"system.kdoctor.io/v1beta1","kind":"KdoctorReport","metadata":{"name":"netreach-beta","uid":"<uid of netreach-beta>","creationTimestamp":"2026-01-02T10:10:12Z"},"spec":{"TaskName":"beta","TaskType":"NetReach","RoundNumber":-1,"ReportRoundNumber":2,"FinishedRoundNumber":3,"FailedRoundNumber":[2,3],"Status":"NotFinished","Verdict":"fail","FailureReasons":[],"AgentsMissing":[],"AgentsLate":[],"Gaps":[],"Interrupted":false,"DetectionPower":{"FreshConnections":20,"Loss":0.139108,"Confidence":0.95},"Report":[]}}"#);
    said.refuses(&at("netreach-beta/rounds/9"), r#"Error from server (NotFound): kdoctorreports.system.kdoctor.io "netreach-beta" not found: there is no round 9, or it is no longer kept"#);
    said.refuses(&at("netreach-beta/rounds/1?uid=other"), r#"Error from server (NotFound): kdoctorreports.system.kdoctor.io "netreach-beta" not found: there is no round 1 of uid "other", or it is no longer kept"#);
    said.refuses(
        &at("netreach-none/rounds"),
        r#"Error from server (NotFound): kdoctorreports.system.kdoctor.io "netreach-none" not found"#,
    );
    said.refuses(&at("netreach-beta/rounds?node=node-1"), r#"Error from server (BadRequest): rounds cannot be asked for by "node" (by uid, failed, limit, continue it can)"#);
    said.refuses(&at("netreach-beta/rounds/1?family=pods"), r#"Error from server (BadRequest): family="pods" cannot be understood (podIp, multusIp, clusterIp, nodePort, loadBalancer, ingress are)"#);
    said.refuses(
        &at("netreach-beta/status"),
        "Error from server (NotFound): the server could not find the requested resource",
    );
}
