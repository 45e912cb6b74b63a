//! NetReaches of every shape: their schedules, what runs their agents, their names, and what is left of them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use netreach_tests::{Kubectl, Spec, net_reach};
use serde_json::{Value, json};

use super::cluster::Cluster;

/// How long after it is due a round may begin, seconds: agents and addresses settle first.
const BEGINS_WITHIN_S: i64 = 5;
/// Ports of agents in their node's network.
const HOST_PORTS: std::ops::Range<u16> = 23_000..24_000;
/// All that may be made for the agents of a NetReach.
const MADE: &str = "daemonsets,deployments,services,ingresses,pods";

/// NetReaches that are there as long as this is held.
struct Applied<'a> {
    kubectl: &'a Kubectl,
    names: Vec<String>,
}

impl<'a> Applied<'a> {
    /// All at once.
    fn all(kubectl: &'a Kubectl, specs: impl IntoIterator<Item = Spec>) -> Self {
        let items: Vec<_> = specs.into_iter().map(|spec| spec.json()).collect();
        let names = items.iter().map(|item| text(&item["metadata"]["name"]).to_owned()).collect();
        // Held from here on: what fails half-way is removed as well.
        let applied = Self { kubectl, names };
        let finished =
            kubectl.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
        assert_eq!(finished.code, 0, "{}", finished.err);
        applied
    }

    /// One of them, once all its rounds are done.
    fn finished(&self, name: &str) -> Value {
        self.kubectl.ok(&format!("wait --for=condition=Complete nr/{name} --timeout=180s"));
        self.kubectl.get(&format!("netreach {name}"))
    }

    /// One of them, once all its rounds are done: they have succeeded.
    fn succeeded(&self, name: &str) -> Value {
        let net_reach = self.finished(name);
        for round in rounds(&net_reach) {
            assert_eq!(round["status"], "succeed", "{name}: {}", net_reach["status"]);
        }
        net_reach
    }

    fn report(&self, name: &str) -> Value {
        self.kubectl.get(&format!("kdoctorreport netreach-{name}"))
    }

    fn patch(&self, name: &str, spec: &Value) {
        let patch = json!({"spec": spec}).to_string();
        let patched =
            self.kubectl.call("patch --type=merge").arg(format!("nr/{name}")).arg("-p").arg(patch).run();
        assert_eq!(patched.code, 0, "{}", patched.err);
    }

    /// An Event tells it of this very one: Events outlive those of the same name. They are written after the status.
    fn tells(&self, net_reach: &Value, reason: &str, words: &str) {
        let which = format!("involvedObject.uid={},reason={reason}", text(&net_reach["metadata"]["uid"]));
        let is_told = |events: &Value| {
            list(&events["items"]).iter().any(|event| text(&event["message"]).contains(words))
        };
        self.kubectl.await_object(&format!("events -n default --field-selector={which}"), is_told);
    }
}

impl Drop for Applied<'_> {
    fn drop(&mut self) {
        let deleted =
            self.kubectl.run(&format!("delete netreach --ignore-not-found {}", self.names.join(" ")));
        if deleted.code != 0 {
            println!("e2e: NetReaches are left behind: {}", deleted.err);
        }
    }
}

/// One short round at low load, patient: beside it other tests have pods started and the ingress controller reloaded.
fn light(name: &str) -> Spec {
    net_reach(name)
        .lasting_s(2)
        .with("/spec/request/qps", 5)
        .with("/spec/request/perRequestTimeoutInMS", 2_000)
}

fn scheduled(name: &str, schedule: &str, rounds: i64) -> Spec {
    light(name).with("/spec/schedule/schedule", schedule).with("/spec/schedule/roundNumber", rounds)
}

/// Behind Services and an Ingress as well.
fn fronted(spec: Spec) -> Spec {
    ["clusterIP", "nodePort", "ingress"]
        .iter()
        .fold(spec, |spec, family| spec.with(&format!("/spec/target/{family}"), true))
}

/// On nodes with this label alone.
fn only_on(label: &str, value: &str) -> Value {
    let term = json!({"matchExpressions": [{"key": label, "operator": "In", "values": [value]}]});
    json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}})
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

