//! What has become of a NetReach. Written by the controller alone; shown by `kubectl get` and `describe`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far the rounds are and how the newest of them ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetReachStatus {
    /// Rounds that ended, missed ones included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub done_round: Option<i64>,
    /// Rounds asked for; -1 means that they go on for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub expected_round: Option<i64>,
    /// Whether every round asked for is done.
    pub finish: bool,
    /// When the last round ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_time: Option<Time>,
    /// The newest rounds, newest first, including the one to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<RoundHistory>>,
    /// How the newest finished round ended; unknown when it could not be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_round_status: Option<LastRoundStatus>,
    /// The objects made for the agents of this NetReach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceStatus>,
    /// What holds now: Ready, Progressing, Complete, Healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Option<Vec<Condition>>,
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When the next round is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_round_time: Option<Time>,
}

/// One round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoundHistory {
    /// When results had to be in.
    #[serde(rename = "deadLineTimeStamp")]
    pub deadline_time_stamp: Time,
    /// How long it took, for example 11.2s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time_stamp: Option<Time>,
    /// Number of agents that had to take part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_actor_number: Option<i64>,
    /// Nodes whose agent reported a target that missed what was expected; shortened in large clusters.
    pub failed_agent_node_list: Vec<String>,
    /// Exact number of such nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_agent_node_number: Option<i64>,
    /// Why the round failed, beginning with one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// Number of missed rounds in a row that this one entry stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed_round_number: Option<i64>,
    /// Nodes whose agent handed nothing in by the deadline; shortened in large clusters.
    pub not_report_agent_node_list: Vec<String>,
    /// Exact number of such nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_report_agent_node_number: Option<i64>,
    /// Its number, counted from 1.
    pub round_number: i64,
    /// When it started, or will.
    pub start_time_stamp: Time,
    /// How it ended, or how far it is.
    pub status: RoundStatus,
    /// Nodes whose agent reached every target as expected; shortened in large clusters.
    pub succeed_agent_node_list: Vec<String>,
    /// Exact number of such nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub succeed_agent_node_number: Option<i64>,
}

/// How far a round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoundStatus {
    /// Every target met what was expected.
    Succeed,
    /// One did not, or the round could not be judged.
    Fail,
    /// On its way.
    Ongoing,
    /// Still to come.
    NotStarted,
}

/// How the newest finished round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LastRoundStatus {
    /// Every target met what was expected.
    Succeed,
    /// One did not.
    Fail,
    /// It could not be judged, or was missed.
    Unknown,
}

/// The objects made for the agents of one NetReach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// Name of the DaemonSet or Deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_name: Option<String>,
    /// How far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_status: Option<RuntimeStatus>,
    /// DaemonSet or Deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_type: Option<String>,
    /// Name of the IPv4 Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name_v4: Option<String>,
    /// Name of the IPv6 Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name_v6: Option<String>,
}

/// How far the agents' workload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeStatus {
    /// Not every agent is ready yet.
    Creating,
    /// Every agent is ready.
    Created,
    /// Gone.
    Deleted,
}
