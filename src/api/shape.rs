//! Holds a raw spec against the schema of the definition and tells every part that does not fit, where a
//! deserializer would stop at the first. Stricter than an API server in one thing: unknown fields are
//! refused, not dropped.

use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::{Map, Value, json};

use crate::field_error::FieldError;
use crate::nearest::nearest;
use crate::path::Path;
use crate::wording::wording;
use crate::{crd, limits};

/// A part of a spec that does not fit.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// What to take out, so that the rest can be looked at.
    pub(crate) at: Path,
    /// What to tell the user.
    pub(crate) error: FieldError,
}

/// Every part of `spec` that does not fit, at most one more than [`limits::ERRORS_MAX`].
pub(crate) fn refusals(spec: &Value) -> Vec<Refusal> {
    STRICT
        .validator
        .iter_errors(spec)
        .flat_map(|error| refuse(spec, &error))
        .take(limits::ERRORS_MAX + 1)
        .collect()
}

struct Strict {
    schema: Value,
    validator: Validator,
}

static STRICT: LazyLock<Strict> = LazyLock::new(|| {
    let mut schema = crd::spec_schema().clone();
    crd::each_schema(&mut schema, &mut tighten);
    let validator = jsonschema::options()
        .with_draft(Draft::Draft4)
        .should_validate_formats(false)
        .build(&schema)
        .expect("the definition's schema is one, as its tests show");
    Strict { schema, validator }
});

/// Writes into a schema what API servers know without being told.
fn tighten(schema: &mut Map<String, Value>) {
    if schema.contains_key("properties") && !schema.contains_key("additionalProperties") {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if schema.remove("x-kubernetes-int-or-string").is_some() {
        schema.remove("anyOf");
        schema.insert("type".to_owned(), json!(["integer", "string"]));
    }
    let bounds = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        Some("int64") => (i64::MIN, i64::MAX),
        _ => return,
    };
    schema.entry("minimum").or_insert(json!(bounds.0));
    schema.entry("maximum").or_insert(json!(bounds.1));
}

/// What to tell about one error of the validator: an error about unknown fields holds them all.
fn refuse(spec: &Value, error: &ValidationError<'_>) -> Vec<Refusal> {
    let at = Path::read(spec, error.instance_path().as_str());
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let names = unexpected.iter().take(limits::ERRORS_MAX + 1);
            names.map(|name| unknown(&at, name, error.schema_path().as_str())).collect()
        }
        ValidationErrorKind::Required { property } => {
            let missing = at.field(property.as_str().unwrap_or_default()).to_string();
            vec![Refusal { at, error: FieldError::new(missing, "is missing: write a value") }]
        }
        // A value of the wrong type is told once, by its type.
        ValidationErrorKind::Enum { .. } if !error.instance().is_string() => vec![],
        _ => {
            let error = FieldError::new(at.to_string(), wording(error));
            vec![Refusal { at, error }]
        }
    }
}

fn unknown(parent: &Path, name: &str, schema_path: &str) -> Refusal {
    let at = parent.field(name);
    let siblings = schema_path
        .strip_suffix("/additionalProperties")
        .and_then(|parent| STRICT.schema.pointer(parent))
        .and_then(|parent| parent["properties"].as_object());
    let names = siblings.into_iter().flat_map(Map::keys).map(String::as_str);
    let message = match (nearest(name, names), home(name)) {
        (Some(meant), _) => format!("is no field of {parent}: did you mean {meant}?"),
        (None, Some(home)) => format!("is no field of {parent}: write it as {home}"),
        (None, None) => format!("is no field of {parent}: remove it"),
    };
    Refusal { error: FieldError::new(at.to_string(), message), at }
}