fn instant(value: &Value) -> Timestamp {
    text(value).parse().unwrap()
}

fn created(net_reach: &Value) -> Timestamp {
    instant(&net_reach["metadata"]["creationTimestamp"])
}

/// The rounds that ended, oldest first.
fn rounds(net_reach: &Value) -> Vec<&Value> {
    list(&net_reach["status"]["history"])
        .iter()
        .rev()
        .filter(|round| round["endTimeStamp"].is_string())
        .collect()
}

/// When each of them began.
fn starts(net_reach: &Value) -> Vec<Timestamp> {
    rounds(net_reach).into_iter().map(|round| instant(&round["startTimeStamp"])).collect()
}

/// The first round began so long after it was created, and each other one a minute after the one before.
fn began(net_reach: &Value, count: usize, after_s: i64) {
    let starts = starts(net_reach);
    assert_eq!(starts.len(), count, "{net_reach}");
    let first = created(net_reach) + SignedDuration::from_secs(after_s);
    for (start, number) in starts.iter().zip(0..) {
        // Times in a status have whole seconds.
        let late = start.duration_since(first).as_secs() - 60 * number;
        assert!((0..=BEGINS_WITHIN_S).contains(&late), "{late} s late: {}", net_reach["status"]);
    }
}

fn reason_of_progressing(net_reach: &Value) -> &Value {
    let mut conditions = list(&net_reach["status"]["conditions"]).iter();
    &conditions.find(|one| one["type"] == "Progressing").unwrap()["reason"]
}

/// Suspends it after its first round until the second was due, and lets it go on. Its twin has the same schedule, was created no earlier,
/// and is not suspended: when its second round is done, the other would have begun, if it could.
fn no_round_begins_while_suspended(all: &Applied<'_>, name: &str, twin: &str) {
    let kubectl = all.kubectl;
    kubectl.ok(&format!("wait --for=jsonpath={{.status.doneRound}}=1 nr/{name} --timeout=30s"));
    all.patch(name, &json!({"suspend": true}));
    let get = format!("netreach {name}");
    let is_suspended = |net_reach: &Value| {
        reason_of_progressing(net_reach) == "Suspended" && net_reach["status"].get("nextRoundTime").is_none()
    };
    let suspended = kubectl.await_object(&get, is_suspended);
    kubectl.ok(&format!("wait --for=jsonpath={{.status.doneRound}}=2 nr/{twin} --timeout=90s"));
    assert!(created(&kubectl.get(&format!("netreach {twin}"))) >= created(&suspended));
    let still = kubectl.get(&get);
    assert_eq!(still["status"], suspended["status"]);
    let status = &still["status"];
    assert_eq!(
        (&status["doneRound"], &status["expectedRound"], &status["finish"]),
        (&json!(1), &json!(-1), &json!(false))
    );
    let resumed = Timestamp::now();
    all.patch(name, &json!({"suspend": false}));
    kubectl.ok(&format!("wait --for=jsonpath={{.status.doneRound}}=2 nr/{name} --timeout=30s"));
    let second = kubectl.get(&get);
    let started = starts(&second)[1];
    assert!(started.as_second() >= resumed.as_second(), "{}", second["status"]);
    assert_eq!(
        (&second["status"]["lastRoundStatus"], &second["status"]["finish"]),
        (&json!("succeed"), &json!(false))
    );
}

#[test]
fn rounds_begin_when_their_schedule_says() {
    let cluster = Cluster::shared();
    let all = Applied::all(
        &cluster.kubectl,
        [
            scheduled("for-ever", "0 1", -1),
            scheduled("crontab", "* * * * *", 2),
            scheduled("after-a-minute", "1 1", 1),
            scheduled("three", "0 1", 3),
        ],
    );
    no_round_begins_while_suspended(&all, "for-ever", "three");
    began(&all.succeeded("after-a-minute"), 1, 60);
    let crontab = all.succeeded("crontab");
    let until_the_minute = 60 - created(&crontab).as_second() % 60;
    began(&crontab, 2, until_the_minute);
    began(&all.succeeded("three"), 3, 0);
}

