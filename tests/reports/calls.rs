//! A session of kubectl: every way to look at reports, and what is refused.

use super::said::Said;
use super::shelf::Shelf;
use super::{explained, rounds};

/// Where reports are asked for by path.
pub(crate) const GROUP: &str = "/apis/system.kdoctor.io/v1beta1";

#[test]
fn every_call_says_word_for_word_what_it_should() {
    let shelf = Shelf::new();
    let ground = &shelf.ground;
    let mut said = Said::by(&ground.kubectl);
    for name in ["alpha", "beta", "gamma"] {
        said.known(&ground.uid(name), &format!("<uid of {name}>"));
        let report = ground.kubectl.get(&format!("kdoctorreport netreach-{name}"));
        said.known(report["metadata"]["uid"].as_str().unwrap(), &format!("<uid of netreach-{name}>"));
        said.known(report["metadata"]["resourceVersion"].as_str().unwrap(), "<version>");
    }
    let list = ground.kubectl.call("get --raw").arg(format!("{GROUP}/kdoctorreports")).run().json();
    said.known(list["metadata"]["resourceVersion"].as_str().unwrap(), "<version>");
    let page = format!("{GROUP}/kdoctorreports/netreach-beta/rounds?failed=true&limit=1");
    let page = ground.kubectl.call("get --raw").arg(page).run().json();
    let token = page["metadata"]["continue"].as_str().unwrap();
    said.known(token, "<token>");
    lists(&mut said);
    columns(&mut said);
    selections(&mut said);
    objects(&mut said);
    described(&mut said);
    rounds::all(&mut said, token);
    writes(&mut said);
    explained::all(&mut said);
    let calls = said.all_well();
    println!("reports: {calls} calls of kubectl say what they should");
}

fn lists(said: &mut Said<'_>) {
    said.says(
        "get kdoctorreports",
        "
        NAME             CREATED AT
        netreach-alpha   2026-01-02T10:00:12Z
        netreach-beta    2026-01-02T10:00:12Z
        netreach-gamma   2026-01-02T10:00:12Z
        ",
    );
    said.says(
        "get kdoctorreport netreach-alpha",
        "
        NAME             CREATED AT
        netreach-alpha   2026-01-02T10:00:12Z
        ",
    );
    said.says(
        "get kr netreach-beta netreach-gamma",
        "
        NAME             CREATED AT
        netreach-beta    2026-01-02T10:00:12Z
        netreach-gamma   2026-01-02T10:00:12Z
        ",
    );
    said.says(
        "get kdoctorreports.system.kdoctor.io -o wide",
        "
        NAME             CREATED AT             TASK    ROUND   STATUS        FAILED-NODES   WORST-P99
        netreach-alpha   2026-01-02T10:00:12Z   alpha   2       Finished      0              2.234ms
        netreach-beta    2026-01-02T10:00:12Z   beta    3       NotFinished   1              450.000ms
        netreach-gamma   2026-01-02T10:00:12Z   gamma   1       NotFinished   0              <none>
        ",
    );
    said.says(
        "get kr -o name",
        "
        kdoctorreport.system.kdoctor.io/netreach-alpha
        kdoctorreport.system.kdoctor.io/netreach-beta
        kdoctorreport.system.kdoctor.io/netreach-gamma
        ",
    );
    said.says(
        "get kr --no-headers",
        "
        netreach-alpha   2026-01-02T10:00:12Z
        netreach-beta    2026-01-02T10:00:12Z
        netreach-gamma   2026-01-02T10:00:12Z
        ",
    );
}

