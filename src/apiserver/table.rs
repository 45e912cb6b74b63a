//! `Table` of `meta.k8s.io/v1`: what kubectl prints. Pure.

use serde::Serialize;

use crate::object::{ListMetadata, META, Object, instant, partial, whole};
use crate::query::Include;
use crate::reports::{Head, Report};

/// A table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Table<'a> {
    kind: &'static str,
    api_version: &'static str,
    metadata: ListMetadata,
    column_definitions: [Column; 2],
    rows: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Column {
    name: &'static str,
    r#type: &'static str,
    format: &'static str,
    description: &'static str,
    priority: u8,
}

/// One report.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    cells: [String; 2],
    object: Option<Object<'a>>,
}

const COLUMNS: [Column; 2] = [
    Column {
        name: "Name",
        r#type: "string",
        format: "name",
        description: "Name of the report: the kind of the task and its name",
        priority: 0,
    },
    Column {
        name: "Created At",
        r#type: "string",
        format: "date-time",
        description: "When the reported round was closed",
        priority: 0,
    },
];

/// A table of these rows.
pub(crate) fn table(rows: Vec<Row<'_>>, metadata: ListMetadata) -> Table<'_> {
    Table { kind: "Table", api_version: META, metadata, column_definitions: COLUMNS, rows }
}

/// A row of a report that was not opened. It never carries the whole object.
pub(crate) fn row(head: &Head, include: Include) -> Row<'_> {
    let object = (include != Include::None).then(|| partial(head));
    Row { cells: cells(head), object }
}

/// A row with the whole report.
pub(crate) fn row_with(report: &Report) -> Row<'_> {
    Row { cells: cells(&report.head), object: Some(whole(report)) }
}

fn cells(head: &Head) -> [String; 2] {
    [head.name.clone(), instant(head.created)]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::reports::tests::{head, report};

    fn check(row: Row<'_>, object: Value) {
        let metadata =
            ListMetadata { resource_version: "9".to_owned(), r#continue: None, remaining_item_count: None };
        let expected = json!({
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": {"resourceVersion": "9"},
            "columnDefinitions": [
                {
                    "name": "Name", "type": "string", "format": "name", "priority": 0,
                    "description": "Name of the report: the kind of the task and its name",
                },
                {
                    "name": "Created At", "type": "string", "format": "date-time", "priority": 0,
                    "description": "When the reported round was closed",
                },
            ],
            "rows": [{"cells": ["netreach-task", "2023-08-01T08:37:07Z"], "object": object}],
        });
        assert_eq!(serde_json::to_value(table(vec![row], metadata)).unwrap(), expected);
    }

    #[test]
    fn a_row_carries_what_was_asked_for() {
        let (head, report) = (head("netreach-task"), report("netreach-task"));
        let metadata = json!({
            "name": "netreach-task",
            "uid": "uid-of-netreach-task",
            "resourceVersion": "7",
            "creationTimestamp": "2023-08-01T08:37:07Z",
        });
        check(row(&head, Include::None), Value::Null);
        check(
            row(&head, Include::Metadata),
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}),
        );
        check(
            row_with(&report),
            json!({
                "kind": "KdoctorReport", "apiVersion": "system.kdoctor.io/v1beta1", "metadata": metadata,
                "spec": {"TaskName": "netreach-task"},
            }),
        );
    }
}
