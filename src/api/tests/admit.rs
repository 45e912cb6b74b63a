//! What users write and what they are told: whole documents in, objects or lists of faults out.
#![allow(clippy::unwrap_used)]

use netreach_api::{Admitted, ClusterFacts, FieldError, RequestConnection, Rounds, admit, limits};
use serde_json::{Value, json};

fn read(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

fn with_spec(spec: Value) -> Value {
    json!({"apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach", "metadata": {"name": "task"}, "spec": spec})
}

fn admitted(raw: Value) -> Admitted {
    let shown = raw.to_string();
    admit(raw, &ClusterFacts::default()).unwrap_or_else(|errors| panic!("{shown}: {errors:?}"))
}

/// Checks that exactly these faults are told, in this order.
fn check(raw: Value, expected: &[&str]) {
    let shown = raw.to_string();
    let errors = admit(raw, &ClusterFacts::default()).expect_err(&shown);
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors, expected, "{shown}");
}

fn check_spec(spec: Value, expected: &[&str]) {
    check(with_spec(spec), expected);
}

#[test]
fn both_samples_are_admitted() {
    for (yaml, ipv6, multus) in [
        (include_str!("../../../config/samples/netreach.yaml"), false, false),
        (include_str!("../../../config/samples/netreach-all.yaml"), true, true),
    ] {
        let Admitted { net_reach, checked, warnings } = admitted(read(yaml));
        assert_eq!(net_reach.metadata.name.as_deref(), Some("task"));
        assert_eq!(warnings, Vec::<String>::new());
        let load = checked.load();
        assert_eq!((load.qps, load.duration_s, load.timeout_ms), (10, 10, 1_000));
        assert_eq!(load.connection, RequestConnection::New);
        assert_eq!(checked.rounds(), Rounds::Count(1));
        assert_eq!(checked.round_timeout_ms(), 60_000);
        assert_eq!(checked.schedule().to_string(), "0 1");
        assert_eq!(checked.time_zone_name(), "UTC");
        let expect = checked.expect();
        assert_eq!((expect.mean_access_delay_ms, expect.status_code), (1_500, None));
        assert!((expect.success_rate - 1.0).abs() < f64::EPSILON);
        let target = checked.target();
        assert!(target.endpoint && target.cluster_ip && target.node_port && target.load_balancer);
        assert!(target.ingress && target.ipv4);
        assert_eq!((target.ipv6, target.multus_interface), (ipv6, multus));
        assert!(!checked.suspend() && checked.agent_spec().is_none());
    }
}

#[test]
fn what_was_admitted_is_admitted_again_unchanged() {
    let yaml = include_str!("../../../config/samples/netreach.yaml");
    let once = admitted(read(yaml));
    let raw = serde_json::to_value(&once.net_reach).unwrap();
    for (part, fields) in read(yaml)["spec"].as_object().unwrap() {
        for (field, value) in fields.as_object().unwrap() {
            assert_eq!(&raw["spec"][part][field], value, "{part}.{field}");
        }
    }
    let other_cluster = ClusterFacts { ipv4: false, ipv6: true, ..ClusterFacts::default() };
    assert_eq!(admit(raw, &other_cluster).unwrap(), once);
}

#[test]
fn a_stored_object_gains_no_fields() {
    let raw = with_spec(json!({"request": {"qps": 3}, "schedule": {}, "expect": {"successRate": 1}}));
    let typed: netreach_api::NetReach = serde_json::from_value(raw.clone()).unwrap();
    assert_eq!(serde_json::to_value(typed).unwrap(), raw);
}

#[test]
fn the_least_that_can_be_written_is_admitted() {
    let least = json!({"apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach", "metadata": {"name": "task"}});
    let v6 = ClusterFacts { ipv4: false, ipv6: true, ..ClusterFacts::default() };
    let target = admit(least, &v6).unwrap().checked.target();
    assert_eq!((target.ipv4, target.ipv6), (false, true));
    // What the API server drops does not matter, and 1e1 is 10.
    let mut raw = with_spec(json!({"request": {"qps": 1e1}}));
    raw["status"] = json!({"finish": "maybe"});
    let found = admitted(raw);
    assert_eq!(found.checked.load().qps, 10);
    assert_eq!(found.net_reach.status, None);
}

