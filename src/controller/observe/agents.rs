//! A pod → what planning and judging want to know of the agent in it. Pure.

use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod, PodStatus};
use netreach_api::names::label;
use netreach_wire::AgentId;
use serde::Deserialize;

use crate::limits::QUOTE_CHARS_MAX;

/// The container in which an agent runs.
pub(crate) const CONTAINER: &str = "agent";
/// Where Multus, and whoever stands in for it, writes down a pod's NICs (the network plumbing working group's de-facto standard).
const NETWORK_STATUS: &str = "k8s.v1.cni.cncf.io/network-status";
/// Reasons for waiting that pass by themselves.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// One agent's pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentFacts {
    pub(crate) id: AgentId,
    pub(crate) uid: String,
    /// Who runs in it.
    pub(crate) account: String,
    /// The NetReach it was made for; none for a default agent.
    pub(crate) serves: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) port: u16,
    pub(crate) nics: Vec<IpAddr>,
    pub(crate) is_ready: bool,
    /// Its container runs, as far as its node was heard of.
    pub(crate) is_running: bool,
    /// On its way out, or over.
    pub(crate) is_leaving: bool,
    pub(crate) restarts: i32,
    /// Why it does not run, in Kubernetes' own words; none while it does, and while it is only starting.
    pub(crate) trouble: Option<String>,
    /// How its container last ended.
    pub(crate) last_end: Option<String>,
}

/// One entry of the network status.
#[derive(Deserialize)]
struct Network {
    #[serde(default)]
    default: bool,
    #[serde(default)]
    ips: Vec<IpAddr>,
}

impl AgentFacts {
    /// None for a pod that no API server gave us.
    pub(crate) fn of(pod: &Pod) -> Option<Self> {
        let (meta, spec) = (&pod.metadata, pod.spec.as_ref()?);
        let status = pod.status.as_ref();
        let container = spec.containers.iter().find(|container| container.name == CONTAINER)?;
        let of_container = status.and_then(container_status);
        let is_over = status
            .and_then(|status| status.phase.as_deref())
            .is_some_and(|phase| matches!(phase, "Succeeded" | "Failed"));
        Some(Self {
            id: AgentId { node: node(pod).unwrap_or_default(), pod: meta.name.clone()? },
            uid: meta.uid.clone()?,
            account: format!("{}:{}", meta.namespace.as_deref()?, spec.service_account_name.as_deref()?),
            serves: meta.labels.as_ref().and_then(|labels| labels.get(label::NET_REACH_UID)).cloned(),
            created: meta.creation_timestamp.as_ref()?.0,
            addresses: status.map(addresses).unwrap_or_default(),
            port: port(container),
            nics: nics(pod),
            is_ready: status.is_some_and(is_ready),
            is_running: of_container
                .and_then(|of| of.state.as_ref())
                .is_some_and(|state| state.running.is_some()),
            is_leaving: meta.deletion_timestamp.is_some() || is_over,
            restarts: of_container.map_or(0, |of| of.restart_count),
            trouble: status.and_then(|status| trouble(status, of_container)),
            last_end: of_container.and_then(last_end),
        })
    }

    /// Whether it can be probed, and is expected to probe: also where its node has not been heard of for a while.
    pub(crate) fn is_up(&self) -> bool {
        self.is_running && !self.is_leaving && !self.addresses.is_empty()
    }
}

/// Where it runs, or, for a DaemonSet's pod that no node takes, where it should.
fn node(pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let wanted = || {
        let terms = &spec
            .affinity
            .as_ref()?
            .node_affinity
            .as_ref()?
            .required_during_scheduling_ignored_during_execution
            .as_ref()?
            .node_selector_terms;
        let fields = terms.iter().flat_map(|term| term.match_fields.iter().flatten());
        fields
            .filter(|field| field.key == "metadata.name")
            .find_map(|field| field.values.as_ref()?.first().cloned())
    };
    spec.node_name.clone().or_else(wanted)
}

fn container_status(status: &PodStatus) -> Option<&ContainerStatus> {
    status.container_statuses.iter().flatten().find(|one| one.name == CONTAINER)
}

fn addresses(status: &PodStatus) -> Vec<IpAddr> {
    status.pod_ips.iter().flatten().filter_map(|one| one.ip.parse().ok()).collect()
}

fn port(container: &Container) -> u16 {
    let ports = container.ports.iter().flatten();
    ports.filter_map(|port| u16::try_from(port.container_port).ok()).next().unwrap_or(80)
}

fn nics(pod: &Pod) -> Vec<IpAddr> {
    let text = pod.metadata.annotations.as_ref().and_then(|all| all.get(NETWORK_STATUS));
    let networks: Vec<Network> = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    networks.into_iter().filter(|network| !network.default).flat_map(|network| network.ips).collect()
}

