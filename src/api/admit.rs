//! Takes what a user wrote, makes a proven object of it or one list of everything that is wrong.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};

use crate::check::examine;
use crate::crd::make_whole;
use crate::field_error::{FieldError, quote};
use crate::shape::{Refusal, refusals};
use crate::{
    CheckedSpec, ClusterFacts, NetReach, NetReachSpec, changes, defaults, envelope, limits, warnings,
};

/// An object without a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    /// The object with its defaults, without a status.
    pub net_reach: NetReach,
    /// Its spec, proven.
    pub checked: CheckedSpec,
    /// What is allowed and yet probably not meant, a sentence each.
    pub warnings: Vec<String>,
}

/// Fills in defaults and proves an object.
///
/// # Errors
/// Every fault of shape and sense in one list, ordered by path, at most [`limits::ERRORS_MAX`] and a last one
/// that says when there are more.
pub fn admit(raw: Value, facts: &ClusterFacts) -> Result<Admitted, Vec<FieldError>> {
    prove(raw, None, facts)
}

/// As [`admit`], for what an object becomes that has been `old` so far: what may not change is a fault as well.
///
/// # Errors
/// As [`admit`].
pub fn admit_change(raw: Value, old: &Value, facts: &ClusterFacts) -> Result<Admitted, Vec<FieldError>> {
    // One that cannot be read was stored by another version: it binds nobody.
    let Ok(mut old) = serde_json::from_value::<NetReachSpec>(old["spec"].clone()) else {
        return prove(raw, None, facts);
    };
    let facts = facts.keeping(&old);
    defaults::apply(&mut old, &facts);
    prove(raw, Some(&old), &facts)
}

fn prove(raw: Value, old: Option<&NetReachSpec>, facts: &ClusterFacts) -> Result<Admitted, Vec<FieldError>> {
    let mut errors = envelope::faults(&raw);
    if envelope::is_foreign(&raw) {
        return Err(in_order(errors));
    }
    let (metadata, mut spec) = parts(raw);
    // YAML and JSON may write 10 as 10.0 or 1e1.
    make_whole(&mut spec);
    let refused = refusals(&spec);
    for refusal in &refused {
        refusal.at.remove_from(&mut spec);
    }
    let metadata = typed_metadata(metadata, &mut errors);
    let checked = if refused.len() > limits::ERRORS_MAX {
        None // What is left still holds parts that do not fit.
    } else {
        sense(spec, old, facts, &refused, &mut errors)
    };
    errors.extend(refused.into_iter().map(|refusal| refusal.error));
    match (checked, errors.is_empty()) {
        (Some(checked), true) => {
            let net_reach = NetReach { metadata, spec: checked.spec().clone(), status: None };
            let warnings = warnings::warnings(&checked, facts);
            Ok(Admitted { net_reach, checked, warnings })
        }
        _ => Err(in_order(errors)),
    }
}

/// Metadata and spec; an empty one for what is absent, for every field of a spec has a default.
fn parts(mut raw: Value) -> (Value, Value) {
    let mut take = |field: &str| match raw.get_mut(field) {
        Some(value) => value.take(),
        None => Value::Object(Map::new()),
    };
    (take("metadata"), take("spec"))
}

fn typed_metadata(raw: Value, errors: &mut Vec<FieldError>) -> ObjectMeta {
    let known = errors.iter().any(|error| error.path().starts_with("metadata"));
    serde_json::from_value(raw).unwrap_or_else(|error| {
        if !known {
            errors
                .push(FieldError::new("metadata", format!("is not Kubernetes metadata: {}", short(&error))));
        }
        ObjectMeta::default()
    })
}

/// Proves what the shape left of a spec. A rule is silent where it read a part that was refused, because what
/// stands there now is not what the user wrote.
fn sense(
    spec: Value,
    old: Option<&NetReachSpec>,
    facts: &ClusterFacts,
    refused: &[Refusal],
    errors: &mut Vec<FieldError>,
) -> Option<CheckedSpec> {
    let mut spec: NetReachSpec = match serde_json::from_value(spec) {
        Ok(spec) => spec,
        Err(error) => {
            errors.push(FieldError::new("spec", format!("cannot be read: {}", short(&error))));
            return None;
        }
    };
    defaults::apply(&mut spec, facts);
    let gone: Vec<_> = refused.iter().map(|refusal| refusal.at.to_string()).collect();
    let changed = old.map(|old| changes::forbidden(old, &spec)).unwrap_or_default();
    errors.extend(changed.into_iter().filter(|change| !is_gone(change.path(), &gone)));
    match examine(&spec) {
        Ok(checked) => Some(checked),
        Err(faults) => {
            let told =
                faults.into_iter().filter(|fault| !fault.reads.iter().any(|read| is_gone(read, &gone)));
            errors.extend(told.map(|fault| fault.error));
            None
        }
    }
}

fn is_gone(read: &str, gone: &[String]) -> bool {
    gone.iter().any(|gone| {
        read.strip_prefix(gone.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// A deserializer's message repeats what it read: cut, and harmless for a terminal.
fn short(error: &serde_json::Error) -> String {
    quote(&error.to_string())
}

fn in_order(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    errors.sort();
    errors.dedup();
    let more = errors.len().saturating_sub(limits::ERRORS_MAX);
    if more > 0 {
        errors.truncate(limits::ERRORS_MAX);
        errors.push(FieldError::new("", "there are more faults than are listed: correct these first"));
    }
    errors
}