#[test]
fn fourteen_faults_are_told_at_once() {
    let yaml = r#"
apiVersion: kdoctor.io/v1
kind: NetReach
metadata:
  name: Task_1
spec:
  agentSpec:
    deploymentReplicas: 2
    env:
    - value: b
  expect:
    statusCode: 99
    successRate: "1"
  request:
    durationInSecond: 7200
    perRequestTimeoutInMS: 90000
    qps: 0
  schedule:
    roundNumber: 0
    roundTimeoutMinute: 1
    schedule: 61 * * * *
    timeZone: Mars/Olympus
  target:
    clusterIP: false
    endpoint: false
    nodePort: false
    ingres: true
"#;
    let errors = admit(read(yaml), &ClusterFacts::default()).unwrap_err();
    let paths: Vec<_> = errors.iter().map(FieldError::path).collect();
    assert_eq!(
        paths,
        [
            "apiVersion",
            "metadata.name",
            "spec.agentSpec.deploymentReplicas",
            "spec.agentSpec.env[0].name",
            "spec.expect.statusCode",
            "spec.expect.successRate",
            "spec.request.durationInSecond",
            "spec.request.perRequestTimeoutInMS",
            "spec.request.qps",
            "spec.schedule.roundNumber",
            "spec.schedule.schedule",
            "spec.schedule.timeZone",
            "spec.target",
            "spec.target.ingres",
        ],
        "{errors:#?}"
    );
}

#[test]
fn wrong_rates_are_refused() {
    let check = |qps: Value, expected| check_spec(json!({"request": {"qps": qps}}), &[expected]);
    check(json!(0), "spec.request.qps: must be at least 1, got 0");
    check(
        json!("10"),
        "spec.request.qps: must be a whole number, got the string \"10\": write 10 without quotes",
    );
    check(json!(1e9), "spec.request.qps: must be at most 10000, got 1000000000");
    check(json!(i64::MAX), "spec.request.qps: must be at most 10000, got 9223372036854775807");
}

#[test]
fn something_must_be_probed_over_some_ip_version() {
    let none = json!({"clusterIP": false, "endpoint": false, "nodePort": false});
    let nothing = "spec.target: chooses nothing to probe: set at least one of clusterIP, endpoint, ingress, \
                   loadBalancer, multusInterface and nodePort to true";
    check_spec(json!({"target": none}), &[nothing]);
    let no_version = "spec.target: chooses no IP version: set at least one of ipv4 and ipv6 to true";
    check_spec(json!({"target": {"ipv4": false, "ipv6": false}}), &[no_version]);
    check_spec(json!({"target": {"ipv4": false}}), &[no_version]);
    for family in ["clusterIP", "endpoint", "ingress", "loadBalancer", "multusInterface", "nodePort"] {
        let mut target = none.clone();
        target[family] = json!(true);
        admitted(with_spec(json!({"target": target})));
    }
}

#[test]
fn a_rule_is_silent_where_what_it_reads_was_refused() {
    // With "yes" for true there would be a family; with Deployment for deployment the replicas would be
    // right.
    let target = json!({"clusterIP": false, "endpoint": false, "nodePort": false, "ingress": "yes"});
    check_spec(
        json!({"target": target}),
        &["spec.target.ingress: must be true or false, got the string \"yes\""],
    );
    check_spec(
        json!({"agentSpec": {"kind": "deployment", "deploymentReplicas": 2}}),
        &[
            "spec.agentSpec.kind: must be Deployment or DaemonSet, got the string \"deployment\": did you mean \
           Deployment?",
        ],
    );
    check_spec(
        json!({"request": {"durationInSecond": 100}, "schedule": {"roundTimeoutMinute": 0}}),
        &["spec.schedule.roundTimeoutMinute: must be at least 1, got 0"],
    );
}

