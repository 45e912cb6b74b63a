//! One fault of one field, in words that say what to write instead.

use std::fmt;

use serde_json::Value;

use crate::limits::QUOTE_CHARS_MAX;

/// One fault: where it is, and what is wanted there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldError {
    path: String,
    message: String,
}

impl std::error::Error for FieldError {}

impl FieldError {
    /// A fault of the field at `path`, which is empty for the document as a whole.
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }

    /// A number below the smallest that is allowed.
    pub(crate) fn too_small(
        path: impl Into<String>,
        least: impl fmt::Display,
        got: impl fmt::Display,
    ) -> Self {
        Self::new(path, format!("must be at least {least}, got {got}"))
    }

    /// A number above the largest that is allowed.
    pub(crate) fn too_large(
        path: impl Into<String>,
        most: impl fmt::Display,
        got: impl fmt::Display,
    ) -> Self {
        Self::new(path, format!("must be at most {most}, got {got}"))
    }

    /// Where, for example `spec.agentSpec.env[0].name`; empty for the document as a whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wanted, and what was found instead.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// A text between quotes, made harmless for a terminal and cut to [`QUOTE_CHARS_MAX`] characters.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS_MAX) {
        None => format!("{text:?}"),
        Some((cut, _)) => format!("{:?}… ({} characters)", &text[..cut], text.chars().count()),
    }
}

/// A wrong value as a message names it.
pub(crate) fn name_value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the string {}", quote(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map of fields".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_are_quoted_short_and_harmless() {
        assert_eq!(quote("10"), "\"10\"");
        assert_eq!(quote("a\n\u{1b}[31m\u{202e}"), "\"a\\n\\u{1b}[31m\\u{202e}\"");
        let long = quote(&"é".repeat(1_000_000));
        assert_eq!(long, format!("\"{}\"… (1000000 characters)", "é".repeat(QUOTE_CHARS_MAX)));
    }
}
