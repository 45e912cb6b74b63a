//! Fills in a NetReach's status: the newest rounds, what holds now, within [`STATUS_BYTES_MAX`].
//!
//! [`STATUS_BYTES_MAX`]: crate::limits::STATUS_BYTES_MAX

use jiff::Timestamp;
use netreach_api::{NetReachStatus, ResourceStatus, RoundHistory, RoundStatus, Rounds};

use crate::History;
use crate::api_object::expected;
use crate::conditions::conditions;
use crate::entry::{blank, seconds, signed, signed_len};
use crate::fit::{cut, shorten};
use crate::limits::{HISTORY_MAX, OLD_REASON_BYTES_MAX};

/// All that a status is made of. The same facts give the same status.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusFacts<'a> {
    /// The rounds done.
    pub history: &'a History,
    /// The generation of the spec that this speaks of.
    pub generation: i64,
    /// Rounds wanted.
    pub rounds: Rounds,
    /// Whether no round is left to do.
    pub finished: bool,
    /// The round under way.
    pub open: Option<OpenFacts>,
    /// The round to come.
    pub next: Option<Next>,
    /// The objects made for the agents. Their names are the API server's, so at most 253 characters each.
    pub resource: Option<ResourceStatus>,
    /// Whether rounds can be started.
    pub ready: Readiness<'a>,
    /// Whether the spec lets no new round start.
    pub suspended: bool,
    /// The status of before: a condition that stays as it was keeps its time.
    pub before: Option<&'a NetReachStatus>,
    /// The time of conditions that have changed.
    pub now: Timestamp,
}

/// A round under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFacts {
    /// Its number.
    pub number: u64,
    /// When it began.
    pub start: Timestamp,
    /// Until when results count.
    pub deadline: Timestamp,
    /// How many agents have a part in it.
    pub agents: usize,
}

/// A round to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// Its number.
    pub number: u64,
    /// When it is due.
    pub due: Timestamp,
    /// Until when its results will count.
    pub deadline: Timestamp,
}

/// Whether rounds can be started, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness<'a> {
    /// Whether they can.
    pub is_ready: bool,
    /// In one word: CamelCase, as the reason of a condition has to be.
    pub reason: &'a str,
    /// In a sentence.
    pub message: String,
}

/// The status of a NetReach.
///
/// Node lists are shortened where the whole would not fit, those of succeeded nodes and of old rounds first; the
/// numbers beside them stay exact. A round under way that is done already, and a round to come where none may come,
/// are not told.
#[must_use]
pub fn status(facts: &StatusFacts<'_>) -> NetReachStatus {
    let StatusFacts { history, generation, rounds, finished, suspended, before, now, .. } = facts;
    let open = facts.open.filter(|open| open.number > history.done());
    let next = facts.next.filter(|_| !finished && !suspended);
    let ended = || history.ended().or(before.and_then(|before| before.finish_time.as_ref()).map(|at| at.0));
    let entries = entries(history, open, next);
    let mut status = NetReachStatus {
        done_round: Some(signed(history.done())),
        expected_round: Some(expected(*rounds)),
        finish: *finished,
        finish_time: finished.then(|| seconds(ended().unwrap_or(*now))),
        history: (!entries.is_empty()).then_some(entries),
        last_round_status: history.last_status(),
        resource: facts.resource.clone(),
        conditions: Some(conditions(facts, open, next)),
        observed_generation: Some(*generation),
        next_round_time: next.map(|next| seconds(next.due)),
    };
    shorten(&mut status);
    status
}

/// Newest first: the round under way or else the one to come, then those done.
fn entries(history: &History, open: Option<OpenFacts>, next: Option<Next>) -> Vec<RoundHistory> {
    let ongoing = open.map(|open| RoundHistory {
        expected_actor_number: Some(signed_len(open.agents)),
        ..blank(open.number, open.start, open.deadline, RoundStatus::Ongoing)
    });
    let to_come = next.map(|next| blank(next.number, next.due, next.deadline, RoundStatus::NotStarted));
    let done = history.entries().iter().enumerate().map(|(age, round)| match &round.failure_reason {
        Some(reason) if age > 0 => {
            RoundHistory { failure_reason: Some(cut(reason, OLD_REASON_BYTES_MAX)), ..round.clone() }
        }
        _ => round.clone(),
    });
    ongoing.or(to_come).into_iter().chain(done).take(HISTORY_MAX).collect()
}