#[test]
fn a_load_must_fit_its_round() {
    check_spec(
        json!({"request": {"durationInSecond": 59}, "schedule": {"roundTimeoutMinute": 1}}),
        &[
            "spec.request.durationInSecond: must leave the round 2000 ms to end in (schedule.roundTimeoutMinute is 1), \
             got 59: lower it or raise roundTimeoutMinute",
        ],
    );
    check_spec(
        json!({"request": {"perRequestTimeoutInMS": 60_001}, "schedule": {"roundTimeoutMinute": 1}}),
        &[
            "spec.request.perRequestTimeoutInMS: must not be longer than the round (schedule.roundTimeoutMinute is 1, \
           which is 60000 ms), got 60001: lower it or raise roundTimeoutMinute",
        ],
    );
    check_spec(
        json!({"request": {"durationInSecond": 3_601}, "schedule": {"roundTimeoutMinute": i64::MAX}}),
        &[
            "spec.request.durationInSecond: must be at most 3600, got 3601",
            "spec.schedule.roundTimeoutMinute: must be at most 10080, got 9223372036854775807",
        ],
    );
    let tight = admitted(with_spec(json!({
        "request": {"durationInSecond": 58, "perRequestTimeoutInMS": 60_000},
        "schedule": {"roundTimeoutMinute": 1},
    })));
    assert!(tight.warnings.iter().any(|warning| warning.contains("ends them")), "{:?}", tight.warnings);
}

#[test]
fn schedules_and_time_zones_are_read() {
    let schedule = |text: &str| with_spec(json!({"schedule": {"schedule": text, "roundNumber": -1}}));
    for wrong in ["61 * * * *", "0 0 30 2 *", "", "0", "1 2 3"] {
        let errors = admit(schedule(wrong), &ClusterFacts::default()).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].path(), "spec.schedule.schedule");
    }
    assert_eq!(admitted(schedule("*/5 * * * *")).checked.rounds(), Rounds::Forever);
    let zone = |name: &str| with_spec(json!({"schedule": {"timeZone": name}}));
    assert_eq!(admitted(zone("europe/berlin")).checked.time_zone_name(), "Europe/Berlin");
    check(
        zone("../etc/passwd"),
        &[
            "spec.schedule.timeZone: must be the name of a time zone such as UTC, Europe/Berlin or Asia/Shanghai, got \
           \"../etc/passwd\"",
        ],
    );
}

#[test]
fn agents_are_bounded() {
    let agents = |agents: Value| with_spec(json!({"agentSpec": agents}));
    let deployment = |replicas: i64| agents(json!({"kind": "Deployment", "deploymentReplicas": replicas}));
    check(deployment(0), &["spec.agentSpec.deploymentReplicas: must be at least 1, got 0"]);
    check(deployment(5_001), &["spec.agentSpec.deploymentReplicas: must be at most 5000, got 5001"]);
    check(
        agents(json!({"terminationGracePeriodMinutes": -1})),
        &["spec.agentSpec.terminationGracePeriodMinutes: must be at least 0, got -1"],
    );
    check_spec(
        json!({"request": {"peersPerRound": 5_001}}),
        &["spec.request.peersPerRound: must be at most 5000, got 5001"],
    );
    let own = admitted(deployment(2)).checked;
    assert_eq!(own.agent_spec().unwrap().deployment_replicas, Some(2));
}

