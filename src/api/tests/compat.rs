//! Holds the definition against kdoctor's: manifests written for it must mean here what they meant there.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde_json::Value;

/// Where the definition differs on purpose: path, what kdoctor's schema says there, what ours says, and why.
const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    ("apiVersion", "string", "", "every API server puts this field into the schema itself"),
    ("kind", "string", "", "every API server puts this field into the schema itself"),
    ("metadata", "object required", "", "every API server puts this field into the schema itself"),
    (
        "spec",
        "object",
        "object required",
        "the webhook fills in an absent spec; none is stored, so that every stored object can be read",
    ),
    (
        "spec.agentSpec.env[].valueFrom.configMapKeyRef.name",
        "string",
        "string required",
        "a reference without a name refers to nothing",
    ),
    (
        "spec.agentSpec.env[].valueFrom.secretKeyRef.name",
        "string",
        "string required",
        "a reference without a name refers to nothing",
    ),
    (
        "spec.request.perRequestTimeoutInMS",
        "integer default=5 minimum=1",
        "integer default=500 minimum=1",
        "kdoctor's documents say 500; with 5 ms every slower network fails",
    ),
    (
        "spec.schedule.roundNumber",
        "integer default=1 format=\"int64\" minimum=-1 required",
        "integer default=1 format=\"int64\" minimum=-1",
        "a field with a default is never missing",
    ),
    (
        "spec.schedule.roundTimeoutMinute",
        "integer default=60 format=\"int64\" minimum=1 required",
        "integer default=60 format=\"int64\" minimum=1",
        "a field with a default is never missing",
    ),
    ("spec.target.ipv4", "boolean default=true", "boolean", "the cluster decides"),
    ("spec.target.ipv6", "boolean default=false", "boolean", "the cluster decides"),
];

/// Fields that kdoctor does not have.
const ADDITIONS: &[&str] = &[
    // Kubernetes' own types have grown since.
    "spec.agentSpec.affinity.",
    "spec.agentSpec.resources.claims[].request",
    "spec.request.connection",
    "spec.request.peersPerRound",
    "spec.schedule.timeZone",
    "spec.suspend",
    "status.conditions",
    "status.history[].failedAgentNodeNumber",
    "status.history[].missedRoundNumber",
    "status.history[].notReportAgentNodeNumber",
    "status.history[].succeedAgentNodeNumber",
    "status.nextRoundTime",
    "status.observedGeneration",
];

/// A whole number whose schema says nothing of its size is an int64 to every API server: saying so is no
/// difference.
const SILENT_FORMAT: &str = " format=\"int64\"";

#[test]
fn every_field_of_kdoctor_is_here_with_its_type_bounds_and_default() {
    let ours = our_fields();
    let differing: Vec<_> = kdoctors_fields()
        .into_iter()
        .map(|(path, theirs)| {
            let ours = ours.get(&path).map_or("", String::as_str);
            let ours =
                if theirs.contains("format=") { ours.to_owned() } else { ours.replace(SILENT_FORMAT, "") };
            (path, theirs, ours)
        })
        .filter(|(_, theirs, ours)| theirs != ours)
        .collect();
    let allowed: Vec<_> = DIFFERENCES
        .iter()
        .map(|&(path, theirs, ours, _)| (path.to_owned(), theirs.to_owned(), ours.to_owned()))
        .collect();
    assert_eq!(differing, allowed);
}

#[test]
fn nothing_else_was_added() {
    let theirs = kdoctors_fields();
    let added: Vec<_> = our_fields()
        .into_keys()
        .filter(|path| !theirs.contains_key(path) && !ADDITIONS.iter().any(|known| path.starts_with(known)))
        .collect();
    assert_eq!(added, Vec::<String>::new());
}

#[test]
fn names_and_columns_are_kdoctors() {
    let crd = definition();
    let spec = &crd["spec"];
    assert_eq!(spec["scope"], "Cluster");
    assert_eq!(spec["group"], "kdoctor.io");
    let names = serde_json::json!({
        "categories": ["kdoctor"], "kind": "NetReach", "plural": "netreaches", "shortNames": ["nr"],
        "singular": "netreach",
    });
    assert_eq!(spec["names"], names);
    let version = &spec["versions"][0];
    assert_eq!(version["subresources"], serde_json::json!({"status": {}}));
    let columns: Vec<_> = version["additionalPrinterColumns"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|column| column.get("priority").is_none())
        .map(|column| ["name", "type", "jsonPath"].map(|key| column[key].as_str().unwrap()))
        .collect();
    assert_eq!(
        columns,
        [
            ["finish", "boolean", ".status.finish"],
            ["expectedRound", "integer", ".status.expectedRound"],
            ["doneRound", "integer", ".status.doneRound"],
            ["lastRoundStatus", "string", ".status.lastRoundStatus"],
            ["schedule", "string", ".spec.schedule.schedule"],
        ]
    );
}

fn definition() -> Value {
    serde_saphyr::from_str(&netreach_api::crd_yaml()).unwrap()
}

/// One line a field: path, type, facts.
fn kdoctors_fields() -> BTreeMap<String, String> {
    let lines = include_str!("data/kdoctor_fields.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (path, facts) = line.split_once(' ').unwrap();
            (path.to_owned(), facts.to_owned())
        })
        .collect()
}

fn our_fields() -> BTreeMap<String, String> {
    let crd = definition();
    let mut fields = BTreeMap::new();
    collect("", &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], false, &mut fields);
    fields
}

fn collect(path: &str, schema: &Value, required: bool, fields: &mut BTreeMap<String, String>) {
    let mut facts = match schema.get("type") {
        Some(name) => name.as_str().unwrap().to_owned(),
        None if schema["x-kubernetes-int-or-string"] == true => "int-or-string".to_owned(),
        None => panic!("{path} has no type"),
    };
    for key in ["default", "enum", "format", "maximum", "minimum"] {
        if let Some(value) = schema.get(key) {
            facts.push_str(&format!(" {key}={value}"));
        }
    }
    if required {
        facts.push_str(" required");
    }
    if !path.is_empty() {
        fields.insert(path.to_owned(), facts);
    }
    let dot = if path.is_empty() { "" } else { "." };
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let required = schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
        collect(&format!("{path}{dot}{name}"), inner, required, fields);
    }
    if let Some(inner) = schema.get("items") {
        collect(&format!("{path}[]"), inner, false, fields);
    }
    if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object()) {
        collect(&format!("{path}{{}}"), inner, false, fields);
    }
}
