//! The KdoctorReport document: field names, casing, order and units as today's users know them, with what is ours in
//! fields of its own.
//!
//! What the house keeps is [`crate::RoundReport`]: this is read back only by who shows it elsewhere. Fields that a
//! newer release has added are passed over then.

use std::borrow::Cow;
use std::collections::BTreeMap;

use netreach_wire::{Connection, GapClass, TargetFamily, Via};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Number;

/// The object that `kubectl get kdoctorreport` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KdoctorReport {
    /// Group and version.
    pub api_version: Cow<'static, str>,
    /// Kind.
    pub kind: Cow<'static, str>,
    /// Name.
    pub metadata: Metadata,
    /// The report.
    pub spec: ReportSpec,
    /// Ours: what the object does not show; absent when it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ReportStatus>,
}

/// What a document says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportStatus {
    /// What was left out, and how to see it.
    pub truncated: Truncated,
}

/// What a document leaves out of a large round: never what failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Truncated {
    /// Agents without an entry in Report.
    pub agents: u64,
    /// Targets without an entry in a Detail, those of such agents included.
    pub details: u64,
    /// Reasons that FailureReasons does not tell; each stands at its target all the same.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasons: u64,
    /// The command that shows one node's part whole.
    pub command: String,
}

/// The document's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// `netreach-<task>`.
    pub name: String,
    /// When the reported round was closed.
    pub creation_timestamp: String,
}

/// One NetReach and its reported round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct ReportSpec {
    /// The NetReach's name.
    pub task_name: String,
    /// `NetReach`.
    pub task_type: Cow<'static, str>,
    /// Rounds wanted; -1 is for ever.
    pub round_number: i64,
    /// The round reported here.
    pub report_round_number: u64,
    /// Rounds done.
    pub finished_round_number: u64,
    /// Numbers of the rounds that failed; null when none did.
    pub failed_round_number: Option<Vec<u64>>,
    /// `Finished` or `NotFinished`.
    pub status: Cow<'static, str>,
    /// Ours: `succeed`, `fail` or `unknown`, of the whole round.
    pub verdict: Cow<'static, str>,
    /// Ours: why it is no success.
    pub failure_reasons: Vec<FailureReason>,
    /// Ours: expected agents without a result.
    pub agents_missing: Vec<NamedAgent>,
    /// Ours: agents whose result came after the deadline.
    pub agents_late: Vec<NamedAgent>,
    /// Ours: what was asked for and not probed.
    pub gaps: Vec<NamedGap>,
    /// Ours: whether the round was stopped before its end.
    pub interrupted: bool,
    /// Ours: which part of all pairs the round probed; absent when all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<String>,
    /// Ours: the least loss that the round would have seen; absent when it opened no fresh connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection_power: Option<DetectionPower>,
    /// One entry per agent that reported.
    pub report: Vec<AgentRound>,
}

/// One reason, for machines and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct FailureReason {
    /// One of [`netreach_api::names::reason`].
    #[cfg_attr(
        feature = "schema",
        schemars(description = "One of the reasons that a NetReach's status knows, e.g. `AgentsMissing`.")
    )]
    pub code: Cow<'static, str>,
    /// The agent's node, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The agent's pod, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_name: Option<String>,
    /// The target, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// In a sentence.
    pub message: String,
}

/// An agent in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct NamedAgent {
    /// Its node.
    pub node_name: String,
    /// Its pod.
    pub pod_name: String,
    /// Why it is listed, where the list alone does not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A family that was asked for and not probed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct NamedGap {
    /// Which family.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub family: TargetFamily,
    /// Which IP version: `IPv4` or `IPv6`.
    #[serde(rename = "IPFamily")]
    pub ip_family: String,
    /// What it means for the verdict.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub class: GapClass,
    /// In a sentence.
    pub reason: String,
}

/// What a round without a failure would have proven about its least probed target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct DetectionPower {
    /// Fresh connections to that target.
    pub fresh_connections: u64,
    /// The share of lost connections from which on at least one loss shows with this confidence.
    pub loss: Number,
    /// The confidence.
    pub confidence: Number,
}

