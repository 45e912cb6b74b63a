//! A session of kubectl: every way to look at reports, and what is refused.

use super::said::Said;
use super::shelf::Shelf;

const GROUP: &str = "/apis/system.kdoctor.io/v1beta1";

#[test]
fn every_call_says_word_for_word_what_it_should() {
    let shelf = Shelf::new();
    let ground = &shelf.ground;
    let mut said = Said::by(&ground.kubectl);
    for name in ["alpha", "beta", "gamma"] {
        said.known(&ground.uid(name), &format!("<uid of {name}>"));
        let report = ground.kubectl.get(&format!("kdoctorreport netreach-{name}"));
        said.known(report["metadata"]["uid"].as_str().unwrap(), &format!("<uid of netreach-{name}>"));
        said.known(report["metadata"]["resourceVersion"].as_str().unwrap(), &format!("<version of {name}>"));
    }
    let list = ground.kubectl.call("get --raw").arg(format!("{GROUP}/kdoctorreports")).run().json();
    said.known(list["metadata"]["resourceVersion"].as_str().unwrap(), "<version>");
    lists(&mut said);
    selections(&mut said);
    objects(&mut said);
    rounds(&mut said);
    writes(&mut said);
    discovery(&mut said);
    let calls = said.all_well();
    println!("reports: {calls} calls of kubectl say what they should");
}

fn lists(said: &mut Said<'_>) {
    said.says("get kdoctorreports", "");
    said.says("get kdoctorreport netreach-alpha", "");
    said.says("get kr netreach-beta netreach-gamma", "");
    said.says("get kdoctorreports.system.kdoctor.io -o wide", "");
    said.says("get kr -o name", "");
    said.says("get kr --no-headers", "");
    said.says("get kr --show-labels", "");
    said.says("get kr -L team", "");
    said.says("get kr --sort-by=.spec.ReportRoundNumber", "");
    said.says("get kr --chunk-size=1", "");
    said.says("get kr -A", "");
    said.says("get kr -o custom-columns=NAME:.metadata.name,VERDICT:.spec.Verdict,ROUND:.spec.ReportRoundNumber", "");
    said.says("get kr -o 'jsonpath={range .items[*]}{.spec.TaskName}={.spec.FinishedRoundNumber}/{.spec.RoundNumber} {end}'", "");
    said.says("get --raw /apis/system.kdoctor.io/v1beta1/kdoctorreports?limit=0&labelSelector=none", "");
}

fn selections(said: &mut Said<'_>) {
    said.says("get kr -l team=net -o name", "");
    said.says("get kr -l 'team in (net, web)' -o name", "");
    said.says("get kr -l team!=net -o name", "");
    said.says("get kr -l '!team' -o name", "");
    said.says("get kr -l team=none", "");
    said.says("get kr --field-selector metadata.name=netreach-beta -o name", "");
    said.says("get kr --field-selector spec.TaskName=beta", "");
    said.says("get kr --field-selector spec.Status=Finished -o name", "");
    said.says("get kr --field-selector spec.Status!=Finished -o name", "");
    said.says("get kr --field-selector spec.RoundNumber=-1 -o name", "");
    said.says("get kr --field-selector spec.Verdict=fail,spec.Status=NotFinished -o name", "");
    said.says("get kr -l team=web --field-selector spec.ReportRoundNumber=3 -o name", "");
    said.refuses("get kr --field-selector spec.Nodes=3", "");
    said.refuses("get kr -l 'team in'", "");
}

fn objects(said: &mut Said<'_>) {
    said.says("get kr netreach-gamma -o yaml", "");
    said.says("get kr netreach-beta -o 'jsonpath={.spec.FailureReasons[*].Message}'", "");
    said.says("get kr netreach-beta -o 'jsonpath={.spec.Report[?(@.NodeName==\"node-2\")].NetReachTask}'", "");
    said.says("get kr netreach-alpha -o 'jsonpath={.spec.Report[0].NetReachTask.Detail[0]}'", "");
    said.says("describe kr netreach-gamma", "");
    said.says("wait --for=jsonpath={.spec.Verdict}=succeed kr/netreach-alpha --timeout=10s", "");
    said.refuses("get kr netreach-none", "");
    said.refuses("get kr netreach-alpha netreach-none", "");
}

