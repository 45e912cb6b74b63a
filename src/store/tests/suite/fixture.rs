//! Rounds and results to keep.

use std::collections::BTreeMap;

use jiff::Timestamp;
use netreach_report::{ClosedRound, MissingAgent, RoundReport, Verdict, merge};
use netreach_store::{KeptResult, OpenedRound};
use netreach_wire::{AgentId, AgentResult, RoundId, Usage, VERSION};
use serde_json::json;

pub(crate) fn round(uid: &str, number: u64) -> RoundId {
    RoundId { uid: uid.to_owned(), number }
}

pub(crate) fn agent(node: &str, pod: &str) -> AgentId {
    AgentId { node: node.to_owned(), pod: pod.to_owned() }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_690_879_016 + seconds).unwrap()
}

/// Rounds end a minute after each other.
pub(crate) fn ended(number: u64) -> Timestamp {
    at(60 * i64::try_from(number).unwrap() + 12)
}

pub(crate) fn report(uid: &str, number: u64, task: &str) -> RoundReport {
    let mut report = merge(ClosedRound {
        id: round(uid, number),
        task: task.to_owned(),
        spec: json!({ "request": { "qps": 10 } }),
        due: at(0),
        start: at(0),
        deadline: at(60),
        ended: ended(number),
        assignments: Vec::new(),
        submitted: Vec::new(),
        lost: BTreeMap::new(),
        gaps: Vec::new(),
        sampling: None,
        interrupted: false,
        results_lost: None,
        not_begun: None,
        clock_offsets_us: BTreeMap::new(),
    });
    report.missing.push(MissingAgent { agent: agent("n", "p"), why: "killed".to_owned() });
    report
}

pub(crate) fn verdict() -> Verdict {
    Verdict::Unknown("nobody was there".to_owned())
}

pub(crate) fn opened(id: &RoundId) -> OpenedRound {
    OpenedRound {
        task: "task".to_owned(),
        spec: json!({}),
        id: id.clone(),
        due: at(0),
        start: at(0),
        deadline: at(60),
        assignments: Vec::new(),
        absent: Vec::new(),
        gaps: Vec::new(),
        sampling: None,
        not_begun: None,
    }
}

/// A result of round 1 of `uid`.
pub(crate) fn kept(node: &str, pod: &str, late: bool) -> KeptResult {
    kept_of(&round("uid", 1), agent(node, pod), late)
}

pub(crate) fn kept_of(round: &RoundId, agent: AgentId, late: bool) -> KeptResult {
    KeptResult {
        clock_ahead_us: None,
        agent,
        late,
        result: AgentResult {
            version: VERSION,
            round: round.clone(),
            started_at_us: 1_690_879_016_000_000,
            elapsed_us: 10_000_000,
            interrupted: false,
            trouble: None,
            targets: Vec::new(),
            usage: Usage { cpu_max_percent: 2.5, ..Usage::default() },
        },
    }
}
