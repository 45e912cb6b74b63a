use proptest::prelude::*;

use super::*;

const ABLE: ClusterFacts = ClusterFacts {
    ipv4: true,
    ipv6: true,
    nodes: Some(3),
    load_balancer: Some(true),
    ingress: Some(true),
    multus: Some(true),
};

fn object(spec: &Value) -> Value {
    json!({"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "task"}, "spec": spec})
}

fn ask(phase: Phase, operation: &str, object: &Value, old: &Value) -> Answer {
    let kind = json!({"group": "kdoctor.io", "version": "v1beta1", "kind": KIND});
    let request =
        json!({"uid": "u", "kind": kind, "operation": operation, "object": object, "oldObject": old});
    let asked = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    review(phase, asked.to_string().as_bytes(), &ABLE).unwrap()
}

/// What an API server makes of the patch: here every operation adds.
fn patched(mut object: Value, answer: &Answer) -> Value {
    let Some(patch) = &answer.patch else { return object };
    let operations: Value = serde_json::from_slice(&patch.0).unwrap();
    for operation in operations.as_array().unwrap() {
        assert_eq!(operation["op"], "add");
        let (parent, field) = operation["path"].as_str().unwrap().rsplit_once('/').unwrap();
        let parent = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        assert!(
            parent.insert(field.to_owned(), operation["value"].clone()).is_none(),
            "{operation} replaces"
        );
    }
    object
}

#[test]
fn what_was_patched_is_not_patched_again() {
    for spec in
        [json!({}), json!({"request": {"qps": 3}, "agentSpec": {}}), json!({"target": {"ipv4": true}})]
    {
        let once = ask(Phase::Mutate, "CREATE", &object(&spec), &Value::Null);
        assert_eq!(once.patch_type, Some("JSONPatch"));
        let whole = patched(object(&spec), &once);
        for operation in ["CREATE", "UPDATE"] {
            let again = ask(Phase::Mutate, operation, &whole, &whole);
            assert_eq!((again.allowed, again.patch), (true, None), "{whole}");
        }
        assert!(ask(Phase::Validate, "CREATE", &whole, &Value::Null).allowed);
    }
}

proptest! {
    #[test]
    fn what_a_user_wrote_is_left_as_it_is(
        qps in proptest::option::of(1..200_i64),
        duration in proptest::option::of(1..30_i64),
        rounds in proptest::option::of(prop_oneof![Just(-1), 1..9_i64]),
        ipv6 in proptest::option::of(any::<bool>()),
        kind in proptest::option::of(prop_oneof![Just("DaemonSet"), Just("Deployment")]),
        suspend in proptest::option::of(any::<bool>()),
    ) {
        let mut spec = json!({"request": {}, "schedule": {}, "target": {}});
        for (part, field, value) in [
            ("request", "qps", json!(qps)), ("request", "durationInSecond", json!(duration)),
            ("schedule", "roundNumber", json!(rounds)), ("target", "ipv6", json!(ipv6)), ("agentSpec", "kind", json!(kind)),
        ] {
            if !value.is_null() {
                spec[part][field] = value;
            }
        }
        if let Some(suspend) = suspend {
            spec["suspend"] = json!(suspend);
        }
        let answer = ask(Phase::Mutate, "CREATE", &object(&spec), &Value::Null);
        prop_assert!(answer.allowed, "{answer:?}");
        // `patched` refuses to replace anything.
        let whole = patched(object(&spec), &answer);
        prop_assert_eq!(ask(Phase::Mutate, "CREATE", &whole, &Value::Null).patch, None);
    }

    #[test]
    fn whatever_comes_is_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(review(Phase::Mutate, &body, &ABLE).is_err());
    }
}

#[test]
fn a_refusal_lists_every_fault_as_a_cause() {
    let refused =
        ask(Phase::Validate, "CREATE", &object(&json!({"request": {"qps": 0, "rate": 1}})), &Value::Null);
    let status = refused.status.unwrap();
    assert_eq!(
        (refused.allowed, &status["code"], &status["reason"]),
        (false, &json!(422), &json!("Invalid"))
    );
    let fields: Vec<_> =
        status["details"]["causes"].as_array().unwrap().iter().map(|cause| &cause["field"]).collect();
    assert_eq!(fields, ["spec.request.qps", "spec.request.rate"]);
    assert!(status["message"].as_str().unwrap().starts_with("NetReach.kdoctor.io \"task\" is invalid: "));
}

#[test]
fn what_leaves_and_what_is_not_about_the_spec_passes() {
    let wrong = object(&json!({"request": {"qps": 0}}));
    let mut leaving = wrong.clone();
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert!(ask(Phase::Validate, "UPDATE", &leaving, &wrong).allowed);
    // Stored while nobody looked: its labels can be changed, its spec only to one without a fault.
    let mut labelled = wrong.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert!(ask(Phase::Validate, "UPDATE", &labelled, &wrong).allowed);
    assert!(!ask(Phase::Validate, "UPDATE", &object(&json!({"request": {"qps": -1}})), &wrong).allowed);
    assert!(ask(Phase::Validate, "DELETE", &Value::Null, &wrong).allowed);
}

#[test]
fn a_change_of_what_may_not_change_is_refused_with_its_path() {
    let (old, new) =
        (object(&json!({"target": {"ingress": false}})), object(&json!({"target": {"ingress": true}})));
    let refused = ask(Phase::Validate, "UPDATE", &new, &old);
    assert_eq!(refused.status.unwrap()["details"]["causes"][0]["field"], "spec.target.ingress");
    assert!(ask(Phase::Validate, "CREATE", &new, &Value::Null).allowed);
}
