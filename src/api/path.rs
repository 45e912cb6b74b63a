//! Where in a spec a value is: printed as users know it, and able to take the value out.

use std::fmt;

use serde_json::{Map, Value};

use crate::field_error::quote;
use crate::limits::QUOTE_CHARS_MAX;

/// The way from a spec to one of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

impl Path {
    /// Reads a JSON pointer (RFC 6901) into `spec`, which tells indices from fields that look like numbers.
    pub(crate) fn read(spec: &Value, pointer: &str) -> Self {
        let mut here = Some(spec);
        let steps = pointer.split('/').skip(1).map(|token| {
            let name = token.replace("~1", "/").replace("~0", "~");
            match (here, name.parse()) {
                (Some(Value::Array(items)), Ok(index)) => {
                    here = items.get(index);
                    Step::Item(index)
                }
                (parent, _) => {
                    here = parent.and_then(|parent| parent.get(&name));
                    Step::Field(name)
                }
            }
        });
        Self(steps.collect())
    }

    /// One field further down.
    pub(crate) fn field(&self, name: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Field(name.to_owned()));
        Self(steps)
    }

    /// Takes the value out of the spec; of an item of a list it takes the whole list, so that the places of
    /// the others do not move.
    pub(crate) fn remove_from(&self, spec: &mut Value) {
        let mut fields = self.0.iter().map_while(|step| match step {
            Step::Field(name) => Some(name),
            Step::Item(_) => None,
        });
        let mut here = spec;
        let Some(mut last) = fields.next() else {
            *here = Value::Object(Map::new());
            return;
        };
        for next in fields {
            // What is already gone was taken out with its parent.
            let Some(inner) = here.get_mut(last) else { return };
            (here, last) = (inner, next);
        }
        if let Some(fields) = here.as_object_mut() {
            fields.remove(last);
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spec")?;
        self.0.iter().try_for_each(|step| match step {
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Field(name) if is_plain(name) => write!(f, ".{name}"),
            Step::Field(name) => write!(f, "[{}]", quote(name)),
        })
    }
}

/// Whether a field's name can be printed as it is: short, and of the letters that names are made of.
pub(crate) fn is_plain(name: &str) -> bool {
    (1..=QUOTE_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(pointer: &str, printed: &str, left: Value) {
        let mut spec = json!({"a": {"b": 1, "c": [{"d": 1}, {"0": 2}]}, "x/y": 3});
        let path = Path::read(&spec, pointer);
        assert_eq!(path.to_string(), printed);
        path.remove_from(&mut spec);
        assert_eq!(spec, left);
    }

    #[test]
    fn paths_print_and_take_out() {
        check("", "spec", json!({}));
        check("/a/b", "spec.a.b", json!({"a": {"c": [{"d": 1}, {"0": 2}]}, "x/y": 3}));
        check("/a/c/1/0", "spec.a.c[1].0", json!({"a": {"b": 1}, "x/y": 3}));
        check("/x~1y", "spec[\"x/y\"]", json!({"a": {"b": 1, "c": [{"d": 1}, {"0": 2}]}}));
        check("/a/b/c/d", "spec.a.b.c.d", json!({"a": {"b": 1, "c": [{"d": 1}, {"0": 2}]}, "x/y": 3}));
    }
}
