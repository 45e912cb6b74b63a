//! The rounds of one report, as a list. Pure.

use netreach_api::names::REPORT_API_VERSION;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::object::{ListMetadata, instant};
use crate::RoundSummary;

/// The kind of it.
pub(crate) const ROUND_LIST_KIND: &str = "KdoctorReportRoundList";

/// A list of rounds without its items.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoundList {
    kind: &'static str,
    api_version: &'static str,
    metadata: ListMetadata,
    items: [(); 0],
}

/// One round.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Item<'a> {
    /// Its number, from 1.
    round_number: u64,
    /// `succeed`, `fail` or `unknown`.
    verdict: &'a str,
    /// When it began, RFC 3339 in UTC.
    start_time_stamp: String,
    /// When it was closed, RFC 3339 in UTC.
    end_time_stamp: String,
    /// Agents that were given work.
    agent_number: u64,
    /// Nodes with an agent that missed the success condition, or that has not reported.
    failed_node_number: u64,
    /// Agents without a result.
    missing_agent_number: u64,
    /// Agents whose result came after the deadline.
    late_agent_number: u64,
    /// The largest p99 latency of all targets of all agents, to the microsecond; null when nothing answered.
    #[serde(rename = "WorstP99InMs")]
    worst_p99_in_ms: Option<Milliseconds>,
    /// The uid of the NetReach whose round it is: by `uid` its rounds can be asked for, also when its name has been used anew.
    uid: &'a str,
}

/// Microseconds, written as milliseconds.
#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(with = "f64")]
pub(crate) struct Milliseconds(u64);

impl Serialize for Milliseconds {
    #[allow(clippy::cast_precision_loss, reason = "a latency is far below 2^53 µs (285 years)")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(us) = self;
        if us.is_multiple_of(1_000) {
            serializer.serialize_u64(us / 1_000)
        } else {
            serializer.serialize_f64(*us as f64 / 1_000.0)
        }
    }
}

/// Rounds; they are to follow.
pub(crate) fn round_list(metadata: ListMetadata) -> RoundList {
    RoundList { kind: ROUND_LIST_KIND, api_version: REPORT_API_VERSION, metadata, items: [] }
}

/// One of them.
pub(crate) fn item(summary: &RoundSummary) -> Item<'_> {
    let RoundSummary {
        number,
        uid,
        verdict,
        started,
        ended,
        agents,
        failed_nodes,
        missing_agents,
        late_agents,
        worst_p99_us,
    } = summary;
    Item {
        round_number: *number,
        verdict,
        start_time_stamp: instant(*started),
        end_time_stamp: instant(*ended),
        agent_number: *agents,
        failed_node_number: *failed_nodes,
        missing_agent_number: *missing_agents,
        late_agent_number: *late_agents,
        worst_p99_in_ms: worst_p99_us.map(Milliseconds),
        uid,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn summary(number: u64) -> RoundSummary {
        RoundSummary {
            number,
            uid: "u".to_owned(),
            verdict: "fail".into(),
            started: "2023-08-01T08:36:56Z".parse().unwrap(),
            ended: "2023-08-01T08:37:07Z".parse().unwrap(),
            agents: 3,
            failed_nodes: 1,
            missing_agents: 0,
            late_agents: 0,
            worst_p99_us: Some(1_234),
        }
    }

    #[test]
    fn a_round_is_told_in_the_documents_words() {
        let round = serde_json::to_value(item(&summary(7))).unwrap();
        let expected = json!({
            "RoundNumber": 7, "Verdict": "fail", "StartTimeStamp": "2023-08-01T08:36:56Z",
            "EndTimeStamp": "2023-08-01T08:37:07Z", "AgentNumber": 3, "FailedNodeNumber": 1,
            "MissingAgentNumber": 0, "LateAgentNumber": 0, "WorstP99InMs": 1.234, "Uid": "u",
        });
        assert_eq!(round, expected);
        let worst = |us| {
            serde_json::to_string(&item(&RoundSummary { worst_p99_us: us, ..summary(1) }).worst_p99_in_ms)
        };
        assert_eq!(worst(Some(2_000)).unwrap(), "2");
        assert_eq!(worst(None).unwrap(), "null");
    }
}
