//! Objects and lists of them, as they are written. Pure.

use jiff::Timestamp;
use netreach_api::names::{REPORT_API_VERSION, REPORT_KIND};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::reports::{Head, Report};

/// Group and version of what is Kubernetes' own way to show an object.
pub(crate) const META: &str = "meta.k8s.io/v1";

/// Any object, or none.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<&'a RawValue>,
}

/// Whose it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    uid: &'a str,
    resource_version: String,
    creation_timestamp: String,
}

/// A list of anything.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<T> {
    api_version: &'static str,
    kind: &'static str,
    metadata: ListMetadata,
    items: Vec<T>,
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

/// A report as it is.
pub(crate) fn whole(report: &Report) -> Object<'_> {
    Object {
        api_version: REPORT_API_VERSION,
        kind: REPORT_KIND,
        metadata: metadata(&report.head),
        spec: Some(&report.spec),
    }
}

/// A report without its contents.
pub(crate) fn partial(head: &Head) -> Object<'_> {
    Object { api_version: META, kind: "PartialObjectMetadata", metadata: metadata(head), spec: None }
}

/// Reports as they are.
pub(crate) fn wholes(reports: &[Report], metadata: ListMetadata) -> List<Object<'_>> {
    let items = reports.iter().map(whole).collect();
    List { api_version: REPORT_API_VERSION, kind: "KdoctorReportList", metadata, items }
}

/// Reports without their contents.
pub(crate) fn partials(heads: &[Head], metadata: ListMetadata) -> List<Object<'_>> {
    let items = heads.iter().map(partial).collect();
    List { api_version: META, kind: "PartialObjectMetadataList", metadata, items }
}

/// As Kubernetes writes instants: whole seconds, UTC.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn metadata(head: &Head) -> Metadata<'_> {
    let Head { name, uid, created, resource_version } = head;
    Metadata {
        name,
        uid,
        resource_version: resource_version.to_string(),
        creation_timestamp: instant(*created),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::tests::{head, report};

    #[test]
    fn a_report_is_its_document_under_its_head() {
        let expected = "{\"apiVersion\":\"system.kdoctor.io/v1beta1\",\"kind\":\"KdoctorReport\",\"metadata\":\
                        {\"name\":\"netreach-task\",\"uid\":\"uid-of-netreach-task\",\"resourceVersion\":\"7\",\
                        \"creationTimestamp\":\"2023-08-01T08:37:07Z\"},\"spec\":{\"TaskName\":\"netreach-task\"}}";
        assert_eq!(serde_json::to_string(&whole(&report("netreach-task"))).unwrap(), expected);
    }

    #[test]
    fn a_list_tells_where_it_goes_on() {
        let metadata = ListMetadata {
            resource_version: "9".to_owned(),
            r#continue: Some("a".to_owned()),
            remaining_item_count: Some(2),
        };
        let list = serde_json::to_value(partials(&[head("a")], metadata)).unwrap();
        assert_eq!(list["kind"], "PartialObjectMetadataList");
        let expected = serde_json::json!({"resourceVersion": "9", "continue": "a", "remainingItemCount": 2});
        assert_eq!(list["metadata"], expected);
        assert_eq!(list["items"][0]["kind"], "PartialObjectMetadata");
        assert_eq!(list["items"][0]["metadata"]["name"], "a");
        assert!(list["items"][0].get("spec").is_none());
    }
}
