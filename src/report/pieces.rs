//! The document's JSON in pieces, for whoever sends one that is never whole in memory.

use serde::Serialize;

use crate::KdoctorReport;
use crate::document::{ReportSpec, ReportStatus};

/// What a document has beside its kind and its metadata.
#[derive(Serialize)]
struct Contents<'a> {
    spec: &'a ReportSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a ReportStatus>,
}

/// What stands before and after the list of agents in the JSON of a document whose list is empty. Between the two come
/// the agents' entries, each as JSON, with commas between them: together that is the JSON of the whole document.
///
/// # Panics
/// When the list is not empty.
#[must_use]
pub fn around(document: &KdoctorReport) -> (String, String) {
    split(document, &document.spec)
}

/// The same of what the document has beside its kind and its metadata, for whoever has others: `{"spec":…}`.
///
/// # Panics
/// As [`around`].
#[must_use]
pub fn around_contents(document: &KdoctorReport) -> (String, String) {
    let KdoctorReport { api_version: _, kind: _, metadata: _, spec, status } = document;
    split(&Contents { spec, status: status.as_ref() }, spec)
}

fn split(whole: &impl Serialize, spec: &ReportSpec) -> (String, String) {
    assert!(spec.report.is_empty(), "the entries are not to be sent twice");
    let json = serde_json::to_string(whole).expect("every key is a string");
    // No text in it can hold this: its quotes would be escaped.
    let (before, after) = json.rsplit_once(r#""Report":[]"#).expect("an empty list is written as one");
    (format!(r#"{before}"Report":["#), format!("]{after}"))
}
