//! What every Kubernetes object begins with: whose it is, of which kind, and its name.

use serde_json::Value;

use crate::field_error::{FieldError, name_value, quote};
use crate::limits::{ERRORS_MAX, NAME_CHARS_MAX};
use crate::names::{API_VERSION, KIND};
use crate::nearest::nearest;
use crate::path::is_plain;

const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// Every fault of a document outside its spec. Of `metadata` only the name is looked at: the rest is
/// Kubernetes' own. `status` is not looked at: it is never the user's to write.
pub(crate) fn faults(document: &Value) -> Vec<FieldError> {
    let Some(fields) = document.as_object() else {
        let message = format!("must be one {KIND} object, got {}", name_value(document));
        return vec![FieldError::new("", message)];
    };
    let mut errors = Vec::new();
    errors.extend(must_be("apiVersion", API_VERSION, fields.get("apiVersion")));
    errors.extend(must_be("kind", KIND, fields.get("kind")));
    errors.extend(name_fault(fields.get("metadata")));
    for name in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())).take(ERRORS_MAX + 1) {
        let hint = match nearest(name, FIELDS) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "remove it".to_owned(),
        };
        let path = if is_plain(name) { name.clone() } else { quote(name) };
        errors.push(FieldError::new(path, format!("is no field of a {KIND}: {hint}")));
    }
    errors
}

/// Whether a document says that it is something else altogether, so that nothing more can be said about it.
pub(crate) fn is_foreign(document: &Value) -> bool {
    let other = |field: &str, ours: &str| document[field].as_str().is_some_and(|text| text != ours);
    !document.is_object() || (other("apiVersion", API_VERSION) && other("kind", KIND))
}

fn must_be(field: &str, wanted: &str, value: Option<&Value>) -> Option<FieldError> {
    match value {
        Some(Value::String(text)) if text == wanted => None,
        Some(value) => Some(FieldError::new(field, format!("must be {wanted}, got {}", name_value(value)))),
        None => Some(FieldError::new(field, format!("is missing: write {wanted}"))),
    }
}

/// A generated name is not there yet, and the API server makes it right.
fn name_fault(metadata: Option<&Value>) -> Option<FieldError> {
    let metadata = match metadata {
        Some(Value::Object(metadata)) => metadata,
        None => return Some(FieldError::new("metadata.name", "is missing: write a name")),
        Some(other) => {
            let message = format!("must be a map of fields, got {}", name_value(other));
            return Some(FieldError::new("metadata", message));
        }
    };
    match metadata.get("name") {
        Some(Value::String(name)) if is_subdomain(name) => None,
        None if metadata.get("generateName").is_some_and(Value::is_string) => None,
        None => Some(FieldError::new("metadata.name", "is missing: write a name")),
        Some(other) => Some(FieldError::new(
            "metadata.name",
            format!(
                "must be at most {NAME_CHARS_MAX} lower-case letters, digits, '-' and '.', each part between dots \
                 beginning and ending with a letter or digit, got {}",
                name_value(other)
            ),
        )),
    }
}

/// A DNS subdomain as Kubernetes has it (RFC 1123).
fn is_subdomain(name: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= NAME_CHARS_MAX
        && name.split('.').map(str::as_bytes).all(|part| {
            part.first().is_some_and(alphanumeric)
                && part.last().is_some_and(alphanumeric)
                && part.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(document: Value, expected: &[&str]) {
        let found: Vec<_> = faults(&document).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{document}");
    }

    #[test]
    fn a_document_must_be_ours_and_have_a_name() {
        let ours = |metadata: Value| json!({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata});
        check(ours(json!({"name": "task", "labels": {"a": "b"}, "creationTimestamp": null})), &[]);
        check(ours(json!({"name": format!("{}.b-1", "a".repeat(249))})), &[]);
        check(ours(json!({"generateName": "task-"})), &[]);
        check(ours(json!({})), &["metadata.name: is missing: write a name"]);
        check(ours(json!(5)), &["metadata: must be a map of fields, got 5"]);
        check(json!([]), &["must be one NetReach object, got a list"]);
        check(
            json!({"apiVersion": "v1", "metadata": {"name": "a"}, "specs": {}}),
            &[
                "apiVersion: must be kdoctor.io/v1beta1, got the string \"v1\"",
                "kind: is missing: write NetReach",
                "specs: is no field of a NetReach: did you mean spec?",
            ],
        );
    }

    #[test]
    fn names_are_subdomains() {
        for good in ["a", "0", "a-b.c", &"a".repeat(253)] {
            assert!(is_subdomain(good), "{good}");
        }
        for bad in ["", ".", "a.", "-a", "a-", "a..b", "A", "a_b", "a b", "é", "a\n", &"a".repeat(254)] {
            assert!(!is_subdomain(bad), "{bad}");
        }
    }
}