fn rounds(said: &mut Said<'_>) {
    let at = |path: &str| format!("get --raw {GROUP}/kdoctorreports/{path}");
    said.says(&at("netreach-beta/rounds"), "");
    said.says(&at("netreach-beta/rounds?limit=1&failed=true"), "");
    said.says(&at("netreach-gamma/rounds/1"), "");
    said.says(&at("netreach-beta/rounds/last?node=node-2&family=clusterIp&failed=true"), "");
    said.says(&at("netreach-beta/rounds/2?node=node-9"), "");
    said.refuses(&at("netreach-beta/rounds/9"), "");
    said.refuses(&at("netreach-beta/rounds/1?uid=other"), "");
    said.refuses(&at("netreach-none/rounds"), "");
    said.refuses(&at("netreach-beta/rounds?node=node-1"), "");
    said.refuses(&at("netreach-beta/rounds/1?family=pods"), "");
    said.refuses(&at("netreach-beta/status"), "");
}

fn writes(said: &mut Said<'_>) {
    said.refuses("delete kr netreach-alpha", "");
    said.refuses("delete kr --all", "");
    said.refuses("label kr netreach-alpha team=other", "");
    said.refuses("annotate kr netreach-alpha note=1", "");
    said.refuses("patch kr netreach-alpha --type=merge -p {}", "");
    let report = "{\"apiVersion\":\"system.kdoctor.io/v1beta1\",\"kind\":\"KdoctorReport\",\"metadata\":{\"name\":\"netreach-own\"}}";
    said.refuses_given("create -f -", report, "");
    said.refuses_given("create --validate=false -f -", report, "");
}

fn discovery(said: &mut Said<'_>) {
    said.says("api-resources --api-group=system.kdoctor.io", "");
    said.says("api-resources --categories=kdoctor -o name", "");
    said.says("api-resources --api-group=system.kdoctor.io --verbs=delete", "");
    said.says("get apiservice v1beta1.system.kdoctor.io -o 'jsonpath={.status.conditions[0].type}={.status.conditions[0].status}'", "");
    said.says("get --raw /apis/system.kdoctor.io/v1beta1", "");
    said.says("explain kdoctorreport", "");
    said.says("explain kdoctorreport.spec.Verdict", "");
    said.says("explain kdoctorreport.status.truncated", "");
    said.says("explain kdoctorreport.spec.Report.NetReachTask.Detail.Metrics.Latencies", "");
    said.refuses("explain kdoctorreport.spec.Nothing", "");
}

#[test]
fn who_may_look_looks_and_nobody_else() {
    let shelf = Shelf::new();
    let ground = &shelf.ground;
    for (name, role) in [("viewer", Some("netreach-viewer")), ("editor", Some("netreach-editor")), ("stranger", None)] {
        let user = ground.user(name, role);
        let mut said = Said::by(&user);
        if role.is_some() {
            may(&mut said);
        } else {
            may_not(&mut said);
        }
        said.all_well();
    }
}

fn may(said: &mut Said<'_>) {
    for verb in ["get", "list", "watch"] {
        said.says(&format!("auth can-i {verb} kdoctorreports"), "");
    }
    said.says("auth can-i get kdoctorreports --subresource=rounds", "");
    said.refuses("auth can-i delete kdoctorreports", "");
    said.says("get kr -o name", "");
    said.says("get --raw /apis/system.kdoctor.io/v1beta1/kdoctorreports/netreach-alpha/rounds?limit=0&failed=true", "");
}

fn may_not(said: &mut Said<'_>) {
    said.refuses("auth can-i list kdoctorreports", "");
    said.refuses("auth can-i get kdoctorreports --subresource=rounds", "");
    said.refuses("get kr", "");
    said.refuses("get kr netreach-alpha", "");
    said.refuses("get --raw /apis/system.kdoctor.io/v1beta1/kdoctorreports/netreach-alpha/rounds", "");
}
