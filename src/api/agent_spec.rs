//! The agents that serve one NetReach alone.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, EnvVar, ResourceRequirements};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::defaults;

/// How the agents of this NetReach are run. Without it the default agents, one on every node, serve it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpec {
    /// Annotations put on the agents' pods, for example the networks that Multus attaches. Those that say whose a pod is
    /// (kdoctor.io/) and which NICs it has got (network-status) are not for users to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation: Option<BTreeMap<String, String>>,
    /// DaemonSet puts an agent on every node, Deployment a fixed number of them anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::AGENT_KIND))]
    pub kind: Option<AgentKind>,
    /// Number of agents, at least 1. Only for kind Deployment; 1 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_replicas: Option<i32>,
    /// Which nodes the agents may run on, and beside which pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// Environment variables of the agents' container. Their values come from no Secret and no ConfigMap: those of the
    /// agents' namespace are not for everybody who may write a NetReach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<EnvVar>>,
    /// Whether the agents use their node's network instead of one of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::HOST_NETWORK))]
    pub host_network: Option<bool>,
    /// CPU and memory the agents' container asks for and may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Minutes the agents are kept after the last round. They go at once when the NetReach is deleted.
    #[serde(skip_serializing_if = "Option::is_none", rename = "terminationGracePeriodMinutes")]
    pub termination_grace_period_min: Option<i64>,
}

/// By what the agents are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AgentKind {
    /// A fixed number of agents.
    Deployment,
    /// One agent on every node.
    DaemonSet,
}
