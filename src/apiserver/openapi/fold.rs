//! Choices that a schema spells out → the plain words for them that every version of OpenAPI has. Pure.

use serde_json::{Map, Value, json};

/// Folds "one of these, or null" into the one, which may be null, and "one of these words" into the words.
pub(super) fn fold(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(mut choices)) = schema.remove("anyOf") {
        let all = choices.len();
        choices.retain(|choice| choice["enum"] != json!([null]));
        match <[Value; 1]>::try_from(choices) {
            Ok([Value::Object(only)]) => {
                // What is said of the field goes before what is said of its type.
                only.into_iter().for_each(|(name, value)| {
                    schema.entry(name).or_insert(value);
                });
                if all > 1 {
                    schema.insert("nullable".to_owned(), json!(true));
                }
            }
            Ok([other]) => drop(schema.insert("anyOf".to_owned(), json!([other]))),
            Err(several) => drop(schema.insert("anyOf".to_owned(), json!(several))),
        }
    }
    let words = schema.get("oneOf").and_then(Value::as_array).and_then(|choices| {
        let words: Option<Vec<&Value>> = choices.iter().map(|choice| choice["enum"].get(0)).collect();
        words.filter(|words| words.iter().all(|word| word.is_string())).map(|words| json!(words))
    });
    if let Some(words) = words {
        schema.remove("oneOf");
        schema.insert("type".to_owned(), json!("string"));
        schema.insert("enum".to_owned(), words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mut schema: Value, expected: Value) {
        fold(schema.as_object_mut().unwrap());
        assert_eq!(schema, expected);
    }

    #[test]
    fn choices_become_words() {
        let words = json!({"oneOf": [
            {"description": "One.", "enum": ["a"], "type": "string"},
            {"description": "Two.", "enum": ["b"], "type": "string"},
        ]});
        check(words.clone(), json!({"type": "string", "enum": ["a", "b"]}));
        let mut of_type = words.clone();
        of_type["description"] = json!("A letter.");
        check(
            json!({"description": "The letter.", "anyOf": [of_type, {"enum": [null], "nullable": true}]}),
            json!({"description": "The letter.", "type": "string", "enum": ["a", "b"], "nullable": true}),
        );
        let several = json!({"anyOf": [{"type": "string"}, {"type": "integer"}]});
        check(several.clone(), several);
        let no_words = json!({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]});
        check(no_words.clone(), no_words);
    }
}
