//! What holds while the webhook is away, and when it was never there.

use serde_json::{Value, json};

use super::ground::{Ground, object};

const HELD: &str = r#"{"metadata": {"finalizers": ["kdoctor.io/test"]}}"#;

#[test]
fn with_the_webhook_away_only_writes_of_net_reaches_stop() {
    let ground = Ground::own(1);
    for name in ["goes", "stays", "held"] {
        assert_eq!(ground.apply(name, &json!({})).code, 0);
    }
    ground.kubectl.ok("create configmap before");
    assert_eq!(ground.kubectl.call("patch nr held --type=merge -p").arg(HELD).run().code, 0);
    let Ground { kubectl, service, .. } = &ground;
    service.stop();

    for refused in [
        kubectl.apply(&object("new", &json!({}))),
        kubectl.call("patch nr stays --type=merge -p").arg(r#"{"spec": {"suspend": true}}"#).run(),
    ] {
        assert_eq!(refused.code, 1, "{}", refused.out);
        for said in ["failed calling webhook", "kdoctor.io", "connection refused"] {
            assert!(refused.err.contains(said), "{}", refused.err);
        }
    }
    // Everything else goes on: status, deletion, other kinds, an object that waits for its finalizer.
    let status = r#"{"status": {"doneRound": 3, "finish": false}}"#;
    let set = kubectl.call("patch nr stays --subresource=status --type=merge -p").arg(status).run();
    assert_eq!(set.code, 0, "{}", set.err);
    kubectl.ok("delete nr goes");
    kubectl.ok("delete nr held --wait=false");
    let released = r#"{"metadata": {"finalizers": null}}"#;
    let released = kubectl.call("patch nr held --type=merge -p").arg(released).run();
    assert_eq!(released.code, 0, "{}", released.err);
    kubectl.ok("delete configmap before");
    kubectl.ok("create configmap after");
    let left = kubectl.ok("get nr -o name");
    assert_eq!(left.trim(), "netreach.kdoctor.io/stays");
}

/// Specs that the definition alone has to refuse, by the path it names.
fn refused_by_the_definition() -> [(Value, &'static str); 17] {
    let variable = |from: Value| json!({"agentSpec": {"env": [{"name": "A", "valueFrom": from}]}});
    let annotation = |key: &str| json!({"agentSpec": {"annotation": {key: "a"}}});
    let key = json!({"name": "netreach-ca", "key": "tls.key"});
    [
        (variable(json!({"secretKeyRef": key})), "spec.agentSpec.env[0].valueFrom.secretKeyRef"),
        (variable(json!({"configMapKeyRef": key})), "spec.agentSpec.env[0].valueFrom.configMapKeyRef"),
        (annotation("kdoctor.io/netreach"), "spec.agentSpec.annotation"),
        (annotation("k8s.v1.cni.cncf.io/network-status"), "spec.agentSpec.annotation"),
        (annotation("k8s.v1.cni.cncf.io/networks-status"), "spec.agentSpec.annotation"),
        (json!({"agentSpec": {"deploymentReplicas": 2}}), "spec.agentSpec"),
        (json!({"agentSpec": {"kind": "DaemonSet", "deploymentReplicas": 1}}), "spec.agentSpec"),
        (json!({"target": {"clusterIP": false, "endpoint": false, "nodePort": false}}), "spec.target"),
        (json!({"target": {"ipv4": false, "ipv6": false}}), "spec.target"),
        (json!({"request": {"durationInSecond": 61}, "schedule": {"roundTimeoutMinute": 1}}), "spec"),
        (
            json!({"request": {"perRequestTimeoutInMS": 60_001}, "schedule": {"roundTimeoutMinute": 1}}),
            "spec",
        ),
        (json!({"request": {"durationInSecond": i64::MAX}}), "spec"),
        (json!({"schedule": {"roundTimeoutMinute": i64::MAX}}), "spec"),
        (json!({"request": {"qps": 0}}), "spec.request.qps"),
        (json!({"request": {"connection": "keep"}}), "spec.request.connection"),
        (json!({"expect": {"successRate": 1.5}}), "spec.expect.successRate"),
        (json!({"schedule": {"roundNumber": -2}}), "spec.schedule.roundNumber"),
    ]
}

/// Changes that the definition alone has to refuse.
fn changes_refused_by_the_definition() -> [(Value, &'static str); 4] {
    [
        (json!({"target": {"ingress": true}}), "spec.target"),
        (json!({"target": {"nodePort": false}}), "spec.target"),
        (json!({"agentSpec": {"deploymentReplicas": 3}}), "spec.agentSpec"),
        (json!({"agentSpec": null}), "spec.agentSpec"),
    ]
}

#[test]
fn with_the_configurations_deleted_the_definition_still_holds() {
    let ground = Ground::own(1);
    ground.kubectl.ok("delete mutatingwebhookconfigurations,validatingwebhookconfigurations --all");
    ground.kubectl.await_answer("--dry-run=server -o json", &object("await", &json!({})), |answer| {
        answer.code == 0 && answer.json()["spec"]["schedule"].is_null()
    });
    for (spec, path) in refused_by_the_definition() {
        let answer = ground.apply("wrong", &spec);
        assert_eq!(answer.code, 1, "{spec} was taken");
        assert!(answer.err.contains(path), "{spec}: {}", answer.err);
    }
    let right =
        json!({"agentSpec": {"kind": "Deployment", "deploymentReplicas": 2}, "target": {"ingress": false}});
    for spec in [
        json!({}),
        json!({"request": {}, "schedule": {}, "target": {}, "expect": {}, "agentSpec": {}}),
        right,
        json!({"agentSpec": {
            "annotation": {"k8s.v1.cni.cncf.io/networks": "kube-system/second"},
            "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        }}),
    ] {
        assert_eq!(ground.apply("right", &spec).code, 0, "{spec}");
        ground.kubectl.ok("delete nr right");
    }
    let first =
        json!({"agentSpec": {"kind": "Deployment", "deploymentReplicas": 2}, "target": {"ingress": false}});
    assert_eq!(ground.apply("changes", &first).code, 0);
    let patch = |spec: &Value| {
        let patch = json!({"spec": spec}).to_string();
        ground.kubectl.call("patch nr changes --type=merge -p").arg(patch).run()
    };
    for (spec, path) in changes_refused_by_the_definition() {
        let answer = patch(&spec);
        assert_eq!(answer.code, 1, "{spec} was taken");
        assert!(answer.err.contains(path), "{spec}: {}", answer.err);
    }
    // A default that is written out, and what may change.
    for spec in [
        json!({"agentSpec": {"hostNetwork": false}, "target": {"nodePort": true}}),
        json!({"request": {"qps": 9}, "suspend": true}),
    ] {
        let answer = patch(&spec);
        assert_eq!(answer.code, 0, "{spec}: {}", answer.err);
    }
}

/// Every path that one value has beyond another.
fn beyond(more: &Value, less: &Value, path: &str) -> Vec<String> {
    match (more, less) {
        (Value::Object(more), Value::Object(less)) => {
            let each = more.iter().flat_map(|(key, value)| match less.get(key) {
                Some(there) => beyond(value, there, &format!("{path}.{key}")),
                None => vec![format!("{path}.{key}")],
            });
            each.collect()
        }
        _ if more == less => vec![],
        _ => vec![format!("{path} differs")],
    }
}

#[test]
fn with_and_without_differ_in_exactly_what_the_webhook_fills_in() {
    let ground = Ground::own(1);
    let specs = [
        json!({"agentSpec": {}, "expect": {}, "request": {}, "schedule": {}, "target": {}}),
        json!({"agentSpec": {"kind": "Deployment"}, "target": {"ipv4": true}}),
    ];
    let stored = |name: &str| {
        specs
            .iter()
            .map(|spec| {
                assert_eq!(ground.apply(name, spec).code, 0, "{spec}");
                let stored = ground.spec(name);
                ground.kubectl.ok(&format!("delete nr {name}"));
                stored
            })
            .collect::<Vec<_>>()
    };
    let with = stored("with");
    ground.kubectl.ok("delete mutatingwebhookconfigurations,validatingwebhookconfigurations --all");
    ground.kubectl.await_answer("--dry-run=server -o json", &object("await", &json!({})), |answer| {
        answer.code == 0 && answer.json()["spec"]["schedule"].is_null()
    });
    let without = stored("without");
    let added: Vec<_> =
        with.iter().zip(&without).map(|(with, without)| beyond(with, without, "spec")).collect();
    // Of parts that are there, what depends on the cluster or is ours; parts that are not there, whole.
    let own = "request.connection request.peersPerRound schedule.schedule schedule.timeZone suspend target.ipv4 target.ipv6";
    let parents = "agentSpec.deploymentReplicas expect request schedule suspend target.ipv6";
    for (added, wanted) in added.iter().zip([own, parents]) {
        let wanted: Vec<_> = wanted.split(' ').map(|path| format!("spec.{path}")).collect();
        assert_eq!(added, &wanted);
    }
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(beyond(without, with, "spec"), Vec::<String>::new(), "nothing is taken away");
    }
}
