//! Says in plain words what a validator found.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use crate::field_error::{name_value, quote};
use crate::nearest::nearest;

/// What is wanted in place of the value `error` is about, and what to write.
pub(crate) fn wording(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    match error.kind() {
        ValidationErrorKind::Type { kind: TypeKind::Single(wanted) } => wrong_type(&[*wanted], value),
        ValidationErrorKind::Type { kind: TypeKind::Multiple(wanted) } => {
            wrong_type(&wanted.into_iter().collect::<Vec<_>>(), value)
        }
        ValidationErrorKind::Minimum { limit } => format!("must be at least {limit}, got {value}"),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {limit}, got {value}"),
        ValidationErrorKind::Enum { options } => wrong_choice(options, value),
        // Quantities are the only texts with a pattern.
        ValidationErrorKind::Pattern { .. } => {
            format!("must be a quantity such as 100m, 2 or 128Mi, got {}", name_value(value))
        }
        _ => error.masked().to_string(),
    }
}

fn wrong_type(wanted: &[JsonType], value: &Value) -> String {
    let names: Vec<_> = wanted.iter().map(|wanted| type_name(*wanted)).collect();
    let names = names.join(" or ");
    if value.is_null() {
        return format!("is empty: write {names} or remove the field");
    }
    let hint = match value {
        Value::String(text) if wanted.iter().any(|wanted| reads_as(text, *wanted)) => {
            format!(": write {} without quotes", text.trim())
        }
        Value::Bool(_) | Value::Number(_) if wanted.contains(&JsonType::String) => {
            format!(": write {} in quotes", quote(&value.to_string()))
        }
        _ => String::new(),
    };
    format!("must be {names}, got {}{hint}", name_value(value))
}

fn type_name(wanted: JsonType) -> &'static str {
    match wanted {
        JsonType::Null => "nothing",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "a list",
        JsonType::Object => "a map of fields",
    }
}

/// Whether a text would be a value of that type without its quotes. Short by its nature: it is safe to
/// repeat.
fn reads_as(text: &str, wanted: JsonType) -> bool {
    let text = text.trim();
    match wanted {
        JsonType::Boolean => matches!(text, "true" | "false"),
        JsonType::Integer => text.parse::<i64>().is_ok() && text.len() <= 20,
        JsonType::Number => text.parse::<f64>().is_ok_and(f64::is_finite) && text.len() <= 20,
        _ => false,
    }
}

fn wrong_choice(options: &Value, value: &Value) -> String {
    let options: Vec<_> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let meant = value.as_str().and_then(|text| nearest(text, options.iter().copied()));
    let hint = meant.map(|meant| format!(": did you mean {meant}?")).unwrap_or_default();
    format!("must be {}, got {}{hint}", options.join(" or "), name_value(value))
}
