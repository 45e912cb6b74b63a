//! One round as a status tells it. Instants are whole seconds, as they are written.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use netreach_api::{RoundHistory, RoundStatus};
use netreach_wire::AgentId;

use crate::fit::{cut, fitting};
use crate::limits::{FAILURE_REASON_BYTES_MAX, ROUND_NUMBER_MAX, WORD_BYTES_MAX};
use crate::{AgentLine, MissingAgent, RoundHead, RoundReport, Verdict, failure_reason, go_duration};

/// What became of a node, from best to worst. A node with several agents has the worst of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Succeeded,
    Failed,
    Silent,
}

/// Where agents stand: on a node, or, with a pod that no node took, each in a place of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Node(&'a str),
    Nowhere { pod: &'a str },
}

/// What a closed round is told by.
struct Closed<'a> {
    number: u64,
    start: Timestamp,
    deadline: Timestamp,
    ended: Timestamp,
    verdict: &'a Verdict,
    why: Option<String>,
    /// Those that had a part in it, missing ones included.
    agents: usize,
    fates: BTreeMap<Place<'a>, Fate>,
}

/// A round of which nothing but its number and its instants is known.
pub(crate) fn blank(number: u64, start: Timestamp, deadline: Timestamp, status: RoundStatus) -> RoundHistory {
    RoundHistory {
        deadline_time_stamp: seconds(deadline),
        duration: None,
        end_time_stamp: None,
        expected_actor_number: None,
        failed_agent_node_list: Vec::new(),
        failed_agent_node_number: None,
        failure_reason: None,
        missed_round_number: None,
        not_report_agent_node_list: Vec::new(),
        not_report_agent_node_number: None,
        round_number: signed(number),
        start_time_stamp: seconds(start),
        status,
        succeed_agent_node_list: Vec::new(),
        succeed_agent_node_number: None,
    }
}

/// A closed round. One that could not be judged says of no node that it succeeded or failed.
pub(crate) fn closed(report: &RoundReport, verdict: &Verdict) -> RoundHistory {
    let blamed = match verdict {
        Verdict::Failed(reasons) => reasons.as_slice(),
        _ => &[],
    };
    let reported = report.agents.iter().map(|agent| (&agent.agent, Fate::Succeeded));
    let blamed = blamed.iter().filter_map(|reason| reason.agent()).map(|agent| (agent, Fate::Failed));
    told(Closed {
        number: report.id.number,
        start: report.start,
        deadline: report.deadline,
        ended: report.ended,
        verdict,
        why: failure_reason::of_verdict(verdict),
        agents: report.agents.len() + report.missing.len(),
        fates: fates(verdict, reported.chain(blamed), &report.missing),
    })
}

/// The same from a round's head: with the verdict as it was when the round was closed.
pub(crate) fn closed_head(head: &RoundHead) -> RoundHistory {
    told(Closed {
        number: head.id.number,
        start: head.start,
        deadline: head.deadline,
        ended: head.ended,
        verdict: &head.verdict,
        why: head.why.as_deref().map(|why| cut(why, FAILURE_REASON_BYTES_MAX)),
        agents: head.lines.len() + head.missing.len(),
        fates: fates_of(head),
    })
}

/// How many nodes a round's agents failed on, or left nothing from.
pub(crate) fn unwell_nodes(head: &RoundHead) -> u64 {
    fates_of(head).values().filter(|fate| **fate != Fate::Succeeded).count() as u64
}

fn told(round: Closed<'_>) -> RoundHistory {
    let Closed { number: round_number, start, deadline, ended, verdict, why, agents, fates } = round;
    let status = if *verdict == Verdict::Succeeded { RoundStatus::Succeed } else { RoundStatus::Fail };
    let judged = !matches!(verdict, Verdict::Unknown(_));
    let places = |of: Fate| fates.iter().filter(move |(_, fate)| **fate == of).map(|(place, _)| *place);
    let number = |of: Fate| signed_len(places(of).count());
    let nodes = |of: Fate| places(of).filter_map(Place::node);
    let lasted = Duration::try_from(ended.duration_since(start)).unwrap_or_default();
    let lasted_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
    RoundHistory {
        duration: Some(go_duration(Duration::from_millis(lasted_ms))),
        end_time_stamp: Some(seconds(ended)),
        expected_actor_number: Some(signed_len(agents)),
        failed_agent_node_list: fitting(nodes(Fate::Failed)),
        failed_agent_node_number: judged.then(|| number(Fate::Failed)),
        failure_reason: why,
        not_report_agent_node_list: fitting(nodes(Fate::Silent)),
        not_report_agent_node_number: Some(number(Fate::Silent)),
        succeed_agent_node_list: fitting(nodes(Fate::Succeeded)),
        succeed_agent_node_number: judged.then(|| number(Fate::Succeeded)),
        ..blank(round_number, start, deadline, status)
    }
}

