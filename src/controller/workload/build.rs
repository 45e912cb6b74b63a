//! The DaemonSet or Deployment of one NetReach's agents, made of the template of everybody's. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec, Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{Container, EnvVar, PodSpec, PodTemplateSpec, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use netreach_api::names::{annotation, component, label};
use netreach_api::{AgentKind, AgentSpec, CheckedSpec, NetReach};

use super::crew::{Crew, is_on_host, owner};
use crate::observe::agents::CONTAINER;

/// Beyond a round's load, seconds: an agent that is told to end in mid-round still hands in, and hears that the round is closed.
const FINISH_MARGIN_S: i64 = 30;
/// Left of that for the process to end by itself, seconds.
const END_MARGIN_S: i64 = 10;
/// Environment variables by which an agent knows itself: nobody else may set them.
const OURS: [&str; 2] = ["NODE_NAME", "POD_NAME"];

/// What runs a NetReach's own agents.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Workload {
    DaemonSet(Box<DaemonSet>),
    Deployment(Box<Deployment>),
}

/// None where the template has no agent in it.
pub(crate) fn workload(
    template: &PodTemplateSpec,
    crew: &Crew,
    net_reach: &NetReach,
    spec: &CheckedSpec,
    host_port: u16,
) -> Option<Workload> {
    let agents = net_reach.spec.agent_spec.as_ref()?;
    let selector = BTreeMap::from([(label::NET_REACH_UID.to_owned(), net_reach.metadata.uid.clone()?)]);
    let template = pod_template(template, agents, net_reach, spec, host_port)?;
    let metadata = metadata(&crew.name, &crew.namespace, Some(net_reach));
    let selector = LabelSelector { match_labels: Some(selector), match_expressions: None };
    Some(match crew.kind {
        AgentKind::DaemonSet => {
            let spec = DaemonSetSpec { selector, template, ..DaemonSetSpec::default() };
            Workload::DaemonSet(Box::new(DaemonSet { metadata, spec: Some(spec), status: None }))
        }
        AgentKind::Deployment => {
            let replicas = agents.deployment_replicas.or(Some(1));
            let spec = DeploymentSpec { replicas, selector, template, ..DeploymentSpec::default() };
            Workload::Deployment(Box::new(Deployment { metadata, spec: Some(spec), status: None }))
        }
    })
}

