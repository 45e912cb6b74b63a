//! Takes a question and what is known of the cluster, makes the answer. Pure.

use k8s_openapi::ByteString;
use netreach_api::names::{API_VERSION, KIND};
use netreach_api::{Admitted, ClusterFacts, FieldError, admit, admit_change};
use serde_json::{Value, json};

use crate::patch::additions;
use crate::review::{Answer, GroupVersionKind, NoReview, Question, read};

/// What the API server is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Objects may be changed still.
    Mutate,
    /// Nothing may change any more.
    Validate,
}

/// Answers one review. An object with a fault is refused in both phases, with all of its faults: the schema's own
/// are found by the API server only between the two, and it would tell them alone.
///
/// # Errors
/// When the body is no question.
pub fn review(phase: Phase, body: &[u8], facts: &ClusterFacts) -> Result<Answer, NoReview> {
    let question = read(body)?;
    let Question { uid, kind, sub_resource, operation, object, old_object } = question;
    if !is_ours(&kind) {
        let warning = format!(
            "netreach-webhook was asked about a {}, of which it knows nothing: its configuration should name {KIND} alone",
            printable(&kind.kind)
        );
        return Ok(Answer { warnings: vec![warning], ..allowed(uid) });
    }
    let is_write = matches!(operation.as_str(), "CREATE" | "UPDATE");
    let Some(object) = object.filter(|_| is_write && sub_resource.is_none_or(|sub| sub.is_empty())) else {
        return Ok(allowed(uid));
    };
    let object: Value = serde_json::from_str(object.get())?;
    let old: Option<Value> = old_object.map(|old| serde_json::from_str(old.get())).transpose()?;
    let old = old.filter(Value::is_object);
    if object["metadata"].get("deletionTimestamp").is_some_and(Value::is_string) {
        return Ok(allowed(uid));
    }
    // The rest of an object, which is most of it, is not needed twice.
    let (spec, name) = (object.get("spec").cloned(), object["metadata"]["name"].as_str().map(printable));
    let admitted = match &old {
        Some(old) => admit_change(object, old, facts),
        None => admit(object, facts),
    };
    Ok(match admitted {
        Ok(admitted) if phase == Phase::Mutate => patched(uid, spec.as_ref(), &admitted),
        Ok(admitted) => Answer { warnings: admitted.warnings, ..allowed(uid) },
        // It was wrong before, and this is about something else: labels, say.
        Err(_) if old.is_some_and(|old| old.get("spec") == spec.as_ref()) => allowed(uid),
        Err(faults) => refused(uid, &name.unwrap_or_default(), &faults),
    })
}

fn is_ours(kind: &GroupVersionKind) -> bool {
    kind.kind == KIND && API_VERSION.split_once('/') == Some((kind.group.as_str(), kind.version.as_str()))
}

fn allowed(uid: String) -> Answer {
    Answer { uid, allowed: true, warnings: vec![], patch_type: None, patch: None, status: None }
}

fn patched(uid: String, spec: Option<&Value>, admitted: &Admitted) -> Answer {
    let whole = serde_json::to_value(&admitted.net_reach.spec).expect("a spec is plain data");
    let operations = additions(spec, whole, "/spec");
    if operations.is_empty() {
        return allowed(uid);
    }
    let patch = ByteString(Value::Array(operations).to_string().into_bytes());
    Answer { patch_type: Some("JSONPatch"), patch: Some(patch), ..allowed(uid) }
}

/// As an API server tells of an object that its own schema refuses, so that kubectl lists every fault.
fn refused(uid: String, name: &str, faults: &[FieldError]) -> Answer {
    let (group, _) = API_VERSION.split_once('/').unwrap_or_default();
    let causes: Vec<_> = faults
        .iter()
        .map(
            |fault| json!({"reason": "FieldValueInvalid", "field": fault.path(), "message": fault.message()}),
        )
        .collect();
    let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
    let status = json!({
        "status": "Failure",
        "code": 422,
        "reason": "Invalid",
        "message": format!("{KIND}.{group} \"{name}\" is invalid: {}", all.join("; ")),
        "details": {"group": group, "kind": KIND, "name": name, "causes": causes},
    });
    Answer { allowed: false, status: Some(status), ..allowed(uid) }
}

/// A name as it may be repeated: of the characters that names are made of, and not too long.
fn printable(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')).take(253).collect()
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
