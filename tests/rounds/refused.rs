//! An API server that does not take what a NetReach needs.

use netreach_tests::net_reach;
use serde_json::json;

use super::ground::{Ground, NAMESPACE, condition, words};

/// A webhook of somebody else's that is asked for every Ingress and never answers.
fn no_ingress(ground: &Ground) {
    let webhook = json!({
        "name": "ingress.nobody.example.org", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
        "timeoutSeconds": 1, "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [{"apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["ingresses"]}],
    });
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "nobody"}, "webhooks": [webhook],
    });
    assert_eq!(ground.kubectl.apply(&configuration.to_string()).code, 0);
    // It takes a moment until it is asked.
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "trial", "namespace": NAMESPACE},
        "spec": {"defaultBackend": {"service": {"name": "nothing", "port": {"number": 80}}}},
    });
    let is_asked = |answer: &netreach_tests::Finished| answer.err.contains("nobody.example.org");
    ground.kubectl.await_answer("--dry-run=server", &ingress.to_string(), is_asked);
}

#[test]
fn an_ingress_that_is_not_taken_is_told_by_whom_it_concerns_and_stops_nobody_else() {
    let ground = Ground::new();
    let _manager = ground.manager();
    no_ingress(&ground);
    ground.apply(&net_reach("fronted").with("/spec/target/ingress", true));
    ground.apply(&net_reach("plain"));
    let own = net_reach("own").with("/spec/target/ingress", true).with("/spec/agentSpec", json!({}));
    ground.apply(&own);

    let plain = ground.await_finish("plain");
    assert_eq!(plain["lastRoundStatus"], "succeed", "{plain}");
    assert_eq!(condition(&plain, "Ready"), ("True", "Prepared"), "{plain}");
    for (name, ingress) in
        [("fronted", "Ingress netreach-agent could not be made: "), ("own", "Ingress nr-own-")]
    {
        let status = ground.await_status(name, |status| words(status, "Ready").contains(ingress));
        assert_eq!(condition(&status, "Ready"), ("False", "Preparing"));
        let told = words(&status, "Ready");
        assert!(told.contains("could not be made: ") && told.contains("nobody.example.org"), "{told}");
    }
    // All else that it needs was made, and what there is to probe is probed.
    let of_own = format!("daemonset -n {NAMESPACE} -l kdoctor.io/netreach-uid={}", ground.uid("own"));
    ground.kubectl.await_object(&of_own, |sets| sets["items"].as_array().unwrap().len() == 1);
    let fronted = ground.await_complete("fronted");
    let round = &fronted["history"][0];
    let reason = round["failureReason"].as_str().unwrap();
    let told = "the Ingress of the agents has no IPv4 address (Ingress netreach-agent could not be made: ";
    assert!(reason.starts_with("TargetMissing: ") && reason.contains(told), "{reason}");
    let record = ground.record("fronted", 1);
    let targets: Vec<_> = record.agents.iter().flat_map(|agent| &agent.targets).collect();
    assert_eq!(targets.len(), 4, "{targets:?}");
    assert!(targets.iter().all(|target| target.statuses[&200] == 20), "{targets:?}");
    // What could not be made is tried again.
    ground.kubectl.ok("delete validatingwebhookconfiguration nobody");
    let of_own = format!("ingress -n {NAMESPACE} -l kdoctor.io/netreach-uid={}", ground.uid("own"));
    ground.kubectl.await_object(&of_own, |ingresses| ingresses["items"].as_array().unwrap().len() == 1);
}
