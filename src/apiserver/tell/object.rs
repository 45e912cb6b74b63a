//! Objects and lists of them, as they are written. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use netreach_api::names::{KIND, REPORT_API_VERSION, REPORT_KIND};
use serde::Serialize;

use crate::Head;
use crate::log::Shown;

/// Group and version of what is Kubernetes' own way to show an object.
pub(crate) const META: &str = "meta.k8s.io/v1";
/// Says of a bookmark that everything there was has been told.
pub(crate) const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// A report, and the version it is shown under.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) head: &'a Head,
    pub(crate) version: u64,
}

/// Any object without its contents.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
}

/// Whose it is.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) uid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource_version: Option<String>,
    /// null in an object that is none.
    pub(crate) creation_timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) annotations: Option<BTreeMap<&'static str, &'static str>>,
}

/// A list without its items.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    api_version: &'static str,
    kind: &'static str,
    metadata: ListMetadata,
    items: [(); 0],
}

/// Of when a list is, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListMetadata {
    pub(crate) resource_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) r#continue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remaining_item_count: Option<usize>,
}

/// What is known of a report that nobody can open any more.
#[derive(Debug, Serialize)]
pub(crate) struct Remains<'a> {
    spec: RemainsOfSpec<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RemainsOfSpec<'a> {
    task_name: &'a str,
    task_type: &'static str,
    round_number: i64,
    report_round_number: u64,
    finished_round_number: u64,
    status: &'static str,
    verdict: &'a str,
}

impl<'a> View<'a> {
    /// As it is.
    pub(crate) fn of(shown: &'a Shown) -> Self {
        Self { head: &shown.head, version: shown.version }
    }

    pub(crate) fn metadata(self) -> Metadata<'a> {
        let Head { name, uid, created, labels, .. } = self.head;
        Metadata {
            name,
            uid,
            resource_version: Some(self.version.to_string()),
            creation_timestamp: Some(instant(*created)),
            labels: Some(labels).filter(|labels| !labels.is_empty()),
            annotations: None,
        }
    }
}

impl Metadata<'_> {
    /// Of an object that stands for nothing but a version.
    pub(crate) fn of_bookmark(version: u64, is_end_of_initial_events: bool) -> Self {
        let annotations = is_end_of_initial_events.then(|| BTreeMap::from([(INITIAL_EVENTS_END, "true")]));
        Self { resource_version: Some(version.to_string()), annotations, ..Self::default() }
    }
}

/// A report; its contents are to follow.
pub(crate) fn whole(metadata: Metadata<'_>) -> Object<'_> {
    Object { api_version: REPORT_API_VERSION, kind: REPORT_KIND, metadata }
}

/// A report without its contents.
pub(crate) fn partial(metadata: Metadata<'_>) -> Object<'_> {
    Object { api_version: META, kind: "PartialObjectMetadata", metadata }
}

/// Reports; they are to follow.
pub(crate) fn wholes(metadata: ListMetadata) -> List {
    List { api_version: REPORT_API_VERSION, kind: "KdoctorReportList", metadata, items: [] }
}

/// Reports without their contents; they are to follow.
pub(crate) fn partials(metadata: ListMetadata) -> List {
    List { api_version: META, kind: "PartialObjectMetadataList", metadata, items: [] }
}

/// What is left of a report.
pub(crate) fn remains(head: &Head) -> Remains<'_> {
    Remains {
        spec: RemainsOfSpec {
            task_name: &head.task,
            task_type: KIND,
            round_number: head.rounds_wanted,
            report_round_number: head.round,
            finished_round_number: head.rounds_done,
            status: head.status(),
            verdict: &head.verdict,
        },
    }
}

/// As Kubernetes writes instants: whole seconds, UTC.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::head::tests::head;
    use crate::tell::Opening;

    #[test]
    fn a_report_begins_with_its_head() {
        let mut head = head("netreach-task");
        head.labels.insert("team".to_owned(), "net".to_owned());
        let opening = Opening::of_object(&whole(View { head: &head, version: 7 }.metadata())).unwrap();
        let expected = "{\"apiVersion\":\"system.kdoctor.io/v1beta1\",\"kind\":\"KdoctorReport\",\"metadata\":\
                        {\"name\":\"netreach-task\",\"uid\":\"uid-of-netreach-task\",\"resourceVersion\":\"7\",\
                        \"creationTimestamp\":\"2023-08-01T08:37:07Z\",\"labels\":{\"team\":\"net\"}}";
        assert_eq!(std::str::from_utf8(opening.bytes()).unwrap(), expected);
    }

    #[test]
    fn a_list_tells_where_it_goes_on_before_its_items() {
        let metadata = ListMetadata {
            resource_version: "9".to_owned(),
            r#continue: Some("a".to_owned()),
            remaining_item_count: Some(2),
        };
        let opening = Opening::of_list(&partials(metadata)).unwrap();
        let expected = "{\"apiVersion\":\"meta.k8s.io/v1\",\"kind\":\"PartialObjectMetadataList\",\"metadata\":\
                        {\"resourceVersion\":\"9\",\"continue\":\"a\",\"remainingItemCount\":2},\"items\":[";
        assert_eq!(std::str::from_utf8(opening.bytes()).unwrap(), expected);
    }

    #[test]
    fn what_is_gone_leaves_what_its_head_knows() {
        let remains = serde_json::to_value(remains(&head("netreach-task"))).unwrap();
        let expected = json!({"spec": {
            "TaskName": "task", "TaskType": "NetReach", "RoundNumber": -1, "ReportRoundNumber": 7,
            "FinishedRoundNumber": 7, "Status": "NotFinished", "Verdict": "succeed",
        }});
        assert_eq!(remains, expected);
    }
}
