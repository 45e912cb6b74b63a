//! The resource users write: which addresses the agents try, how hard, how often, and what counts as success.
//!
//! Every field is optional, and one that was left out stays out when the object is written again: defaults
//! are filled in by [`crate::defaults`] alone.

// Several columns share a type or a priority, which the lint takes for one attribute written twice.
#![allow(clippy::duplicated_attributes)]

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::{AgentSpec, NetReachStatus, defaults};

/// What to probe, how hard, how often, and what counts as success.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "kdoctor.io",
    version = "v1beta1",
    kind = "NetReach",
    plural = "netreaches",
    shortname = "nr",
    category = "kdoctor",
    status = "NetReachStatus",
    derive = "PartialEq",
    doc = "Lets an agent on every node send HTTP requests to every address by which the other agents can be \
           reached, and tells whether the cluster's network is whole and how fast it is.",
    printcolumn(
        name = "finish",
        type_ = "boolean",
        json_path = ".status.finish",
        description = "whether every round is done"
    ),
    printcolumn(
        name = "expectedRound",
        type_ = "integer",
        json_path = ".status.expectedRound",
        description = "rounds asked for, -1 for ever"
    ),
    printcolumn(
        name = "doneRound",
        type_ = "integer",
        json_path = ".status.doneRound",
        description = "rounds that ended"
    ),
    printcolumn(
        name = "lastRoundStatus",
        type_ = "string",
        json_path = ".status.lastRoundStatus",
        description = "how the newest finished round ended"
    ),
    printcolumn(
        name = "schedule",
        type_ = "string",
        json_path = ".spec.schedule.schedule",
        description = "when rounds are due"
    ),
    printcolumn(name = "age", type_ = "date", json_path = ".metadata.creationTimestamp", priority = 1),
    printcolumn(
        name = "next",
        type_ = "string",
        format = "date-time",
        json_path = ".status.nextRoundTime",
        description = "when the next round is due",
        priority = 1
    ),
    printcolumn(
        name = "suspend",
        type_ = "boolean",
        json_path = ".spec.suspend",
        description = "whether no new round starts",
        priority = 1
    ),
    printcolumn(
        name = "reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Healthy\")].reason",
        description = "why the newest finished round ended as it did",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct NetReachSpec {
    /// How the agents of this NetReach are run. Without it the default agents, one on every node, serve it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_spec: Option<AgentSpec>,
    /// What counts as success at each target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<ExpectSpec>,
    /// How hard each target is probed in a round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestSpec>,
    /// When rounds are due and how many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleSpec>,
    /// Which addresses of the agents are probed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetSpec>,
    /// While true no new round starts; a running one is finished. false when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// What counts as success at each target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExpectSpec {
    /// Largest mean delay, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", rename = "meanAccessDelayInMs")]
    #[schemars(range(min = 1), extend("default" = defaults::MEAN_ACCESS_DELAY_MS))]
    pub mean_access_delay_ms: Option<i64>,
    /// The status code of a good answer; any from 200 to 299 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 599))]
    pub status_code: Option<i64>,
    /// Smallest share of probes that must succeed, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "plain_number")]
    #[schemars(range(min = 0, max = 1), extend("format" = null, "default" = defaults::SUCCESS_RATE))]
    pub success_rate: Option<f64>,
}

/// How hard each target is probed in a round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestSpec {
    /// How long requests are sent, seconds; at most 3600.
    #[serde(skip_serializing_if = "Option::is_none", rename = "durationInSecond")]
    #[schemars(range(min = 1), extend("default" = defaults::DURATION_S))]
    pub duration_s: Option<i64>,
    /// How long one request may take, milliseconds; at most the round's own timeout.
    #[serde(skip_serializing_if = "Option::is_none", rename = "perRequestTimeoutInMS")]
    #[schemars(range(min = 1), extend("default" = defaults::TIMEOUT_MS))]
    pub timeout_ms: Option<i64>,
    /// Requests per second that each agent sends to each target; at most 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("default" = defaults::QPS))]
    pub qps: Option<i64>,
    /// new opens a connection for every request and so sees lost SYNs, connection tracking and every backend;
    /// reuse keeps connections, for injecting traffic. new when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<RequestConnection>,
    /// How many other agents each agent probes in a round; 0, as when left out, means all of them. Which ones
    /// changes from round to round, until every pair was covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub peers_per_round: Option<i64>,
}

/// Whether a request opens its own connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequestConnection {
    /// A fresh one each.
    #[default]
    New,
    /// One that is kept.
    Reuse,
}

/// When rounds are due and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleSpec {
    /// How many rounds there are; -1 means for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1), extend("default" = defaults::ROUND_NUMBER))]
    pub round_number: Option<i64>,
    /// How long a round may take until agents that have not reported count as missing, minutes.
    #[serde(skip_serializing_if = "Option::is_none", rename = "roundTimeoutMinute")]
    #[schemars(range(min = 1), extend("default" = defaults::ROUND_TIMEOUT_MIN))]
    pub round_timeout_min: Option<i64>,
    /// Either two numbers "M N": the first round after M minutes, then one every N minutes; or a crontab line
    /// of five fields. "0 60" when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The time zone in which a crontab line is read, by its IANA name, for example Asia/Shanghai. UTC when
    /// left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// Which addresses of the agents are probed: at least one kind, over at least one IP version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetSpec {
    /// The cluster addresses of the agents' Service.
    #[serde(skip_serializing_if = "Option::is_none", rename = "clusterIP")]
    #[schemars(extend("default" = defaults::CLUSTER_IP))]
    pub cluster_ip: Option<bool>,
    /// No longer needed: delays are always measured, with their percentiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::ENABLE_LATENCY_METRIC))]
    pub enable_latency_metric: Option<bool>,
    /// The pods' own addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::ENDPOINT))]
    pub endpoint: Option<bool>,
    /// The Ingress controller's addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::INGRESS))]
    pub ingress: Option<bool>,
    /// Addresses of IPv4. As the cluster has it when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<bool>,
    /// Addresses of IPv6. As the cluster has it when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<bool>,
    /// The addresses a load balancer gave the agents' Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::LOAD_BALANCER))]
    pub load_balancer: Option<bool>,
    /// The addresses of the pods' further NICs, as Multus attaches them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::MULTUS_INTERFACE))]
    pub multus_interface: Option<bool>,
    /// The node port of the agents' Service on every node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::NODE_PORT))]
    pub node_port: Option<bool>,
}

/// A rate of 1 is written `1`, as users write it, not `1.0`.
fn plain_number<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match *value {
        Some(0.0) => serializer.serialize_i64(0),
        Some(1.0) => serializer.serialize_i64(1),
        Some(other) => serializer.serialize_f64(other),
        None => serializer.serialize_none(),
    }
}
