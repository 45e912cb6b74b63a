//! `Table` of `meta.k8s.io/v1`: what kubectl prints. Pure.

use serde::Serialize;

use super::object::{ListMetadata, META, Metadata, Object, instant, partial};
use crate::Head;

/// A table without its rows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Table {
    kind: &'static str,
    api_version: &'static str,
    metadata: ListMetadata,
    /// null where they have been told before.
    column_definitions: Option<&'static [Column]>,
    rows: [(); 0],
}

#[derive(Debug, Serialize)]
struct Column {
    name: &'static str,
    r#type: &'static str,
    format: &'static str,
    description: &'static str,
    /// 0 is always shown, what is above it only where more is asked for (`-o wide`).
    priority: u8,
}

/// One report; where its object is whole, it is to follow in the place of this one.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    pub(crate) cells: Cells<'a>,
    pub(crate) object: Option<Object<'a>>,
}

/// The cells of a row, in the order of the columns.
#[derive(Debug, Serialize)]
pub(crate) struct Cells<'a>(&'a str, String, &'a str, u64, &'static str, u64, String);

const COLUMNS: [Column; 7] = [
    Column::new("Name", "string", "name", 0, "Name of the report: the kind of the task and its name"),
    Column::new("Created At", "string", "date-time", 0, "When a round was reported for the first time"),
    Column::new("Task", "string", "", 1, "Name of the NetReach"),
    Column::new("Round", "integer", "int64", 1, "Number of the reported round"),
    Column::new("Status", "string", "", 1, "Finished when no round is left to do"),
    Column::new("Failed-Nodes", "integer", "int64", 1, "Nodes that missed the success condition"),
    Column::new("Worst-P99", "string", "", 1, "Largest p99 latency of all targets of all agents"),
];

impl Column {
    const fn new(
        name: &'static str,
        r#type: &'static str,
        format: &'static str,
        priority: u8,
        description: &'static str,
    ) -> Self {
        Self { name, r#type, format, description, priority }
    }
}

impl<'a> Cells<'a> {
    pub(crate) fn of(head: &'a Head) -> Self {
        let Head { name, created, task, round, failed_nodes, worst_p99_us, .. } = head;
        let worst_p99 = worst_p99_us.map_or_else(|| "<none>".to_owned(), milliseconds);
        Self(name, instant(*created), task, *round, head.status(), *failed_nodes, worst_p99)
    }

    /// Of a row that stands for no report.
    pub(crate) fn of_none() -> Self {
        Self("", String::new(), "", 0, "", 0, String::new())
    }
}

/// A table; its rows are to follow.
pub(crate) fn table(metadata: ListMetadata, with_columns: bool) -> Table {
    let column_definitions = with_columns.then_some(&COLUMNS[..]);
    Table { kind: "Table", api_version: META, metadata, column_definitions, rows: [] }
}

/// A row with this metadata, or with none.
pub(crate) fn row<'a>(cells: Cells<'a>, metadata: Option<Metadata<'a>>) -> Row<'a> {
    Row { cells, object: metadata.map(partial) }
}

/// Microseconds in words.
fn milliseconds(us: u64) -> String {
    format!("{}.{:03}ms", us / 1_000, us % 1_000)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::head::tests::head;
    use crate::tell::object::View;

    #[test]
    fn a_row_carries_what_was_asked_for() {
        let head = head("netreach-task");
        let view = View { head: &head, version: 7 };
        let cells = json!(["netreach-task", "2023-08-01T08:37:07Z", "task", 7, "NotFinished", 0, "1.234ms"]);
        let bare = serde_json::to_value(row(Cells::of(&head), None)).unwrap();
        assert_eq!(bare, json!({"cells": cells, "object": null}));
        let with_metadata = serde_json::to_value(row(Cells::of(&head), Some(view.metadata()))).unwrap();
        let metadata = json!({
            "name": "netreach-task",
            "uid": "uid-of-netreach-task",
            "resourceVersion": "7",
            "creationTimestamp": "2023-08-01T08:37:07Z",
        });
        assert_eq!(
            with_metadata["object"],
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
        );
    }

    #[test]
    fn columns_are_told_once() {
        let metadata =
            ListMetadata { resource_version: "9".to_owned(), r#continue: None, remaining_item_count: None };
        let with = serde_json::to_value(table(metadata.clone(), true)).unwrap();
        assert_eq!((&with["kind"], &with["metadata"]), (&json!("Table"), &json!({"resourceVersion": "9"})));
        let columns = with["columnDefinitions"].as_array().unwrap();
        let named = |priority: u8| -> Vec<&str> {
            let of = |column: &&Value| column["priority"] == priority;
            columns.iter().filter(of).map(|column| column["name"].as_str().unwrap()).collect()
        };
        assert_eq!(named(0), ["Name", "Created At"]);
        assert_eq!(named(1), ["Task", "Round", "Status", "Failed-Nodes", "Worst-P99"]);
        for cells in [Cells::of(&head("a")), Cells::of_none()] {
            assert_eq!(serde_json::to_value(cells).unwrap().as_array().unwrap().len(), columns.len());
        }
        let without = serde_json::to_value(table(metadata, false)).unwrap();
        assert_eq!(without["columnDefinitions"], Value::Null);
    }

    #[test]
    fn what_was_not_measured_is_no_number() {
        let cells = |worst_p99_us| {
            let head = Head { worst_p99_us, ..head("a") };
            serde_json::to_value(Cells::of(&head)).unwrap()[6].clone()
        };
        assert_eq!(cells(None), "<none>");
        assert_eq!(cells(Some(0)), "0.000ms");
        assert_eq!(cells(Some(12_345_006)), "12345.006ms");
    }
}