/// Labels, annotations and owner of something that is made for a NetReach, or for all.
pub(crate) fn metadata(name: &str, namespace: &str, for_one: Option<&NetReach>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        labels: Some(labels(for_one)),
        annotations: for_one.map(annotations),
        owner_references: for_one.and_then(owner).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

fn labels(for_one: Option<&NetReach>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([
        ("app.kubernetes.io/name".to_owned(), "netreach".to_owned()),
        (label::COMPONENT.to_owned(), component::AGENT.to_owned()),
        (label::MANAGED_BY.to_owned(), "netreach-manager".to_owned()),
    ]);
    if let Some(uid) = for_one.and_then(|net_reach| net_reach.metadata.uid.clone()) {
        labels.insert(label::NET_REACH_UID.to_owned(), uid);
    }
    labels
}

fn annotations(net_reach: &NetReach) -> BTreeMap<String, String> {
    BTreeMap::from([(annotation::NET_REACH.to_owned(), net_reach.metadata.name.clone().unwrap_or_default())])
}

fn pod_template(
    template: &PodTemplateSpec,
    agents: &AgentSpec,
    net_reach: &NetReach,
    spec: &CheckedSpec,
    host_port: u16,
) -> Option<PodTemplateSpec> {
    let mut annotations_of_pod = agents.annotation.clone().unwrap_or_default();
    annotations_of_pod.extend(annotations(net_reach));
    let metadata = ObjectMeta {
        labels: Some(labels(Some(net_reach))),
        annotations: Some(annotations_of_pod),
        ..ObjectMeta::default()
    };
    let mut pod = template.spec.clone()?;
    let finish_within_s =
        i64::from(spec.load().duration_s) + i64::from(spec.load().timeout_ms / 1_000) + FINISH_MARGIN_S;
    pod.termination_grace_period_seconds = Some(finish_within_s + END_MARGIN_S);
    pod.affinity = agents.affinity.clone().or(pod.affinity);
    spread(&mut pod, net_reach.metadata.uid.clone()?);
    let container = pod.containers.iter_mut().find(|container| container.name == CONTAINER)?;
    set_argument(container, "--finish-within", &finish_within_s.to_string());
    if let Some(resources) = &agents.resources {
        container.resources = Some(resources.clone());
    }
    add_environment(container, agents.env.as_deref().unwrap_or_default());
    if is_on_host(agents) {
        move_to_host(&mut pod, host_port);
    }
    Some(PodTemplateSpec { metadata: Some(metadata), spec: Some(pod) })
}

/// Agents of a Deployment stand on as many nodes as they can.
fn spread(pod: &mut PodSpec, uid: String) {
    let selector = BTreeMap::from([(label::NET_REACH_UID.to_owned(), uid)]);
    pod.topology_spread_constraints = Some(vec![TopologySpreadConstraint {
        max_skew: 1,
        topology_key: "kubernetes.io/hostname".to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(LabelSelector { match_labels: Some(selector), match_expressions: None }),
        ..TopologySpreadConstraint::default()
    }]);
}

fn set_argument(container: &mut Container, name: &str, value: &str) {
    let arguments = container.args.get_or_insert_default();
    let prefix = format!("{name}=");
    arguments.retain(|argument| !argument.starts_with(&prefix));
    arguments.push(format!("{prefix}{value}"));
}

fn add_environment(container: &mut Container, asked: &[EnvVar]) {
    let environment = container.env.get_or_insert_default();
    for variable in asked.iter().filter(|variable| !OURS.contains(&variable.name.as_str())) {
        environment.retain(|known| known.name != variable.name);
        environment.push(variable.clone());
    }
}

/// In a node's network port 80 is most likely somebody else's, names resolve as on the node unless asked otherwise, and the sysctl that
/// lets anybody listen below 1024 would be the node's own.
fn move_to_host(pod: &mut PodSpec, port: u16) {
    pod.host_network = Some(true);
    pod.dns_policy = Some("ClusterFirstWithHostNet".to_owned());
    if let Some(security) = &mut pod.security_context {
        security.sysctls = None;
    }
    let Some(container) = pod.containers.iter_mut().find(|container| container.name == CONTAINER) else {
        return;
    };
    set_argument(container, "--port", &port.to_string());
    for one in container.ports.iter_mut().flatten() {
        one.container_port = port.into();
        one.host_port = Some(port.into());
    }
}

#[cfg(test)]
mod tests {
    use netreach_api::{ClusterFacts, admit};
    use netreach_store::Retention;
    use serde_json::{Value, json};

    use super::*;
    use crate::Settings;

    /// The DaemonSet or Deployment for such an `agentSpec`, as JSON.
    fn built(agent_spec: Value) -> Value {
        let template = json!({"spec": {
            "serviceAccountName": "netreach-agent",
            "securityContext": {"runAsNonRoot": true, "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]},
            "containers": [{
                "name": "agent", "image": "netreach-agent", "args": ["--port=80", "--finish-within=290"],
                "env": [{"name": "NODE_NAME", "value": "ours"}], "ports": [{"name": "http", "containerPort": 80}],
            }],
        }});
        let object = json!({
            "apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach",
            "metadata": {"name": "mesh", "uid": "0c5e1fa2-77aa"},
            "spec": {"agentSpec": agent_spec, "request": {"durationInSecond": 60}},
        });
        let admitted = admit(object, &ClusterFacts::default()).unwrap();
        let settings = Settings {
            namespace: "netreach-system".to_owned(),
            host_namespace: "netreach-host".to_owned(),
            agent_account: "netreach-agent".to_owned(),
            ingress_class: None,
            instance: String::new(),
            retention: Retention::default(),
        };
        let crew = Crew::of(&admitted.net_reach, &settings).unwrap();
        let template = serde_json::from_value(template).unwrap();
        let built = workload(&template, &crew, &admitted.net_reach, &admitted.checked, 23_456).unwrap();
        match built {
            Workload::DaemonSet(object) => serde_json::to_value(object),
            Workload::Deployment(object) => serde_json::to_value(object),
        }
        .unwrap()
    }

    #[test]
    fn the_users_wishes_are_in_it_and_ours_stay() {
        let built = built(json!({
            "annotation": {"team": "net"},
            "env": [{"name": "GREETING", "value": "hello"}, {"name": "NODE_NAME", "value": "theirs"}],
            "resources": {"requests": {"cpu": "50m"}},
        }));
        assert_eq!(
            (&built["kind"], &built["metadata"]["name"]),
            (&json!("DaemonSet"), &json!("nr-mesh-0c5e1fa2"))
        );
        assert_eq!(built["metadata"]["ownerReferences"][0]["uid"], "0c5e1fa2-77aa");
        let pod = &built["spec"]["template"];
        assert_eq!(pod["metadata"]["annotations"], json!({"team": "net", "kdoctor.io/netreach": "mesh"}));
        assert_eq!(pod["metadata"]["labels"]["kdoctor.io/netreach-uid"], "0c5e1fa2-77aa");
        assert_eq!(
            built["spec"]["selector"]["matchLabels"],
            json!({"kdoctor.io/netreach-uid": "0c5e1fa2-77aa"})
        );
        let container = &pod["spec"]["containers"][0];
        assert_eq!(
            container["env"],
            json!([{"name": "NODE_NAME", "value": "ours"}, {"name": "GREETING", "value": "hello"}])
        );
        assert_eq!(container["resources"], json!({"requests": {"cpu": "50m"}}));
        // A minute of load, and what is left to hand in and to end.
        assert_eq!(container["args"], json!(["--port=80", "--finish-within=90"]));
        assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 100);
    }

    #[test]
    fn agents_in_their_nodes_network_have_a_namespace_and_a_port_of_their_own() {
        let built = built(json!({"hostNetwork": true, "kind": "Deployment", "deploymentReplicas": 2}));
        assert_eq!(
            (&built["kind"], &built["metadata"]["namespace"]),
            (&json!("Deployment"), &json!("netreach-host"))
        );
        assert_eq!(built["spec"]["replicas"], 2);
        let pod = &built["spec"]["template"]["spec"];
        assert_eq!(
            (&pod["hostNetwork"], &pod["dnsPolicy"]),
            (&json!(true), &json!("ClusterFirstWithHostNet"))
        );
        assert!(pod["securityContext"]["sysctls"].is_null(), "{pod}");
        let port = &pod["containers"][0]["ports"][0];
        assert_eq!((&port["containerPort"], &port["hostPort"]), (&json!(23_456), &json!(23_456)));
        assert_eq!(pod["containers"][0]["args"], json!(["--finish-within=90", "--port=23456"]));
    }
}