fn is_ready(status: &PodStatus) -> bool {
    status
        .conditions
        .iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn trouble(status: &PodStatus, container: Option<&ContainerStatus>) -> Option<String> {
    let told = |reason: &str, message: Option<&str>| {
        let words = message.map_or_else(|| reason.to_owned(), |message| format!("{reason}: {message}"));
        Some(quote(&words))
    };
    if let Some(reason) = &status.reason {
        return told(reason, status.message.as_deref());
    }
    let unscheduled =
        status.conditions.iter().flatten().find(|one| one.type_ == "PodScheduled" && one.status == "False");
    if let Some(condition) = unscheduled {
        return told(condition.reason.as_deref().unwrap_or("Unschedulable"), condition.message.as_deref());
    }
    let state = container?.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().unwrap_or_default();
        return if STARTING.contains(&reason) { None } else { told(reason, waiting.message.as_deref()) };
    }
    state.terminated.is_some().then(|| last_end(container?)).flatten()
}

fn last_end(container: &ContainerStatus) -> Option<String> {
    let ended = |state: Option<&k8s_openapi::api::core::v1::ContainerState>| state?.terminated.clone();
    let end = ended(container.state.as_ref()).or_else(|| ended(container.last_state.as_ref()))?;
    Some(format!(
        "its container ended ({}, exit code {})",
        end.reason.as_deref().unwrap_or("no reason given"),
        end.exit_code
    ))
}

/// Somebody else's words, cut and harmless for a terminal.
pub(crate) fn quote(words: &str) -> String {
    words.chars().take(QUOTE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn facts(status: Value) -> AgentFacts {
        let status_of_networks = json!([
            {"name": "cni", "default": true, "ips": ["10.244.1.7"]},
            {"name": "default/second", "interface": "net1", "ips": ["10.245.1.7", "fd00:10:245::1:7"]},
        ]);
        let pod = json!({
            "metadata": {
                "name": "netreach-agent-x", "namespace": "netreach-system", "uid": "u", "creationTimestamp": "2026-03-01T00:00:00Z",
                "annotations": {"k8s.v1.cni.cncf.io/network-status": status_of_networks.to_string()},
            },
            "spec": {
                "serviceAccountName": "netreach-agent",
                "containers": [{"name": "agent", "ports": [{"containerPort": 80}]}],
                "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                    {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["worker"]}]},
                ]}}},
            },
            "status": status,
        });
        AgentFacts::of(&serde_json::from_value(pod).unwrap()).unwrap()
    }

    fn running(restarts: i32, last: Value) -> Value {
        json!({
            "phase": "Running", "podIPs": [{"ip": "10.244.1.7"}, {"ip": "fd00:10:244:1::7"}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{
                "name": "agent", "image": "", "imageID": "", "ready": true, "restartCount": restarts,
                "state": {"running": {}}, "lastState": last,
            }],
        })
    }

    #[test]
    fn a_running_agent_has_its_addresses_and_its_further_nics() {
        let seen = facts(running(0, json!({})));
        assert_eq!(
            (seen.id.node.as_str(), seen.account.as_str(), seen.port),
            ("worker", "netreach-system:netreach-agent", 80)
        );
        assert_eq!(
            seen.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.244.1.7", "fd00:10:244:1::7"]
        );
        assert_eq!(
            seen.nics.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.245.1.7", "fd00:10:245::1:7"]
        );
        assert!(seen.is_up() && seen.is_ready && seen.trouble.is_none());
    }

    #[test]
    fn what_keeps_an_agent_from_running_is_told_in_kubernetes_words() {
        let check =
            |status: Value, expected: Option<&str>| assert_eq!(facts(status).trouble.as_deref(), expected);
        let waiting = |reason: &str| {
            json!({"phase": "Pending", "containerStatuses": [{
                "name": "agent", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": reason, "message": "no such image"}},
            }]})
        };
        check(waiting("ContainerCreating"), None);
        check(waiting("ErrImagePull"), Some("ErrImagePull: no such image"));
        check(
            json!({"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"},
            ]}),
            Some("Unschedulable: 0/3 nodes are available"),
        );
        check(
            json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}),
            Some("Evicted: low on memory"),
        );
    }

    #[test]
    fn how_it_last_ended_is_remembered() {
        let seen = facts(running(1, json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}})));
        assert_eq!(seen.last_end.as_deref(), Some("its container ended (OOMKilled, exit code 137)"));
        assert_eq!((seen.restarts, seen.trouble), (1, None));
    }
}