/// A run of rounds that were missed, under the number of the last.
pub(crate) fn missed(
    first: (u64, Option<Timestamp>),
    last: (u64, Timestamp),
    deadline: Timestamp,
) -> RoundHistory {
    let count = last.0.saturating_sub(first.0).saturating_add(1);
    RoundHistory {
        failure_reason: Some(failure_reason::of_missed(first, last)),
        missed_round_number: Some(signed(count)),
        ..blank(last.0, last.1, deadline, RoundStatus::Fail)
    }
}

/// A round that is done, as a status of before tells it, within the bounds. None for one that is not done.
pub(crate) fn taken_over(round: &RoundHistory) -> Option<RoundHistory> {
    let done = matches!(round.status, RoundStatus::Succeed | RoundStatus::Fail);
    if !done || !(1..=ROUND_NUMBER_MAX).contains(&round.round_number) {
        return None;
    }
    let names = |list: &[String]| fitting(list.iter().map(String::as_str));
    let count = |number: Option<i64>| number.map(|number| number.max(0));
    let text = |text: &Option<String>, bytes| text.as_ref().map(|text| cut(text, bytes));
    Some(RoundHistory {
        deadline_time_stamp: seconds(round.deadline_time_stamp.0),
        duration: text(&round.duration, WORD_BYTES_MAX),
        end_time_stamp: round.end_time_stamp.as_ref().map(|at| seconds(at.0)),
        expected_actor_number: count(round.expected_actor_number),
        failed_agent_node_list: names(&round.failed_agent_node_list),
        failed_agent_node_number: count(round.failed_agent_node_number),
        failure_reason: text(&round.failure_reason, FAILURE_REASON_BYTES_MAX),
        missed_round_number: round.missed_round_number.map(|number| number.clamp(1, round.round_number)),
        not_report_agent_node_list: names(&round.not_report_agent_node_list),
        not_report_agent_node_number: count(round.not_report_agent_node_number),
        round_number: round.round_number,
        start_time_stamp: seconds(round.start_time_stamp.0),
        status: round.status,
        succeed_agent_node_list: names(&round.succeed_agent_node_list),
        succeed_agent_node_number: count(round.succeed_agent_node_number),
    })
}

/// The instant as a status writes it.
pub(crate) fn seconds(at: Timestamp) -> Time {
    let second = i64::try_from(at.as_nanosecond().div_euclid(1_000_000_000)).ok();
    Time(second.and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(at))
}

/// A count as a status writes it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The same of a length.
pub(crate) fn signed_len(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

impl<'a> Place<'a> {
    fn of(agent: &'a AgentId) -> Self {
        if agent.node.is_empty() { Self::Nowhere { pod: &agent.pod } } else { Self::Node(&agent.node) }
    }

    fn node(self) -> Option<&'a str> {
        match self {
            Self::Node(node) => Some(node),
            Self::Nowhere { .. } => None,
        }
    }
}

fn fates_of(head: &RoundHead) -> BTreeMap<Place<'_>, Fate> {
    let fate = |line: &AgentLine| if line.succeeded() { Fate::Succeeded } else { Fate::Failed };
    fates(&head.verdict, head.lines.iter().map(|line| (&line.agent, fate(line))), &head.missing)
}

/// Every place with what became of it. Where nothing could be judged nobody succeeded or failed.
fn fates<'a>(
    verdict: &Verdict,
    judged: impl Iterator<Item = (&'a AgentId, Fate)>,
    missing: &'a [MissingAgent],
) -> BTreeMap<Place<'a>, Fate> {
    let judged = judged.filter(|_| !matches!(verdict, Verdict::Unknown(_)));
    let silent = missing.iter().map(|missing| (&missing.agent, Fate::Silent));
    let mut fates = BTreeMap::new();
    for (agent, fate) in judged.chain(silent) {
        let worst = fates.entry(Place::of(agent)).or_insert(fate);
        *worst = fate.max(*worst);
    }
    fates
}
