//! The aggregated API, registered with an API server that has no nodes.

use std::fs;
use std::path::Path;

use k8s_openapi::ByteString;
use netreach_tests::{Kubectl, Service};
use serde_json::json;

use super::ground::NAMESPACE;

/// The Service that API servers know it by.
pub(crate) const API_SERVICE: &str = "netreach-api";

/// Has the API server pass on requests for reports to whoever is behind this service, who has a certificate of that CA: the Service of
/// `config/apiserver` cannot be reached without nodes.
pub(crate) fn publish(kubectl: &Kubectl, service: &Service, ca: &Path) {
    kubectl.ok(&format!("delete service {API_SERVICE} -n {NAMESPACE} --ignore-not-found"));
    let local = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": API_SERVICE, "namespace": NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    });
    let applied = kubectl.apply(&local.to_string());
    assert_eq!(applied.code, 0, "{}", applied.err);
    kubectl.ok("apply -k config/apiserver/registration");
    let ca = ByteString(fs::read(ca).unwrap());
    let patch = json!({"spec": {"caBundle": ca, "service": {"port": service.address().port()}}});
    let patch =
        kubectl.call("patch apiservice v1beta1.system.kdoctor.io --type=merge -p").arg(patch.to_string());
    assert_eq!(patch.run().code, 0);
    kubectl.ok("wait apiservice v1beta1.system.kdoctor.io --for=condition=Available --timeout=60s");
}
