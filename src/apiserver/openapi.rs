//! What objects look like, for `kubectl explain` and whoever else asks an API server: as little as is true. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};

use netreach_api::names::{REPORT_API_VERSION, REPORT_GROUP, REPORT_KIND, VERSION};
use serde_json::{Value, json};

use crate::{PLURAL, Verb};

const OBJECT: &str = "io.kdoctor.system.v1beta1.KdoctorReport";
const LIST: &str = "io.kdoctor.system.v1beta1.KdoctorReportList";

/// Which of the two ways to write it.
#[derive(Clone, Copy)]
enum Words {
    V2,
    V3,
}

/// Everything, in version 2.
pub(crate) fn v2() -> Value {
    let words = Words::V2;
    json!({"swagger": "2.0", "info": info(), "paths": paths(words), "definitions": schemas(words)})
}

/// Everything, in version 3.
pub(crate) fn v3() -> Value {
    let words = Words::V3;
    let components = json!({"schemas": schemas(words)});
    json!({"openapi": "3.0.0", "info": info(), "paths": paths(words), "components": components})
}

/// Where to read it in version 3. Clients keep what they read by the hash.
pub(crate) fn v3_paths() -> Value {
    let mut hasher = DefaultHasher::new();
    v3().to_string().hash(&mut hasher);
    let url = format!("/openapi/v3/apis/{REPORT_API_VERSION}?hash={:016X}", hasher.finish());
    json!({"paths": {format!("apis/{REPORT_API_VERSION}"): {"serverRelativeURL": url}}})
}

fn info() -> Value {
    json!({"title": REPORT_KIND, "version": VERSION})
}

fn paths(words: Words) -> Value {
    let all = format!("/apis/{REPORT_API_VERSION}/{PLURAL}");
    let one = format!("{all}/{{name}}");
    let list = operation(words, Verb::List, "list the reports", LIST);
    let mut get = operation(words, Verb::Get, "read a report", OBJECT);
    get["parameters"] = json!([words.parameter("name", "name of the report")]);
    json!({all: {"get": list}, one: {"get": get}})
}

fn operation(words: Words, verb: Verb, description: &str, schema: &str) -> Value {
    let id = match verb {
        Verb::Get => "readSystemKdoctorIoV1beta1KdoctorReport",
        Verb::List => "listSystemKdoctorIoV1beta1KdoctorReport",
    };
    let mut operation = json!({
        "description": description,
        "operationId": id,
        "tags": ["systemKdoctorIo_v1beta1"],
        "responses": {"200": words.response(schema)},
        "x-kubernetes-action": verb.to_string(),
        "x-kubernetes-group-version-kind": kind(REPORT_KIND),
    });
    if matches!(words, Words::V2) {
        operation["produces"] = json!(["application/json"]);
        operation["schemes"] = json!(["https"]);
    }
    operation
}

fn schemas(words: Words) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let metadata = json!({"type": "object", "description": "Kubernetes' own, as of every object"});
    let list_metadata = json!({"type": "object", "description": "Kubernetes' own, as of every list"});
    let spec = json!({
        "type": "object",
        "description": "What the round found: the verdict first, then, per agent, every target with its figures",
        "x-kubernetes-preserve-unknown-fields": true,
    });
    let schema = |of: &str, description: &str, properties: Value| {
        json!({
            "type": "object",
            "description": description,
            "properties": properties,
            "x-kubernetes-group-version-kind": [kind(of)],
        })
    };
    let (api_version, kind) = (text("Group and version of the object"), text("Kind of the object"));
    let object = schema(
        REPORT_KIND,
        "The report of a NetReach's newest closed round. It is made by rounds and can only be read.",
        json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}),
    );
    let items = json!({"type": "array", "description": "The reports", "items": words.reference(OBJECT)});
    let list = schema(
        "KdoctorReportList",
        "Reports",
        json!({"apiVersion": api_version, "kind": kind, "metadata": list_metadata, "items": items}),
    );
    json!({OBJECT: object, LIST: list})
}

fn kind(kind: &str) -> Value {
    json!({"group": REPORT_GROUP, "version": VERSION, "kind": kind})
}

impl Words {
    fn reference(self, schema: &str) -> Value {
        let place = match self {
            Self::V2 => "#/definitions",
            Self::V3 => "#/components/schemas",
        };
        json!({"$ref": format!("{place}/{schema}")})
    }

    fn response(self, schema: &str) -> Value {
        let schema = self.reference(schema);
        match self {
            Self::V2 => json!({"description": "OK", "schema": schema}),
            Self::V3 => {
                json!({"description": "OK", "content": {"application/json": {"schema": schema}}})
            }
        }
    }

    fn parameter(self, name: &str, description: &str) -> Value {
        let mut parameter = json!({"name": name, "in": "path", "required": true, "description": description});
        match self {
            Self::V2 => parameter["type"] = json!("string"),
            Self::V3 => parameter["schema"] = json!({"type": "string"}),
        }
        parameter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `$ref` within.
    fn references(value: &Value) -> Vec<String> {
        match value {
            Value::Object(fields) => {
                let here = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
                here.into_iter().chain(fields.values().flat_map(references)).collect()
            }
            Value::Array(items) => items.iter().flat_map(references).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        for document in [v2(), v3()] {
            let references = references(&document);
            assert_eq!(references.len(), 3, "{document}");
            for reference in references {
                let place = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(place).is_some(), "{reference}");
            }
        }
    }

    #[test]
    fn the_third_version_says_where_it_is() {
        let paths = v3_paths();
        let url = paths["paths"]["apis/system.kdoctor.io/v1beta1"]["serverRelativeURL"].as_str().unwrap();
        assert!(url.starts_with("/openapi/v3/apis/system.kdoctor.io/v1beta1?hash="), "{url}");
    }
}