fn columns(said: &mut Said<'_>) {
    said.says(
        "get kr --show-labels",
        "
        NAME             CREATED AT             LABELS
        netreach-alpha   2026-01-02T10:00:12Z   team=net
        netreach-beta    2026-01-02T10:00:12Z   team=web
        netreach-gamma   2026-01-02T10:00:12Z   <none>
        ",
    );
    said.says(
        "get kr -L team",
        "
        NAME             CREATED AT             TEAM
        netreach-alpha   2026-01-02T10:00:12Z   net
        netreach-beta    2026-01-02T10:00:12Z   web
        netreach-gamma   2026-01-02T10:00:12Z
        ",
    );
    said.says(
        "get kr --sort-by=.spec.ReportRoundNumber",
        "
        NAME             CREATED AT
        netreach-gamma   2026-01-02T10:00:12Z
        netreach-alpha   2026-01-02T10:00:12Z
        netreach-beta    2026-01-02T10:00:12Z
        ",
    );
    said.says(
        "get kr --chunk-size=1",
        "
        NAME             CREATED AT
        netreach-alpha   2026-01-02T10:00:12Z
        netreach-beta    2026-01-02T10:00:12Z
        netreach-gamma   2026-01-02T10:00:12Z
        ",
    );
    said.says(
        "get kr -A",
        "
        NAME             CREATED AT
        netreach-alpha   2026-01-02T10:00:12Z
        netreach-beta    2026-01-02T10:00:12Z
        netreach-gamma   2026-01-02T10:00:12Z
        ",
    );
    said.says(
        "get kr -o custom-columns=NAME:.metadata.name,VERDICT:.spec.Verdict,ROUND:.spec.ReportRoundNumber",
        "
        NAME             VERDICT   ROUND
        netreach-alpha   succeed   2
        netreach-beta    fail      3
        netreach-gamma   unknown   1
        ",
    );
    said.says("get kr -o 'jsonpath={range .items[*]}{.spec.TaskName}={.spec.FinishedRoundNumber}/{.spec.RoundNumber} {end}'", "alpha=2/2 beta=3/-1 gamma=1/5");
    said.says("get --raw /apis/system.kdoctor.io/v1beta1/kdoctorreports?limit=0&labelSelector=none", r#"{"apiVersion":"system.kdoctor.io/v1beta1","kind":"KdoctorReportList","metadata":{"resourceVersion":"<version>"},"items":[]}"#);
}

fn selections(said: &mut Said<'_>) {
    said.says("get kr -l team=net -o name", "kdoctorreport.system.kdoctor.io/netreach-alpha");
    said.says(
        "get kr -l 'team in (net, web)' -o name",
        "
        kdoctorreport.system.kdoctor.io/netreach-alpha
        kdoctorreport.system.kdoctor.io/netreach-beta
        ",
    );
    said.says(
        "get kr -l team!=net -o name",
        "
        kdoctorreport.system.kdoctor.io/netreach-beta
        kdoctorreport.system.kdoctor.io/netreach-gamma
        ",
    );
    said.says("get kr -l '!team' -o name", "kdoctorreport.system.kdoctor.io/netreach-gamma");
    said.says("get kr -l team=none", "No resources found");
    said.says(
        "get kr --field-selector metadata.name=netreach-beta -o name",
        "kdoctorreport.system.kdoctor.io/netreach-beta",
    );
    said.says(
        "get kr --field-selector spec.TaskName=beta",
        "
        NAME            CREATED AT
        netreach-beta   2026-01-02T10:00:12Z
        ",
    );
    said.says(
        "get kr --field-selector spec.Status=Finished -o name",
        "kdoctorreport.system.kdoctor.io/netreach-alpha",
    );
    said.says(
        "get kr --field-selector spec.Status!=Finished -o name",
        "
        kdoctorreport.system.kdoctor.io/netreach-beta
        kdoctorreport.system.kdoctor.io/netreach-gamma
        ",
    );
    said.says(
        "get kr --field-selector spec.RoundNumber=-1 -o name",
        "kdoctorreport.system.kdoctor.io/netreach-beta",
    );
    said.says(
        "get kr --field-selector spec.Verdict=fail,spec.Status=NotFinished -o name",
        "kdoctorreport.system.kdoctor.io/netreach-beta",
    );
    said.says(
        "get kr -l team=web --field-selector spec.ReportRoundNumber=3 -o name",
        "kdoctorreport.system.kdoctor.io/netreach-beta",
    );
    said.refuses("get kr --field-selector spec.Nodes=3", r#"Error from server (BadRequest): Unable to find "system.kdoctor.io/v1beta1, Resource=kdoctorreports" that match label selector "", field selector "spec.Nodes=3": could not select by field "spec.Nodes" (metadata.name, spec.TaskName, spec.Status, spec.RoundNumber, spec.ReportRoundNumber, spec.Verdict can be selected by)"#);
    said.refuses("get kr -l 'team in'", r#"Error from server (BadRequest): Unable to find "system.kdoctor.io/v1beta1, Resource=kdoctorreports" that match label selector "team in", field selector "": could not read labelSelector (found the end, expected an opening bracket)"#);
}

fn objects(said: &mut Said<'_>) {
    said.says(
        "get kr netreach-gamma -o yaml",
        r#"
        apiVersion: system.kdoctor.io/v1beta1
        kind: KdoctorReport
        metadata:
          creationTimestamp: "2026-01-02T10:00:12Z"
          name: netreach-gamma
          resourceVersion: "<version>"
          uid: <uid of netreach-gamma>
        spec:
          AgentsLate: []
          AgentsMissing: []
          FailedRoundNumber:
          - 1
          FailureReasons:
          - Code: Unknown
            Message: 'the results cannot be judged: the disk is gone'
          FinishedRoundNumber: 1
          Gaps: []
          Interrupted: false
          Report: []
          ReportRoundNumber: 1
          RoundNumber: 5
          Status: NotFinished
          TaskName: gamma
          TaskType: NetReach
          Verdict: unknown
        "#,
    );
    said.says("get kr netreach-beta -o 'jsonpath={.spec.FailureReasons[*].Message}'", "agent-node-2 on node-2: 15 of 20 probes to AgentClusterV4IP_10.96.0.7:80 succeeded (expected rate: at least 1; status-503: 5)");
    said.says("get kr netreach-beta -o 'jsonpath={.spec.Report[?(@.NodeName==\"node-2\")].NetReachTask}'", r#"{"Detail":[{"Backends":{},"Connection":"new","FromSlot":{"MaxInMs":450,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":450},"Lateness":{"MaxInMs":0.3,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":0.3},"MeanDelay":0.5,"Metrics":{"Duration":"1s","EndTime":"2026-01-02T10:20:01Z","Errors":{},"Latencies":{"MaxInMs":450,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":450},"RequestCounts":20,"StartTime":"2026-01-02T10:20:00Z","StatusCodes":{"200":20},"SuccessCounts":20,"TPS":20,"TotalDataSize":"40 byte"},"Phases":{"Connect":{"MaxInMs":0.3,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":0.3},"FirstByte":{"MaxInMs":0.35,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":0.35}},"Retransmits":0,"Succeed":true,"SucceedRate":1,"TargetMethod":"GET","TargetName":"AgentPodV4IP_agent-node-1_10.0.0.1","TargetUrl":"http://10.0.0.1:80","UnsentCounts":0},{"Backends":{},"Connection":"new","FailureReason":"agent-node-2 on node-2: 15 of 20 probes to AgentClusterV4IP_10.96.0.7:80 succeeded (expected rate: at least 1; status-503: 5)","FromSlot":{"MaxInMs":450,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":450},"Lateness":{"MaxInMs":0.3,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":0.3},"MeanDelay":0.5,"Metrics":{"Duration":"1s","EndTime":"2026-01-02T10:20:01Z","Errors":{"status-503":5},"Latencies":{"MaxInMs":450,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":450},"RequestCounts":20,"StartTime":"2026-01-02T10:20:00Z","StatusCodes":{"200":15,"503":5},"SuccessCounts":15,"TPS":20,"TotalDataSize":"40 byte"},"Phases":{"Connect":{"MaxInMs":0.3,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":0.3},"FirstByte":{"MaxInMs":0.35,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":0.35}},"Retransmits":0,"Succeed":false,"SucceedRate":0.75,"TargetMethod":"GET","TargetName":"AgentClusterV4IP_10.96.0.7:80","TargetUrl":"http://10.0.0.1:80","UnsentCounts":0}],"FailureReason":"agent-node-2 on node-2: 15 of 20 probes to AgentClusterV4IP_10.96.0.7:80 succeeded (expected rate: at least 1; status-503: 5)","Lateness":{"MaxInMs":0.3,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":0.3},"MaxCPU":"26.203%","MaxMemory":"101.00MB","MeanCPU":"10.500%","RunDelay":"1.2ms","Succeed":false,"TargetNumber":2,"TargetType":"NetReach"}"#);
    said.says("get kr netreach-alpha -o 'jsonpath={.spec.Report[0].NetReachTask.Detail[0]}'", r#"{"Backends":{},"Connection":"new","FromSlot":{"MaxInMs":2,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":2},"Lateness":{"MaxInMs":0.3,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":0.3},"MeanDelay":0.5,"Metrics":{"Duration":"1s","EndTime":"2026-01-02T10:10:01Z","Errors":{},"Latencies":{"MaxInMs":2,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":2},"RequestCounts":20,"StartTime":"2026-01-02T10:10:00Z","StatusCodes":{"200":20},"SuccessCounts":20,"TPS":20,"TotalDataSize":"40 byte"},"Phases":{"Connect":{"MaxInMs":0.3,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":0.3},"FirstByte":{"MaxInMs":0.35,"MeanInMs":0.5,"MinInMs":0.25,"P50InMs":0.4,"P90InMs":0.6,"P95InMs":0.7,"P99InMs":0.35}},"Retransmits":0,"Succeed":true,"SucceedRate":1,"TargetMethod":"GET","TargetName":"AgentPodV4IP_agent-node-1_10.0.0.1","TargetUrl":"http://10.0.0.1:80","UnsentCounts":0}"#);
}

fn described(said: &mut Said<'_>) {
    said.says(
        "describe kr netreach-gamma",
        "
        Name:         netreach-gamma
        Namespace:
        Labels:       <none>
        Annotations:  <none>
        API Version:  system.kdoctor.io/v1beta1
        Kind:         KdoctorReport
        Metadata:
          Creation Timestamp:  2026-01-02T10:00:12Z
          Resource Version:    <version>
          UID:                 <uid of netreach-gamma>
        Spec:
          Agents Late:
          Agents Missing:
          Failed Round Number:
            1
          Failure Reasons:
            Code:                 Unknown
            Message:              the results cannot be judged: the disk is gone
          Finished Round Number:  1
          Gaps:
          Interrupted:  false
          Report:
          Report Round Number:  1
          Round Number:         5
          Status:               NotFinished
          Task Name:            gamma
          Task Type:            NetReach
          Verdict:              unknown
        Events:                 <none>
        ",
    );
    said.says(
        "wait --for=jsonpath={.spec.Verdict}=succeed kr/netreach-alpha --timeout=10s",
        "kdoctorreport.system.kdoctor.io/netreach-alpha condition met",
    );
    said.refuses(
        "get kr netreach-none",
        r#"Error from server (NotFound): kdoctorreports.system.kdoctor.io "netreach-none" not found"#,
    );
    said.refuses(
        "get kr netreach-alpha netreach-none",
        r#"
        NAME             CREATED AT
        netreach-alpha   2026-01-02T10:00:12Z
        Error from server (NotFound): kdoctorreports.system.kdoctor.io "netreach-none" not found
        "#,
    );
}

fn writes(said: &mut Said<'_>) {
    said.refuses("delete kr netreach-alpha", "Error from server (MethodNotAllowed): the server does not allow this method on the requested resource");
    said.refuses(
        "delete kr --all",
        "
        Error from server (MethodNotAllowed): the server does not allow this method on the requested resource
        Error from server (MethodNotAllowed): the server does not allow this method on the requested resource
        Error from server (MethodNotAllowed): the server does not allow this method on the requested resource
        ",
    );
    said.refuses("label kr netreach-alpha --overwrite team=other", "Error from server (MethodNotAllowed): the server does not allow this method on the requested resource");
    said.refuses("annotate kr netreach-alpha note=1", "Error from server (MethodNotAllowed): the server does not allow this method on the requested resource");
    said.refuses("patch kr netreach-alpha --type=merge -p {}", "Error from server (MethodNotAllowed): the server does not allow this method on the requested resource");
    let report = "{\"apiVersion\":\"system.kdoctor.io/v1beta1\",\"kind\":\"KdoctorReport\",\"metadata\":{\"name\":\"netreach-own\"}}";
    said.refuses_given("create -f -", report, r#"error: error validating "STDIN": error validating data: ValidationError(KdoctorReport): missing required field "spec" in io.kdoctor.system.v1beta1.KdoctorReport; if you choose to ignore these errors, turn validation off with --validate=false"#);
    said.refuses_given("create --validate=false -f -", report, r#"Error from server (MethodNotAllowed): error when creating "STDIN": the server does not allow this method on the requested resource"#);
}