#[test]
fn agents_get_no_secrets() {
    let key = json!({"name": "netreach-ca", "key": "tls.key"});
    let env = json!([
        {"name": "PLAIN", "value": "text"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": key}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "BOTH", "valueFrom": {"secretKeyRef": key, "configMapKeyRef": key}},
    ]);
    check_spec(
        json!({"agentSpec": {"env": env}}),
        &[
            "spec.agentSpec.env[1].valueFrom.secretKeyRef: agents get no Secrets: write the value itself, or use fieldRef",
            "spec.agentSpec.env[4].valueFrom.configMapKeyRef: agents get no ConfigMaps: write the value itself, or use \
             fieldRef",
            "spec.agentSpec.env[4].valueFrom.secretKeyRef: agents get no Secrets: write the value itself, or use fieldRef",
        ],
    );
    let harmless = json!([env[0], env[2], env[3]]);
    admitted(with_spec(json!({"agentSpec": {"env": harmless}})));
}

#[test]
fn annotations_say_neither_whose_an_agent_is_nor_what_is_probed() {
    check_spec(
        json!({"agentSpec": {"annotation": {
            "kdoctor.io/netreach": "other",
            "k8s.v1.cni.cncf.io/network-status": "[]",
            "k8s.v1.cni.cncf.io/networks": "kube-system/second",
            "k8s.v1.cni.cncf.io/networks-status": "[]",
            "kdoctor.io.example.com/a": "b",
            "version": 1,
        }}}),
        &[
            "spec.agentSpec.annotation.version: must be a string, got 1: write \"1\" in quotes",
            "spec.agentSpec.annotation[\"k8s.v1.cni.cncf.io/network-status\"]: is Multus' to write, because it says which \
             NICs are probed: remove it, and ask for networks in k8s.v1.cni.cncf.io/networks",
            "spec.agentSpec.annotation[\"k8s.v1.cni.cncf.io/networks-status\"]: is Multus' to write, because it says which \
             NICs are probed: remove it, and ask for networks in k8s.v1.cni.cncf.io/networks",
            "spec.agentSpec.annotation[\"kdoctor.io/netreach\"]: is not for users to write, because it begins with \
             kdoctor.io/: remove it",
        ],
    );
    admitted(with_spec(
        json!({"agentSpec": {"annotation": {"k8s.v1.cni.cncf.io/networks": "kube-system/second"}}}),
    ));
}

#[test]
fn a_foreign_document_is_named_and_left_alone() {
    let pod =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": []}});
    check(
        pod,
        &[
            "apiVersion: must be kdoctor.io/v1beta1, got the string \"v1\"",
            "kind: must be NetReach, got the string \"Pod\"",
        ],
    );
    let mut other_kind = with_spec(json!({"request": {"qps": 0}}));
    other_kind["kind"] = json!("AppHttpHealthy");
    check(
        other_kind,
        &[
            "kind: must be NetReach, got the string \"AppHttpHealthy\"",
            "spec.request.qps: must be at least 1, got 0",
        ],
    );
    check(json!(null), &["must be one NetReach object, got nothing"]);
    check(json!([]), &["must be one NetReach object, got a list"]);
    let mut no_spec = with_spec(json!(null));
    check(no_spec.clone(), &["spec: is empty: write a map of fields or remove the field"]);
    no_spec["spec"] = json!({});
    no_spec["metadata"]["labels"] = json!({"version": 1});
    let errors = admit(no_spec, &ClusterFacts::default()).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].path(), "metadata");
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    let check = |spec: Value, begins: &[&str]| {
        let warnings = admitted(with_spec(spec)).warnings;
        assert_eq!(warnings.len(), begins.len(), "{warnings:?}");
        for (warning, begins) in warnings.iter().zip(begins) {
            assert!(warning.starts_with(begins), "{warning}");
        }
    };
    // As kdoctor's own end-to-end tests have it.
    let long = json!({"durationInSecond": 10, "perRequestTimeoutInMS": 15_000, "qps": 10});
    check(
        json!({"request": long, "schedule": {"roundTimeoutMinute": 1, "schedule": "0 1"}}),
        &[
            "spec.request.perRequestTimeoutInMS (15000 ms) is longer than durationInSecond (10 s): a round waits for its \
           last requests and may take up to 25 s",
        ],
    );
    check(
        json!({"request": {"durationInSecond": 90}, "schedule": {"schedule": "0 1", "roundNumber": 2}}),
        &["spec.schedule.schedule starts a round every 1 min, and one may take 91 s"],
    );
    check(
        json!({"target": {"enableLatencyMetric": true}}),
        &["spec.target.enableLatencyMetric is no longer needed"],
    );
    check(
        json!({"schedule": {"roundNumber": -1}, "agentSpec": {"terminationGracePeriodMinutes": 0}}),
        &["spec.agentSpec.terminationGracePeriodMinutes has no effect with roundNumber -1"],
    );
}

#[test]
fn a_flood_of_faults_is_cut() {
    let fields: serde_json::Map<_, _> = (0..1_000).map(|i| (format!("field{i}"), json!(1))).collect();
    let errors = admit(with_spec(json!({"target": fields})), &ClusterFacts::default()).unwrap_err();
    assert_eq!(errors.len(), limits::ERRORS_MAX + 1);
    assert_eq!(
        errors.last().unwrap().to_string(),
        "there are more faults than are listed: correct these first"
    );
}
