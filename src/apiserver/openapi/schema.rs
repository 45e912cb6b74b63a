//! The schemas, as the types themselves have them. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ListMeta, ObjectMeta};
use netreach_api::names::REPORT_KIND;
use netreach_report::KdoctorReport;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::fold::fold;
use super::{Words, kind};
use crate::tell::rounds::Item;

/// A report.
pub(super) fn report(words: Words) -> Value {
    let mut schema = of::<KdoctorReport>(words);
    schema["description"] =
        json!("The report of a NetReach's newest closed round. It is made by rounds and can only be read.");
    schema["properties"]["metadata"] = of::<ObjectMeta>(words);
    named(&mut schema, REPORT_KIND);
    schema
}

/// A round in the list of them.
pub(super) fn round(words: Words) -> Value {
    of::<Item<'_>>(words)
}

/// A list of such items.
pub(super) fn list(of_kind: &str, description: &str, item: Value, words: Words) -> Value {
    let mut schema = json!({
        "type": "object",
        "description": description,
        "properties": {
            "metadata": of::<ListMeta>(words),
            "items": {"type": "array", "description": "What is listed.", "items": item},
        },
        "required": ["metadata", "items"],
    });
    named(&mut schema, of_kind);
    schema
}

fn named(schema: &mut Value, of_kind: &str) {
    let text = |description: &str| json!({"type": "string", "description": description});
    let properties = &mut schema["properties"];
    properties["apiVersion"] = text("Group and version of the object.");
    properties["kind"] = text("Kind of the object.");
    schema["x-kubernetes-group-version-kind"] = json!([kind(of_kind)]);
}

/// As it is written, all in one place: every field is explained where it stands.
fn of<T: JsonSchema>(words: Words) -> Value {
    let settings = SchemaSettings::openapi3().for_serialize().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    walk(&mut schema, words);
    schema
}

fn walk(schema: &mut Value, words: Words) {
    let Value::Object(fields) = schema else { return };
    // The name of a type says nothing to whoever reads the field.
    fields.remove("title");
    fold(fields);
    if words == Words::V2 {
        // Version 2 does not know it; that a figure can be null is in its description as well.
        fields.remove("nullable");
    }
    if let Some(Value::String(description)) = fields.get_mut("description") {
        *description = flowing(description);
    }
    for name in ["items", "additionalProperties", "not"] {
        if let Some(inner) = fields.get_mut(name) {
            walk(inner, words);
        }
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        if let Some(Value::Array(inner)) = fields.get_mut(name) {
            inner.iter_mut().for_each(|inner| walk(inner, words));
        }
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        for (name, property) in properties {
            walk(property, words);
            if let Value::Object(property) = property {
                tell_unit(name, property);
            }
        }
    }
}

/// Says the unit that the name of a field ends in.
fn tell_unit(name: &str, property: &mut Map<String, Value>) {
    const UNITS: [(&str, &str); 4] =
        [("InMs", "milliseconds"), ("InMS", "milliseconds"), ("InSecond", "seconds"), ("Minute", "minutes")];
    let Some((_, unit)) = UNITS.into_iter().find(|(ending, _)| name.ends_with(ending)) else { return };
    let said = property.get("description").and_then(Value::as_str).unwrap_or_default();
    if !said.to_ascii_lowercase().contains(unit) {
        let said = format!(
            "{} In {unit}.",
            said.trim_end_matches('.').to_owned() + if said.is_empty() { "" } else { "." }
        );
        property.insert("description".to_owned(), json!(said.trim_start()));
    }
}

/// Without the line breaks of the source, and without whose field it is: whoever asks looks for what it says.
fn flowing(description: &str) -> String {
    let description = description.strip_prefix("Ours: ").unwrap_or(description);
    let paragraphs =
        description.split("\n\n").map(|lines| lines.split('\n').map(str::trim).collect::<Vec<_>>().join(" "));
    let text = paragraphs.collect::<Vec<_>>().join("\n\n");
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema at `a.b[].c`.
    fn at<'a>(schema: &'a Value, path: &str) -> &'a Value {
        path.split('.').fold(schema, |schema, name| {
            let inner = &schema["properties"][name.trim_end_matches("[]")];
            if name.ends_with("[]") { &inner["items"] } else { inner }
        })
    }

    /// Every field without a word about it, by its path.
    fn unexplained(schema: &Value, path: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            if property["description"].as_str().is_none_or(str::is_empty) {
                found.push(path.clone());
            }
            found.extend(unexplained(property, &path));
            found.extend(unexplained(&property["items"], &path));
        }
        found
    }

    #[test]
    fn every_field_of_a_report_is_explained() {
        for words in [Words::V2, Words::V3] {
            let schema = report(words);
            let mut found = unexplained(&schema["properties"]["spec"], "spec");
            found.retain(|path| !path.contains("NetReachTaskSpec"));
            assert_eq!(found, [""; 0]);
            assert_eq!(at(&schema, "metadata.resourceVersion")["type"], "string");
        }
        assert_eq!(unexplained(&round(Words::V3), ""), [""; 0]);
    }

    #[test]
    fn latencies_have_units() {
        let schema = report(Words::V3);
        let latencies = at(&schema, "spec.Report[].NetReachTask.Detail[].Metrics.Latencies");
        let said = latencies["description"].as_str().unwrap();
        assert!(said.contains("system call") || said.contains("milliseconds"), "{said}");
        for name in ["MaxInMs", "MeanInMs", "P50InMs", "P99InMs"] {
            let field = &latencies["properties"][name];
            assert!(field["description"].as_str().unwrap().contains("milliseconds"), "{field}");
            assert_eq!((&field["type"], &field["nullable"]), (&json!("number"), &json!(true)), "{field}");
        }
        let duration = at(&schema, "spec.Report[].NetReachTaskSpec.request.durationInSecond");
        assert!(duration["description"].as_str().unwrap().contains("econds"), "{duration}");
    }

    #[test]
    fn the_second_version_says_nothing_it_does_not_know() {
        let text = report(Words::V2).to_string();
        for word in ["nullable", "\"$ref\"", "\"const\"", "anyOf", "oneOf"] {
            assert!(!text.contains(word), "{word}");
        }
        let text = report(Words::V3).to_string();
        for word in ["\"$ref\"", "\"const\"", "$schema", "\"title\""] {
            assert!(!text.contains(word), "{word}");
        }
    }

    #[test]
    fn a_document_is_as_its_schema_says() {
        // The word for word names of the document, at the ends of its branches.
        let schema = report(Words::V3);
        for path in [
            "spec.TaskName",
            "spec.FailedRoundNumber",
            "spec.AgentsMissing[].NodeName",
            "spec.Gaps[].IPFamily",
            "spec.Report[].NetReachTask.MaxCPU",
            "spec.Report[].NetReachTask.Detail[].Metrics.TPS",
            "spec.Report[].NetReachTask.Detail[].Phases.FirstByte.P99InMs",
        ] {
            assert!(at(&schema, path).is_object(), "{path}");
        }
        let codes = at(&schema, "spec.Report[].NetReachTask.Detail[].Metrics.StatusCodes");
        assert_eq!(codes["additionalProperties"]["type"], "integer");
    }
}
