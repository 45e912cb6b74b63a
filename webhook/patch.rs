//! A JSON patch (RFC 6902) that adds what is missing and touches nothing that is there: what a user wrote keeps its
//! spelling.

use serde_json::{Value, json};

/// Every operation that brings `raw` what `whole` has beyond it.
pub(crate) fn additions(raw: &Value, whole: &Value, path: &str) -> Vec<Value> {
    let (Value::Object(raw), Value::Object(whole)) = (raw, whole) else { return vec![] };
    let each = whole.iter().flat_map(|(name, value)| {
        let path = format!("{path}/{name}");
        match raw.get(name) {
            Some(there) => additions(there, value, &path),
            None => vec![json!({"op": "add", "path": path, "value": value})],
        }
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: Value, whole: Value, expected: &[(&str, Value)]) {
        let found = additions(&raw, &whole, "");
        let expected: Vec<_> =
            expected.iter().map(|(path, value)| json!({"op": "add", "path": path, "value": value})).collect();
        assert_eq!(found, expected, "{raw}");
    }

    #[test]
    fn only_what_is_missing_is_added() {
        let whole = json!({"spec": {"a": {"b": 1, "c": 2}, "d": "0.5"}});
        check(whole.clone(), whole.clone(), &[]);
        check(json!({}), whole.clone(), &[("/spec", whole["spec"].clone())]);
        check(json!({"spec": {"a": {"b": 9}, "d": 5}}), whole.clone(), &[("/spec/a/c", json!(2))]);
        check(
            json!({"spec": {"x": 1}}),
            whole,
            &[("/spec/a", json!({"b": 1, "c": 2})), ("/spec/d", json!("0.5"))],
        );
    }
}
