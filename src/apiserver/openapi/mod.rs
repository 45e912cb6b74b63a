//! What objects look like, for `kubectl explain` and whoever else asks an API server. Pure.

mod fold;
mod schema;

use std::sync::LazyLock;

use netreach_api::names::{REPORT_API_VERSION, REPORT_GROUP, REPORT_KIND, VERSION};
use serde_json::{Value, json};

use crate::discovery::Document;
use crate::tell::rounds::ROUND_LIST_KIND;
use crate::{Family, PLURAL, ROUNDS};

const OBJECT: &str = "io.kdoctor.system.v1beta1.KdoctorReport";
const LIST: &str = "io.kdoctor.system.v1beta1.KdoctorReportList";
const ROUND_LIST: &str = "io.kdoctor.system.v1beta1.KdoctorReportRoundList";

/// Which of the two ways to write it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    V2,
    V3,
}

/// What can be asked for.
struct Operation {
    path: String,
    id: &'static str,
    action: &'static str,
    description: &'static str,
    kind: &'static str,
    schema: &'static str,
    queries: Vec<Query>,
}

/// What an operation can be asked by: a name, a type, what it means.
type Query = (&'static str, &'static str, String);

/// Everything, in version 2.
pub(crate) fn v2() -> &'static Document {
    static V2: LazyLock<Document> = LazyLock::new(|| {
        let words = Words::V2;
        let info = info();
        Document::of(
            &json!({"swagger": "2.0", "info": info, "paths": paths(words), "definitions": schemas(words)}),
        )
    });
    &V2
}

/// Everything, in version 3.
pub(crate) fn v3() -> &'static Document {
    static V3: LazyLock<Document> = LazyLock::new(|| {
        let words = Words::V3;
        let components = json!({"schemas": schemas(words)});
        Document::of(
            &json!({"openapi": "3.0.0", "info": info(), "paths": paths(words), "components": components}),
        )
    });
    &V3
}

/// Where to read it in version 3. Clients keep what they read by the hash.
pub(crate) fn v3_paths() -> &'static Document {
    static PATHS: LazyLock<Document> = LazyLock::new(|| {
        let url = format!("/openapi/v3/apis/{REPORT_API_VERSION}?hash={}", v3().hash);
        Document::of(&json!({"paths": {format!("apis/{REPORT_API_VERSION}"): {"serverRelativeURL": url}}}))
    });
    &PATHS
}

fn info() -> Value {
    json!({"title": REPORT_KIND, "version": VERSION})
}

fn schemas(words: Words) -> Value {
    let object = schema::report(words);
    let list = schema::list("KdoctorReportList", "Reports.", words.reference(OBJECT), words);
    let rounds =
        schema::list(ROUND_LIST_KIND, "Rounds of one report, the newest first.", schema::round(words), words);
    json!({OBJECT: object, LIST: list, ROUND_LIST: rounds})
}

fn operations() -> [Operation; 4] {
    let all = format!("/apis/{REPORT_API_VERSION}/{PLURAL}");
    let (one, text, flag) = (format!("{all}/{{name}}"), "string", "boolean");
    let said = |what: &str| what.to_owned();
    let uid = || ("uid", text, said("Of this uid; of the living one when none is named"));
    [
        Operation {
            path: all,
            id: "listSystemKdoctorIoV1beta1KdoctorReport",
            action: "list",
            description: "list or watch the reports",
            kind: REPORT_KIND,
            schema: LIST,
            queries: of_all(),
        },
        Operation {
            path: one.clone(),
            id: "readSystemKdoctorIoV1beta1KdoctorReport",
            action: "get",
            description: "read a report",
            kind: REPORT_KIND,
            schema: OBJECT,
            queries: Vec::new(),
        },
        Operation {
            path: format!("{one}/{ROUNDS}"),
            id: "readSystemKdoctorIoV1beta1KdoctorReportRounds",
            action: "get",
            description: "list the rounds of a report",
            kind: ROUND_LIST_KIND,
            schema: ROUND_LIST,
            queries: vec![
                uid(),
                ("failed", flag, said("Rounds that did not succeed alone")),
                ("limit", "integer", said("Most rounds at once")),
                ("continue", text, said("Where the list goes on")),
            ],
        },
        Operation {
            path: format!("{one}/{ROUNDS}/{{round}}"),
            id: "readSystemKdoctorIoV1beta1KdoctorReportRound",
            action: "get",
            description: "read a round of a report, by its number or as `last`",
            kind: REPORT_KIND,
            schema: OBJECT,
            queries: vec![
                uid(),
                ("node", text, said("Agents on this node alone")),
                (
                    "family",
                    text,
                    format!(
                        "Targets of this family alone: {}",
                        Family::ALL.map(|one| one.to_string()).join(", ")
                    ),
                ),
                ("failed", flag, said("Targets that missed the success condition alone")),
            ],
        },
    ]
}

