//! What there is to ask for: `APIGroupList`, `APIGroup`, `APIResourceList`, all in one as `APIGroupDiscoveryList`, version. Pure.

use std::fmt::Write;
use std::sync::LazyLock;

use netreach_api::names::{REPORT_API_VERSION, REPORT_GROUP, REPORT_KIND, VERSION};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::tell::rounds::ROUND_LIST_KIND;
use crate::{CATEGORY, PLURAL, ROUNDS, SHORT_NAME, SINGULAR, Verb};

/// A document that never changes while this program runs.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) text: Vec<u8>,
    /// Of the text.
    pub(crate) hash: String,
    /// The hash as an `ETag`.
    pub(crate) tag: String,
}

impl Document {
    pub(crate) fn of(value: &Value) -> Self {
        let text = serde_json::to_vec(value).expect("a value is always JSON");
        let mut hash = String::new();
        for byte in Sha256::digest(&text) {
            write!(hash, "{byte:02X}").expect("writing to memory cannot fail");
        }
        let tag = format!("\"{hash}\"");
        Self { text, hash, tag }
    }
}

/// The media type of [`aggregated_v2`]: an API server looks at nothing else.
pub(crate) const AGGREGATED_V2: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
/// The media type of [`aggregated_v2beta1`].
pub(crate) const AGGREGATED_V2BETA1: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

/// The groups there are.
pub(crate) fn groups() -> &'static Document {
    static GROUPS: LazyLock<Document> = LazyLock::new(|| {
        Document::of(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [described()]}))
    });
    &GROUPS
}

/// Our group.
pub(crate) fn group() -> &'static Document {
    static GROUP: LazyLock<Document> = LazyLock::new(|| {
        let mut group = described();
        (group["kind"], group["apiVersion"]) = (json!("APIGroup"), json!("v1"));
        Document::of(&group)
    });
    &GROUP
}

/// What is in its version.
pub(crate) fn resources() -> &'static Document {
    static RESOURCES: LazyLock<Document> = LazyLock::new(|| Document::of(&listed()));
    &RESOURCES
}

/// Everything in one document.
pub(crate) fn aggregated_v2() -> &'static Document {
    static AGGREGATED: LazyLock<Document> = LazyLock::new(|| Document::of(&aggregated("v2")));
    &AGGREGATED
}

/// Everything in one document, as API servers before 1.30 ask for it.
pub(crate) fn aggregated_v2beta1() -> &'static Document {
    static AGGREGATED: LazyLock<Document> = LazyLock::new(|| Document::of(&aggregated("v2beta1")));
    &AGGREGATED
}

/// Which version of us is running.
pub(crate) fn version() -> &'static Document {
    static RUNNING: LazyLock<Document> = LazyLock::new(|| {
        Document::of(&json!({
            "major": env!("CARGO_PKG_VERSION_MAJOR"),
            "minor": env!("CARGO_PKG_VERSION_MINOR"),
            "gitVersion": concat!("v", env!("CARGO_PKG_VERSION")),
        }))
    });
    &RUNNING
}

/// The verbs, and no `delete`: the garbage collector of the cluster would watch us.
fn verbs() -> Vec<String> {
    Verb::ALL.iter().map(ToString::to_string).collect()
}

fn listed() -> Value {
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": REPORT_API_VERSION,
        "resources": [
            {
                "name": PLURAL,
                "singularName": SINGULAR,
                "namespaced": false,
                "group": REPORT_GROUP,
                "version": VERSION,
                "kind": REPORT_KIND,
                "verbs": verbs(),
                "shortNames": [SHORT_NAME],
                "categories": [CATEGORY],
            },
            {
                "name": format!("{PLURAL}/{ROUNDS}"),
                "singularName": "",
                "namespaced": false,
                "group": REPORT_GROUP,
                "version": VERSION,
                "kind": ROUND_LIST_KIND,
                "verbs": [Verb::Get.to_string()],
            },
        ],
    })
}

fn aggregated(version: &str) -> Value {
    let kind = |kind: &str| json!({"group": REPORT_GROUP, "version": VERSION, "kind": kind});
    let rounds = json!({"subresource": ROUNDS, "responseKind": kind(ROUND_LIST_KIND), "verbs": [Verb::Get.to_string()]});
    let reports = json!({
        "resource": PLURAL,
        "responseKind": kind(REPORT_KIND),
        "scope": "Cluster",
        "singularResource": SINGULAR,
        "verbs": verbs(),
        "shortNames": [SHORT_NAME],
        "categories": [CATEGORY],
        "subresources": [rounds],
    });
    let versions = json!([{"version": VERSION, "freshness": "Current", "resources": [reports]}]);
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {},
        "items": [{"metadata": {"name": REPORT_GROUP, "creationTimestamp": null}, "versions": versions}],
    })
}

fn described() -> Value {
    let version = json!({"groupVersion": REPORT_API_VERSION, "version": VERSION});
    json!({"name": REPORT_GROUP, "versions": [version], "preferredVersion": version})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: &Document) -> Value {
        serde_json::from_slice(&document.text).unwrap()
    }

    #[test]
    fn what_users_may_write_is_promised() {
        let resources = read(resources());
        let resource = &resources["resources"][0];
        assert_eq!(resource["name"], "kdoctorreports");
        assert_eq!(resource["singularName"], "kdoctorreport");
        assert_eq!(resource["shortNames"], json!(["kr"]));
        assert_eq!(resource["categories"], json!(["kdoctor"]));
        assert_eq!(resource["verbs"], json!(["get", "list", "watch"]));
        assert_eq!(resource["namespaced"], false);
        let rounds = &resources["resources"][1];
        assert_eq!((&rounds["name"], &rounds["verbs"]), (&json!("kdoctorreports/rounds"), &json!(["get"])));
        assert_eq!(read(group())["versions"], read(groups())["groups"][0]["versions"]);
    }

    #[test]
    fn both_ways_to_be_discovered_say_the_same() {
        let resources = read(resources());
        for (document, version) in [(aggregated_v2(), "v2"), (aggregated_v2beta1(), "v2beta1")] {
            let list = read(document);
            assert_eq!(list["apiVersion"], format!("apidiscovery.k8s.io/{version}"));
            assert_eq!(list["items"][0]["metadata"]["name"], "system.kdoctor.io");
            let resource = &list["items"][0]["versions"][0]["resources"][0];
            for (new, old) in [
                ("resource", "name"),
                ("singularResource", "singularName"),
                ("verbs", "verbs"),
                ("shortNames", "shortNames"),
                ("categories", "categories"),
            ] {
                assert_eq!(resource[new], resources["resources"][0][old], "{new}");
            }
            assert_eq!(resource["responseKind"]["kind"], resources["resources"][0]["kind"]);
            let rounds = &resource["subresources"][0];
            assert_eq!(rounds["responseKind"]["kind"], resources["resources"][1]["kind"]);
            assert_eq!(rounds["verbs"], resources["resources"][1]["verbs"]);
        }
    }

    #[test]
    fn a_document_is_known_by_its_tag() {
        let (one, other) = (Document::of(&json!({"a": 1})), Document::of(&json!({"a": 2})));
        assert_eq!(one.tag, format!("\"{}\"", one.hash));
        assert_eq!(one.hash.len(), 64);
        assert_ne!(one.tag, other.tag);
        assert_eq!(one.tag, Document::of(&json!({"a": 1})).tag);
    }
}
