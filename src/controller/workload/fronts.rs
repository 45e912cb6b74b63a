//! The Services and the Ingress in front of agents. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressClass, IngressRule,
    IngressServiceBackend, IngressSpec, ServiceBackendPort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use netreach_api::names::{component, label};
use netreach_wire::IpFamily;

use super::crew::Crew;

/// What an Ingress class is marked with when it is the default one.
const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// Port of the Services, and its name.
pub(crate) const PORT: i32 = 80;
const PORT_NAME: &str = "http";

/// The Service of one IP version.
pub(crate) fn service(metadata: ObjectMeta, crew: &Crew, ip_family: IpFamily, is_balanced: bool) -> Service {
    let selector = match &crew.own {
        Some(uid) => BTreeMap::from([(label::NET_REACH_UID.to_owned(), uid.clone())]),
        None => BTreeMap::from([
            ("app.kubernetes.io/name".to_owned(), "netreach".to_owned()),
            (label::COMPONENT.to_owned(), component::AGENT.to_owned()),
            (component::DEFAULT_AGENTS.to_owned(), "true".to_owned()),
        ]),
    };
    let port = ServicePort {
        name: Some(PORT_NAME.to_owned()),
        port: PORT,
        target_port: Some(IntOrString::String(PORT_NAME.to_owned())),
        ..ServicePort::default()
    };
    let spec = ServiceSpec {
        type_: Some(if is_balanced { "LoadBalancer" } else { "NodePort" }.to_owned()),
        ip_family_policy: Some("SingleStack".to_owned()),
        ip_families: Some(vec![ip_family.to_string()]),
        selector: Some(selector),
        ports: Some(vec![port]),
        ..ServiceSpec::default()
    };
    Service { metadata, spec: Some(spec), status: None }
}

/// The Ingress that leads to the Service of that IP version.
pub(crate) fn ingress(
    metadata: ObjectMeta,
    crew: &Crew,
    ip_family: IpFamily,
    class: Option<String>,
) -> Ingress {
    let service = IngressServiceBackend {
        name: crew.service(ip_family),
        port: Some(ServiceBackendPort { name: Some(PORT_NAME.to_owned()), number: None }),
    };
    let path = HTTPIngressPath {
        path: Some(crew.path()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend { service: Some(service), resource: None },
    };
    let rule = IngressRule { host: None, http: Some(HTTPIngressRuleValue { paths: vec![path] }) };
    let spec = IngressSpec { ingress_class_name: class, rules: Some(vec![rule]), ..IngressSpec::default() };
    Ingress { metadata, spec: Some(spec), status: None }
}

/// The class to ask for: the one that was named, else the default one; none where there is none.
pub(crate) fn class<'a>(
    named: Option<&str>,
    classes: impl Iterator<Item = &'a IngressClass>,
) -> Option<String> {
    if let Some(named) = named {
        return Some(named.to_owned());
    }
    let is_default = |class: &&IngressClass| {
        class
            .metadata
            .annotations
            .as_ref()
            .is_some_and(|all| all.get(DEFAULT_CLASS).is_some_and(|is| is == "true"))
    };
    let mut defaults: Vec<_> =
        classes.filter(is_default).filter_map(|class| class.metadata.name.clone()).collect();
    defaults.sort();
    defaults.into_iter().next()
}
