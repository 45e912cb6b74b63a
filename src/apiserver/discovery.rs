//! What there is to ask for: `APIGroupList`, `APIGroup`, `APIResourceList`, version. Pure.
//!
//! Aggregated discovery is not among it: an API server that gets the plain answer instead asks on, and aggregates itself.

use netreach_api::names::{REPORT_API_VERSION, REPORT_GROUP, REPORT_KIND, VERSION};
use serde_json::{Value, json};

use crate::{CATEGORY, PLURAL, SHORT_NAME, SINGULAR, Verb};

/// The groups there are.
pub(crate) fn groups() -> Value {
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [described()]})
}

/// Our group.
pub(crate) fn group() -> Value {
    let mut group = described();
    (group["kind"], group["apiVersion"]) = (json!("APIGroup"), json!("v1"));
    group
}

/// What is in its version.
pub(crate) fn resources() -> Value {
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": REPORT_API_VERSION,
        "resources": [{
            "name": PLURAL,
            "singularName": SINGULAR,
            "namespaced": false,
            "group": REPORT_GROUP,
            "version": VERSION,
            "kind": REPORT_KIND,
            "verbs": [Verb::Get.to_string(), Verb::List.to_string()],
            "shortNames": [SHORT_NAME],
            "categories": [CATEGORY],
        }],
    })
}

/// Which version of us is running.
pub(crate) fn version() -> Value {
    json!({
        "major": env!("CARGO_PKG_VERSION_MAJOR"),
        "minor": env!("CARGO_PKG_VERSION_MINOR"),
        "gitVersion": concat!("v", env!("CARGO_PKG_VERSION")),
    })
}

fn described() -> Value {
    let version = json!({"groupVersion": REPORT_API_VERSION, "version": VERSION});
    json!({"name": REPORT_GROUP, "versions": [version], "preferredVersion": version})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_may_write_is_promised() {
        let resources = resources();
        let resource = &resources["resources"][0];
        assert_eq!(resource["name"], "kdoctorreports");
        assert_eq!(resource["singularName"], "kdoctorreport");
        assert_eq!(resource["shortNames"], json!(["kr"]));
        assert_eq!(resource["categories"], json!(["kdoctor"]));
        assert_eq!(resource["verbs"], json!(["get", "list"]));
        assert_eq!(resource["namespaced"], false);
        assert_eq!(group()["versions"], groups()["groups"][0]["versions"]);
    }
}
