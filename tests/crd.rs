//! The definition of NetReach on a real API server, through the real kubectl.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

use std::sync::LazyLock;

use netreach_tests::{ControlPlane, Kubectl, root};
use serde_json::{Value, json};

/// A server that knows NetReach.
static KUBECTL: LazyLock<Kubectl> = LazyLock::new(|| {
    ControlPlane::shared().admin().ok("apply -f config/crd/bases");
    let kubectl = ControlPlane::shared().admin();
    // The last that follows: OpenAPI.
    kubectl.await_ok("explain nr.spec");
    kubectl
});

fn manifest(name: &str, spec: Value) -> String {
    let metadata = json!({"name": name});
    json!({"apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach", "metadata": metadata, "spec": spec})
        .to_string()
}

fn get(name: &str) -> Value {
    KUBECTL.get(&format!("netreach {name}"))
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn kubectl_get_prints_the_columns_that_users_know() {
    let spec = json!({"schedule": {"schedule": "0 1", "roundNumber": 1}});
    assert_eq!(KUBECTL.apply(&manifest("columns", spec)).code, 0);
    let status =
        json!({"status": {"finish": true, "expectedRound": 1, "doneRound": 1, "lastRoundStatus": "succeed"}});
    let patch = KUBECTL.call("patch nr columns --subresource=status --type=merge -p").arg(status.to_string());
    assert_eq!(patch.run().code, 0);
    for name in ["nr", "netreach", "netreaches", "kdoctor"] {
        let table = KUBECTL.ok(&format!("get {name} columns"));
        let lines: Vec<_> = table.lines().map(words).collect();
        let head = ["NAME", "FINISH", "EXPECTEDROUND", "DONEROUND", "LASTROUNDSTATUS", "SCHEDULE"];
        assert_eq!(lines[0], head, "{table}");
        assert_eq!(lines[1], ["columns", "true", "1", "1", "succeed", "0", "1"], "{table}");
        assert_eq!(lines.len(), 2, "{table}");
    }
    let wide = KUBECTL.ok("get nr columns -o wide");
    assert!(wide.lines().next().unwrap().ends_with("AGE   NEXT   SUSPEND   REASON"), "{wide}");
}

#[test]
fn kubectl_explain_describes_every_level() {
    let qps = KUBECTL.ok("explain nr.spec.request.qps");
    assert!(qps.contains("FIELD: qps <integer>"), "{qps}");
    assert!(qps.contains("requests") || qps.contains("Requests"), "{qps}");
    let all = KUBECTL.ok("explain nr --recursive");
    for field in
        ["perRequestTimeoutInMS", "terminationGracePeriodMinutes", "failedAgentNodeList", "peersPerRound"]
    {
        assert!(all.contains(field), "{field} in {all}");
    }
}

/// What was written is there, field by field; what was not is a default and nothing that a user wrote.
fn assert_within(given: &Value, stored: &Value, path: &str) {
    match (given, stored) {
        (Value::Object(given), Value::Object(stored)) => given.iter().for_each(|(key, value)| {
            assert_within(value, stored.get(key).unwrap_or(&Value::Null), &format!("{path}.{key}"))
        }),
        _ => assert_eq!(given, stored, "{path}"),
    }
}

/// As the manifests in its users' repositories look: its documentation's and its end-to-end tests'.
fn kdoctor_specs() -> [(&'static str, Value); 4] {
    let target = |ingress: bool| {
        json!({"clusterIP": true, "endpoint": true, "ingress": ingress, "ipv4": true, "ipv6": false,
               "loadBalancer": true, "multusInterface": false, "nodePort": true, "enableLatencyMetric": true})
    };
    let schedule = json!({"roundNumber": 1, "roundTimeoutMinute": 1, "schedule": "0 1"});
    let request = json!({"durationInSecond": 10, "perRequestTimeoutInMS": 1000, "qps": 10});
    let expect = json!({"meanAccessDelayInMs": 1500, "successRate": 1});
    [
        (
            "documented",
            json!({"expect": expect, "request": request, "schedule": schedule, "target": target(true)}),
        ),
        (
            "patient",
            json!({"request": {"durationInSecond": 10, "perRequestTimeoutInMS": 15000, "qps": 10},
                   "schedule": {"roundNumber": 2, "roundTimeoutMinute": 1, "schedule": "0 2"}, "target": target(false)}),
        ),
        (
            "with-agents",
            json!({"agentSpec": {"hostNetwork": false, "kind": "Deployment", "deploymentReplicas": 2, "terminationGracePeriodMinutes": 1,
                                 "annotation": {"a/b": "c"}, "env": [{"name": "X", "value": "y"}],
                                 "resources": {"limits": {"cpu": "500m", "memory": "500Mi"}, "requests": {"cpu": "250m", "memory": "128Mi"}}},
                   "expect": expect, "request": request, "schedule": schedule, "target": target(false)}),
        ),
        (
            "by-cron",
            json!({"schedule": {"roundNumber": -1, "roundTimeoutMinute": 1, "schedule": "*/1 * * * *"}, "target": target(false)}),
        ),
    ]
}

#[test]
fn manifests_of_kdoctor_apply_and_come_back_unchanged() {
    for (name, spec) in kdoctor_specs() {
        let applied = KUBECTL.apply(&manifest(name, spec.clone()));
        assert_eq!(applied.code, 0, "{name}: {}", applied.err);
        assert_within(&spec, &get(name)["spec"], "spec");
        // Applied once more, nothing is to be changed: the server keeps what was written as it was.
        let again = KUBECTL.apply(&manifest(name, spec));
        assert!(again.out.ends_with("unchanged\n"), "{}", again.out);
    }
}

#[test]
fn the_samples_apply() {
    for sample in ["netreach.yaml", "netreach-all.yaml"] {
        let file = root().join("config/samples").join(sample);
        let applied = KUBECTL.call("apply --dry-run=server -f").arg(&file).run();
        assert_eq!(applied.code, 0, "{sample}: {}", applied.err);
        assert_eq!(applied.err, "", "{sample}");
    }
}

#[test]
fn defaults_of_the_schema_are_filled_in_where_their_parent_is() {
    assert_eq!(KUBECTL.apply(&manifest("sparse", json!({"request": {"qps": 3}}))).code, 0);
    let spec = get("sparse")["spec"].clone();
    assert_eq!(spec["request"]["qps"], 3);
    assert_eq!(spec["request"]["perRequestTimeoutInMS"], 500);
    // Not under a parent that is absent: those are the webhook's.
    assert_eq!(spec["schedule"], Value::Null);
}