/// Names of pods.
fn pods(kubectl: &Kubectl, which: &str) -> BTreeSet<String> {
    let pods = kubectl.get(&format!("pods -A -l {which}"));
    list(&pods["items"]).iter().map(|pod| text(&pod["metadata"]["name"]).to_owned()).collect()
}

fn of(net_reach: &Value) -> String {
    format!("kdoctor.io/netreach-uid={}", text(&net_reach["metadata"]["uid"]))
}

fn details(report: &Value) -> impl Iterator<Item = &Value> {
    list(&report["spec"]["Report"]).iter().flat_map(|agent| list(&agent["NetReachTask"]["Detail"]))
}

/// The pods that were probed at their own address, once for each agent that did.
fn probed(report: &Value) -> Vec<String> {
    let own = details(report).filter_map(|detail| text(&detail["TargetName"]).strip_prefix("AgentPodV4IP_"));
    own.map(|name| name.split('_').next().unwrap().to_owned()).collect()
}

/// These pods, and no others, probed each other, and nobody else answered at any address.
fn were_among_themselves(report: &Value, pods: &BTreeSet<String>) {
    let agents = list(&report["spec"]["Report"]).iter();
    assert_eq!(agents.map(|agent| text(&agent["PodName"]).to_owned()).collect::<BTreeSet<_>>(), *pods);
    assert_eq!(probed(report).len(), pods.len().pow(2));
    assert_eq!(probed(report).into_iter().collect::<BTreeSet<_>>(), *pods);
    for detail in details(report) {
        let answered = detail["Backends"].as_object().unwrap().keys();
        let others: Vec<_> = answered.filter(|name| !pods.contains(*name)).collect();
        assert!(others.is_empty(), "{others:?} answered for {}", detail["TargetName"]);
    }
}

/// Nothing is left that was made for it.
fn left_nothing(kubectl: &Kubectl, net_reach: &Value) {
    let made = format!("get {MADE} -A -l {} -o name", of(net_reach));
    kubectl.await_that(&made, |finished| finished.code == 0 && finished.out.trim().is_empty());
}

#[test]
fn two_deployed_agents_probe_each_other_and_not_those_of_everybody() {
    let cluster = Cluster::shared();
    let kubectl = &cluster.kubectl;
    let agents = json!({
        "kind": "Deployment",
        "deploymentReplicas": 2,
        "env": [{"name": "COLOUR", "value": "blue"}, {"name": "POD_NAME", "value": "somebody-else"}],
        "annotation": {"example.com/team": "net"},
    });
    let own = fronted(light("own")).with("/spec/agentSpec", agents);
    let all = Applied::all(kubectl, [own, fronted(light("everybodys"))]);
    let own = all.succeeded("own");
    let name = text(&own["status"]["resource"]["runtimeName"]);
    let service = format!("{name}-v4");
    assert!(name.starts_with("nr-own-"), "{name}");
    assert_eq!(
        own["status"]["resource"],
        json!({"runtimeName": name, "runtimeType": "Deployment", "runtimeStatus": "created", "serviceNameV4": service}),
    );
    let made = kubectl.get(&format!("pods -n netreach-system -l {}", of(&own)));
    for pod in list(&made["items"]) {
        assert_eq!(pod["metadata"]["annotations"]["example.com/team"], "net");
        let environment = list(&pod["spec"]["containers"][0]["env"]);
        assert!(environment.contains(&json!({"name": "COLOUR", "value": "blue"})), "{environment:?}");
    }
    let two = pods(kubectl, &of(&own));
    assert_eq!(two.len(), 2);
    were_among_themselves(&all.report("own"), &two);
    all.succeeded("everybodys");
    were_among_themselves(&all.report("everybodys"), &pods(kubectl, "kdoctor.io/default-agents=true"));
    kubectl.ok("delete netreach own");
    left_nothing(kubectl, &own);
}

