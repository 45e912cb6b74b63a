//! The document's JSON in pieces, for whoever sends one that is never whole in memory.

use crate::KdoctorReport;

/// What stands before and after the list of agents in the JSON of a document whose list is empty. Between the two come
/// the agents' entries, each as JSON, with commas between them: together that is the JSON of the whole document.
///
/// # Panics
/// When the list is not empty.
#[must_use]
pub fn around(document: &KdoctorReport) -> (String, String) {
    assert!(document.spec.report.is_empty(), "the entries are not to be sent twice");
    let json = serde_json::to_string(document).expect("every key is a string");
    // No text in it can hold this: its quotes would be escaped.
    let (before, after) = json.rsplit_once(r#""Report":[]"#).expect("an empty list is written as one");
    (format!(r#"{before}"Report":["#), format!("]{after}"))
}
