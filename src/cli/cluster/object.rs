//! What is sent to the cluster. Pure.

use std::num::NonZeroU64;

use netreach_api::{NetReach, NetReachSpec};
use serde_json::{Map, Value, json};

/// Gives what a user wrote another name.
pub(super) fn rename(raw: &mut Value, name: &str) {
    let Some(object) = raw.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.remove("generateName");
        metadata.insert("name".to_owned(), name.into());
    }
}

/// What the user wrote, in the form in which it was admitted and without our defaults: the cluster has its own, for it knows
/// which IP versions it has. Of the metadata only what users write: an object that was printed can be run again.
pub(super) fn as_written(raw: &Value, admitted: &NetReach, rounds: Option<NonZeroU64>) -> NetReach {
    let whole = serde_json::to_value(&admitted.spec).unwrap_or_default();
    let written = written(&raw["spec"], &whole).unwrap_or_else(|| json!({}));
    // What is left of a spec is one: every field may be absent.
    let mut spec: NetReachSpec = serde_json::from_value(written).unwrap_or_else(|_| admitted.spec.clone());
    if let Some(rounds) = rounds {
        let schedule = spec.schedule.get_or_insert_default();
        schedule.round_number = Some(i64::try_from(rounds.get()).unwrap_or(i64::MAX));
    }
    let mut object = NetReach::new("", spec);
    object.metadata.name = admitted.metadata.name.clone();
    object.metadata.generate_name = admitted.metadata.generate_name.clone();
    object.metadata.labels = admitted.metadata.labels.clone();
    object.metadata.annotations = admitted.metadata.annotations.clone();
    object
}

/// The part of `whole` that `raw` speaks of.
fn written(raw: &Value, whole: &Value) -> Option<Value> {
    match (raw, whole) {
        (Value::Null, _) => None,
        (Value::Object(raw), Value::Object(whole)) => {
            let named = |(key, value): (&String, &Value)| {
                let of_raw = written(raw.get(key)?, value)?;
                Some((key.clone(), of_raw))
            };
            Some(Value::Object(whole.iter().filter_map(named).collect::<Map<_, _>>()))
        }
        (_, whole) => Some(whole.clone()),
    }
}

#[cfg(test)]
mod tests {
    use netreach_api::{Admitted, ClusterFacts, admit};

    use super::*;

    fn sent(raw: Value, rounds: Option<u64>) -> Value {
        let Admitted { net_reach, .. } = admit(raw.clone(), &ClusterFacts::default()).unwrap();
        serde_json::to_value(as_written(&raw, &net_reach, rounds.and_then(NonZeroU64::new))).unwrap()
    }

    #[test]
    fn what_was_not_written_is_left_to_the_cluster() {
        let raw = json!({
            "apiVersion": "kdoctor.io/v1beta1",
            "kind": "NetReach",
            "metadata": {
                "name": "task", "labels": {"a": "b"}, "annotations": {"c": "d"},
                "resourceVersion": "7", "uid": "0c5e", "generation": 3,
            },
            "spec": {
                "request": {"qps": 10.0},
                "target": {"ingress": false},
                "expect": {"successRate": 0.5},
            },
            "status": {"finish": true},
        });
        let expected = json!({
            "apiVersion": "kdoctor.io/v1beta1",
            "kind": "NetReach",
            "metadata": {"name": "task", "labels": {"a": "b"}, "annotations": {"c": "d"}},
            "spec": {"request": {"qps": 10}, "target": {"ingress": false}, "expect": {"successRate": 0.5}},
        });
        assert_eq!(sent(raw, None), expected);
    }

    #[test]
    fn rounds_and_name_are_those_asked_for() {
        let mut raw = json!({
            "apiVersion": "kdoctor.io/v1beta1",
            "kind": "NetReach",
            "metadata": {"generateName": "gate-"},
        });
        let sent_as = |raw: &Value| sent(raw.clone(), Some(3))["metadata"].clone();
        assert_eq!(sent_as(&raw), json!({"generateName": "gate-"}));
        rename(&mut raw, "mine");
        assert_eq!(sent_as(&raw), json!({"name": "mine"}));
        assert_eq!(sent(raw, Some(3))["spec"], json!({"schedule": {"roundNumber": 3}}));
        let mut nameless = json!({"kind": "NetReach"});
        rename(&mut nameless, "mine");
        assert_eq!(nameless["metadata"]["name"], "mine");
    }
}