/// What a list, or a watch, can be asked by.
fn of_all() -> Vec<Query> {
    let (text, flag, number) = ("string", "boolean", "integer");
    let queries = [
        ("labelSelector", text, "Reports with such labels"),
        ("fieldSelector", text, "Reports with such fields"),
        ("limit", number, "Most reports at once"),
        ("continue", text, "Where the list goes on"),
        ("resourceVersion", text, "Of which moment the list is, or after which the watch begins"),
        ("resourceVersionMatch", text, "How the version is meant: Exact or NotOlderThan"),
        ("watch", flag, "Whether what becomes of them is to be told"),
        ("sendInitialEvents", flag, "Whether a watch begins with everything there is"),
        ("allowWatchBookmarks", flag, "Whether a watch may tell where it is"),
        ("timeoutSeconds", number, "How long the answer may take, seconds"),
    ];
    queries.map(|(name, of, description)| (name, of, description.to_owned())).to_vec()
}

fn paths(words: Words) -> Value {
    operations().into_iter().map(|operation| (operation.path.clone(), words.operation(operation))).collect()
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

    fn operation(self, operation: Operation) -> Value {
        let Operation { path, id, action, description, kind: of, schema, queries } = operation;
        let named = |name: &str| path.contains(&format!("{{{name}}}"));
        let in_path = [("name", "Name of the report"), ("round", "Number of the round, or `last`")];
        let in_path = in_path.into_iter().filter(|(name, _)| named(name));
        let parameters: Vec<Value> = in_path
            .map(|(name, description)| self.parameter(name, "path", "string", description))
            .chain(
                queries.iter().map(|(name, of, description)| self.parameter(name, "query", of, description)),
            )
            .collect();
        let mut get = json!({
            "description": description,
            "operationId": id,
            "tags": ["systemKdoctorIo_v1beta1"],
            "parameters": parameters,
            "responses": {"200": self.response(schema)},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": kind(of),
        });
        if self == Self::V2 {
            (get["produces"], get["schemes"]) = (json!(["application/json"]), json!(["https"]));
        }
        json!({"get": get})
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

    fn parameter(self, name: &str, place: &str, r#type: &str, description: &str) -> Value {
        let mut parameter = json!({"name": name, "in": place, "description": description});
        if place == "path" {
            parameter["required"] = json!(true);
        }
        match self {
            Self::V2 => parameter["type"] = json!(r#type),
            Self::V3 => parameter["schema"] = json!({"type": r#type}),
        }
        parameter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: &Document) -> Value {
        serde_json::from_slice(&document.text).unwrap()
    }

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
            let document = read(document);
            let references = references(&document);
            assert_eq!(references.len(), 5, "{references:?}");
            for reference in references {
                let place = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(place).is_some(), "{reference}");
            }
        }
    }

    #[test]
    fn the_third_version_says_where_it_is() {
        let paths = read(v3_paths());
        let url = paths["paths"]["apis/system.kdoctor.io/v1beta1"]["serverRelativeURL"].as_str().unwrap();
        let (path, hash) = url.split_once("?hash=").unwrap();
        assert_eq!((path, hash), ("/openapi/v3/apis/system.kdoctor.io/v1beta1", v3().hash.as_str()));
    }

    #[test]
    fn every_path_says_what_stands_there() {
        for document in [v2(), v3()] {
            let document = read(document);
            let paths = document["paths"].as_object().unwrap();
            let base = "/apis/system.kdoctor.io/v1beta1/kdoctorreports";
            for path in ["", "/{name}", "/{name}/rounds", "/{name}/rounds/{round}"] {
                let get = &paths[&format!("{base}{path}")]["get"];
                assert_eq!(get["x-kubernetes-group-version-kind"]["group"], "system.kdoctor.io", "{path}");
                let required =
                    get["parameters"].as_array().unwrap().iter().filter(|one| one["required"] == true);
                assert_eq!(required.count(), path.matches('{').count(), "{path}");
            }
        }
    }
}