#[test]
fn an_agent_on_one_node_alone_is_gone_after_its_round() {
    let cluster = Cluster::shared();
    let kubectl = &cluster.kubectl;
    let nodes = kubectl.get("nodes -l !node-role.kubernetes.io/control-plane");
    let node = text(&nodes["items"][0]["metadata"]["name"]);
    let agents =
        json!({"affinity": only_on("kubernetes.io/hostname", node), "terminationGracePeriodMinutes": 0});
    let all = Applied::all(kubectl, [fronted(light("one")).with("/spec/agentSpec", agents)]);
    let one = all.succeeded("one");
    let round = rounds(&one)[0];
    assert_eq!((&round["expectedActorNumber"], &round["succeedAgentNodeList"]), (&json!(1), &json!([node])));
    let deleted =
        kubectl.await_object("netreach one", |one| one["status"]["resource"]["runtimeStatus"] == "deleted");
    assert_eq!(deleted["status"]["resource"]["runtimeType"], "DaemonSet");
    left_nothing(kubectl, &one);
    assert_eq!(all.report("one")["spec"]["Verdict"], "succeed", "what it found is still told");
}

/// The ports at which agents were probed.
fn ports(report: &Value) -> BTreeSet<u16> {
    let own = details(report).filter(|detail| text(&detail["TargetName"]).starts_with("AgentPodV4IP_"));
    own.map(|detail| text(&detail["TargetUrl"]).rsplit(':').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn agents_in_their_nodes_network_stay_out_of_each_others_way() {
    let cluster = Cluster::shared();
    let kubectl = &cluster.kubectl;
    let on_host = |name| fronted(light(name)).with("/spec/agentSpec", json!({"hostNetwork": true}));
    let all = Applied::all(kubectl, [on_host("here"), on_host("there")]);
    let [here, there] = ["here", "there"].map(|name| {
        let net_reach = all.succeeded(name);
        let report = all.report(name);
        let own = pods(
            kubectl,
            &format!("{} -n netreach-host --field-selector=spec.hostNetwork=true", of(&net_reach)),
        );
        assert_eq!(own.len(), 3, "an agent on every node: {own:?}");
        were_among_themselves(&report, &own);
        ports(&report)
    });
    assert_eq!((here.len(), there.len()), (1, 1), "{here:?} {there:?}");
    assert!(here.is_disjoint(&there), "{here:?} {there:?}");
    assert!(here.iter().chain(&there).all(|port| HOST_PORTS.contains(port)), "{here:?} {there:?}");
}

#[test]
fn a_netreach_may_have_any_name_that_kubernetes_takes() {
    let cluster = Cluster::shared();
    let names = ["mesh.every.minute".to_owned(), "n".repeat(253)];
    let with_agents =
        |name: &String| fronted(light(name)).with("/spec/agentSpec", json!({"kind": "Deployment"}));
    let all = Applied::all(&cluster.kubectl, names.iter().map(with_agents));
    for name in &names {
        let net_reach = all.succeeded(name);
        assert!(text(&net_reach["status"]["resource"]["runtimeName"]).starts_with("nr-"), "{net_reach}");
        assert_eq!(all.report(name)["spec"]["TaskName"], **name);
        all.tells(&net_reach, "RoundSucceeded", "reached every target as expected");
    }
}

#[test]
fn a_round_whose_agents_cannot_start_fails_in_kubernetes_own_words() {
    let cluster = Cluster::shared();
    let heavy = json!({"kind": "Deployment", "resources": {"requests": {"memory": "1Ti"}}});
    let nowhere = json!({"affinity": only_on("kubernetes.io/hostname", "nowhere")});
    let all = Applied::all(
        &cluster.kubectl,
        [light("heavy").with("/spec/agentSpec", heavy), light("nowhere").with("/spec/agentSpec", nowhere)],
    );
    for (name, words) in [("heavy", "Insufficient memory"), ("nowhere", "no node is to have a pod")] {
        let net_reach = all.finished(name);
        let round = rounds(&net_reach)[0];
        assert_eq!(
            (&round["status"], &net_reach["status"]["lastRoundStatus"]),
            (&json!("fail"), &json!("fail"))
        );
        let took = instant(&round["endTimeStamp"]).duration_since(created(&net_reach));
        assert!(took <= SignedDuration::from_mins(1), "{took}");
        let reason = text(&round["failureReason"]);
        assert!(reason.contains(words), "{reason}");
        all.tells(&net_reach, "RoundFailed", words);
        assert!(
            !list(&round["notReportAgentNodeList"]).contains(&json!("")),
            "a node without a name: {round}"
        );
    }
}