/// The path of the field `name`, when it is a field of the spec or of one of its parts.
fn home(name: &str) -> Option<String> {
    let parts = STRICT.schema["properties"].as_object()?;
    if parts.contains_key(name) {
        return Some(format!("spec.{name}"));
    }
    let (part, _) = parts.iter().find(|(_, part)| part["properties"].get(name).is_some())?;
    Some(format!("spec.{part}.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(spec: Value, expected: &[&str]) {
        let mut found: Vec<_> = refusals(&spec).iter().map(|refusal| refusal.error.to_string()).collect();
        found.sort();
        assert_eq!(found, expected, "{spec}");
    }

    #[test]
    fn what_fits_is_not_refused() {
        check(json!({}), &[]);
        check(json!({"schedule": {}, "target": {"endpoint": true}}), &[]);
        check(json!({"expect": {"successRate": 0.5, "statusCode": 204}}), &[]);
        check(json!({"agentSpec": {"resources": {"limits": {"cpu": 2, "memory": "128Mi"}}}}), &[]);
        check(json!({"agentSpec": {"annotation": {"a/b": "c"}, "env": [{"name": "A", "value": "b"}]}}), &[]);
    }

    #[test]
    fn wrong_types_say_what_to_write() {
        check(json!("x"), &["spec: must be a map of fields, got the string \"x\""]);
        let check = |spec, expected| check(spec, &[expected]);
        check(
            json!({"request": {"qps": "10"}}),
            "spec.request.qps: must be a whole number, got the string \"10\": write 10 without quotes",
        );
        check(
            json!({"request": {"qps": "ten"}}),
            "spec.request.qps: must be a whole number, got the string \"ten\"",
        );
        check(json!({"request": {"qps": 1.5}}), "spec.request.qps: must be a whole number, got 1.5");
        check(
            json!({"request": {"qps": null}}),
            "spec.request.qps: is empty: write a whole number or remove the field",
        );
        check(
            json!({"target": {"ipv6": "true"}}),
            "spec.target.ipv6: must be true or false, got the string \"true\": write true without quotes",
        );
        check(
            json!({"schedule": {"schedule": 5}}),
            "spec.schedule.schedule: must be a string, got 5: write \"5\" in quotes",
        );
        check(json!({"request": [1]}), "spec.request: must be a map of fields, got a list");
        check(json!({"agentSpec": {"env": {}}}), "spec.agentSpec.env: must be a list, got a map of fields");
        check(
            json!({"agentSpec": {"resources": {"limits": {"cpu": 0.5}}}}),
            "spec.agentSpec.resources.limits.cpu: must be a whole number or a string, got 0.5: write \"0.5\" in quotes",
        );
    }

    #[test]
    fn wrong_values_say_the_rule() {
        let check = |spec, expected| check(spec, &[expected]);
        check(json!({"request": {"qps": 0}}), "spec.request.qps: must be at least 1, got 0");
        check(
            json!({"request": {"qps": u64::MAX}}),
            "spec.request.qps: must be at most 9223372036854775807, got 18446744073709551615",
        );
        check(json!({"expect": {"successRate": 1.5}}), "spec.expect.successRate: must be at most 1, got 1.5");
        check(
            json!({"agentSpec": {"kind": "deployment"}}),
            "spec.agentSpec.kind: must be Deployment or DaemonSet, got the string \"deployment\": did you mean \
             Deployment?",
        );
        check(
            json!({"agentSpec": {"kind": 5}}),
            "spec.agentSpec.kind: must be a string, got 5: write \"5\" in quotes",
        );
        check(
            json!({"agentSpec": {"resources": {"limits": {"memory": "lots"}}}}),
            "spec.agentSpec.resources.limits.memory: must be a quantity such as 100m, 2 or 128Mi, got the string \"lots\"",
        );
        check(
            json!({"agentSpec": {"env": [{"name": "A"}, {"value": "b"}]}}),
            "spec.agentSpec.env[1].name: is missing: write a value",
        );
    }

    #[test]
    fn unknown_fields_are_refused_with_a_hint() {
        let check = |spec, expected| check(spec, &[expected]);
        check(
            json!({"target": {"clusterIp": true}}),
            "spec.target.clusterIp: is no field of spec.target: did you mean clusterIP?",
        );
        check(json!({"qps": 5}), "spec.qps: is no field of spec: write it as spec.request.qps");
        check(
            json!({"request": {"suspend": true}}),
            "spec.request.suspend: is no field of spec.request: write it as spec.suspend",
        );
        check(json!({"request": {"body": ""}}), "spec.request.body: is no field of spec.request: remove it");
    }

    #[test]
    fn hostile_specs_get_a_bounded_answer() {
        let fields: Map<_, _> =
            (0..10_000).map(|i| (format!("{i}{}", "\u{1b}".repeat(90)), json!(1))).collect();
        let items: Vec<_> = (0..10_000).map(|_| json!(5)).collect();
        for spec in [json!({"target": fields}), json!({"agentSpec": {"env": items}})] {
            let found = refusals(&spec);
            assert_eq!(found.len(), limits::ERRORS_MAX + 1);
            assert!(found.iter().all(|refusal| refusal.error.to_string().len() < 600), "{:?}", found[0]);
            assert!(found.iter().all(|refusal| !refusal.error.to_string().contains('\u{1b}')));
        }
    }
}