/// One agent's part of the round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct AgentRound {
    /// Its node.
    pub node_name: String,
    /// Its pod.
    pub pod_name: String,
    /// `netreach.<task>`.
    pub task_name: String,
    /// `NetReach`.
    pub task_type: Cow<'static, str>,
    /// `agent test report`.
    pub report_type: Cow<'static, str>,
    /// Which round.
    pub round_number: u64,
    /// `succeed` or `fail`.
    pub round_result: Cow<'static, str>,
    /// From its first slot to its last answer, as Go prints durations.
    pub round_duration: String,
    /// First slot, RFC 3339 in UTC.
    pub start_time_stamp: String,
    /// Last answer, RFC 3339 in UTC.
    pub end_time_stamp: String,
    /// Ours: whether its result came after the deadline.
    pub late: bool,
    /// Ours: whether it was too tired to blame the network.
    pub starved: bool,
    /// The NetReach's spec.
    #[cfg_attr(feature = "schema", schemars(with = "netreach_api::NetReachSpec"))]
    pub net_reach_task_spec: Value,
    /// What it found.
    pub net_reach_task: NetReachTask,
}

/// What one agent found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct NetReachTask {
    /// Whether all its targets met the success condition, in time.
    pub succeed: bool,
    /// Why not; absent on success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// How many targets it had.
    pub target_number: usize,
    /// `NetReach`.
    pub target_type: Cow<'static, str>,
    /// Its own highest CPU share, e.g. `26.203%` of one core.
    #[serde(rename = "MaxCPU")]
    pub max_cpu: String,
    /// Ours: its own CPU share over the round.
    #[serde(rename = "MeanCPU")]
    pub mean_cpu: String,
    /// Its own largest memory, e.g. `101.00MB`.
    pub max_memory: String,
    /// Ours: how long it was ready to run and was not let, as Go prints durations.
    pub run_delay: String,
    /// Ours: how long its CPU quota held it back; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled: Option<String>,
    /// Ours: how late its probes began; absent when it sent none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Latencies>,
    /// One entry per target.
    pub detail: Vec<Detail>,
}

/// One target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Detail {
    /// E.g. `AgentPodV4IP_<pod>_<ip>`.
    pub target_name: String,
    /// What was asked for.
    pub target_url: String,
    /// `GET`.
    pub target_method: Cow<'static, str>,
    /// Whether it met the success condition.
    pub succeed: bool,
    /// Why not; absent on success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// SuccessCounts / RequestCounts; 0 when nothing was sent.
    pub succeed_rate: Number,
    /// Milliseconds; null when nothing answered.
    pub mean_delay: Option<Number>,
    /// The figures.
    pub metrics: Metrics,
    /// Ours: planned probes that were never sent.
    pub unsent_counts: u64,
    /// Ours: whether each probe opened its own connection.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub connection: Connection,
    /// Ours: what the address proves; load balancers and ingresses only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub via: Option<Via>,
    /// Ours: answers by the pod that gave them.
    pub backends: BTreeMap<String, u64>,
    /// Ours: segments the kernel sent again.
    pub retransmits: u64,
    /// Ours: latencies counted from the planned instant; absent when nothing answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_slot: Option<Latencies>,
    /// Ours: how late the probes began; absent when none was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Latencies>,
    /// Ours: parts of the latency.
    pub phases: Phases,
    /// Ours: the kernel's round-trip estimates; absent when it had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt: Option<Latencies>,
}

/// The figures of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Metrics {
    /// First probe, RFC 3339 in UTC.
    pub start_time: String,
    /// Last answer, RFC 3339 in UTC.
    pub end_time: String,
    /// Between them, as Go prints durations.
    pub duration: String,
    /// Probes sent.
    pub request_counts: u64,
    /// Probes answered as expected.
    pub success_counts: u64,
    /// RequestCounts a second of Duration; 0 when there is no duration.
    #[serde(rename = "TPS")]
    pub tps: Number,
    /// Bytes of all bodies, e.g. `36968 byte`.
    pub total_data_size: String,
    /// Answers by status code.
    pub status_codes: BTreeMap<String, u64>,
    /// The other probes by what they came to; with SuccessCounts they make RequestCounts.
    pub errors: BTreeMap<String, u64>,
    /// From a probe's first system call to the last byte of its answer.
    pub latencies: Latencies,
}

/// A distribution in milliseconds, to the microsecond; null when it is empty, for 0 would be a measurement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Latencies {
    /// Longest.
    pub max_in_ms: Option<Number>,
    /// Mean.
    pub mean_in_ms: Option<Number>,
    /// Shortest.
    pub min_in_ms: Option<Number>,
    /// Half do not pass it.
    pub p50_in_ms: Option<Number>,
    /// 90 % do not pass it.
    pub p90_in_ms: Option<Number>,
    /// 95 % do not pass it.
    pub p95_in_ms: Option<Number>,
    /// 99 % do not pass it.
    pub p99_in_ms: Option<Number>,
}

/// Parts of the latency, counted from the probe's first system call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Phases {
    /// To the established connection; absent where connections are reused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<Latencies>,
    /// To the first byte of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Latencies>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
