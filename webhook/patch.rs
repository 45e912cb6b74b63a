//! A JSON patch (RFC 6902) that adds what is missing and touches nothing that is there: what a user wrote keeps its
//! spelling.

use serde_json::{Value, json};

/// Every operation that brings what stands at this path, if anything does, what `whole` has beyond it.
pub(crate) fn additions(there: Option<&Value>, whole: Value, path: &str) -> Vec<Value> {
    let mut operations = Vec::new();
    add(&mut operations, there, whole, &mut path.to_owned());
    operations
}

fn add(operations: &mut Vec<Value>, there: Option<&Value>, whole: Value, path: &mut String) {
    match (there, whole) {
        (None, whole) => operations.push(json!({"op": "add", "path": path, "value": whole})),
        (Some(Value::Object(there)), Value::Object(whole)) => {
            let length = path.len();
            for (name, value) in whole {
                path.push('/');
                path.push_str(&name);
                add(operations, there.get(&name), value, path);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(there: Option<Value>, whole: Value, expected: &[(&str, Value)]) {
        let found = additions(there.as_ref(), whole, "/spec");
        let expected: Vec<_> =
            expected.iter().map(|(path, value)| json!({"op": "add", "path": path, "value": value})).collect();
        assert_eq!(found, expected, "{there:?}");
    }

    #[test]
    fn only_what_is_missing_is_added() {
        let whole = json!({"a": {"b": 1, "c": 2}, "d": "0.5"});
        check(Some(whole.clone()), whole.clone(), &[]);
        check(None, whole.clone(), &[("/spec", whole.clone())]);
        check(Some(json!({"a": {"b": 9}, "d": 5})), whole.clone(), &[("/spec/a/c", json!(2))]);
        check(
            Some(json!({"x": 1})),
            whole,
            &[("/spec/a", json!({"b": 1, "c": 2})), ("/spec/d", json!("0.5"))],
        );
    }
}
