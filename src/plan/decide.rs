//! What to do next, as data.
//!
//! Missed rounds follow the Kubernetes CronJob: there is never more than one round of a NetReach at a time, so what becomes due
//! while one is open, while the spec is suspended or while nobody decides has to wait; afterwards the latest of them
//! still runs if less than the round timeout has gone by since it was due, and the earlier ones are missed. A missed
//! round keeps its number and counts as done.

use jiff::{SignedDuration, Timestamp};
use netreach_api::{CheckedSpec, Rounds};
use netreach_wire::{AgentId, RoundId};

use crate::{CloseReason, DueRound, OpenRound, Passed, Timetable};

/// What has happened to a NetReach so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// When it was created.
    pub created: Timestamp,
    /// The last round done, closed or missed; its number is how many are done.
    pub last: Option<DueRound>,
    /// The round under way.
    pub open: Option<OpenRound>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing until that instant; without one, nothing until the spec changes.
    Wait {
        /// When to decide again.
        until: Option<Timestamp>,
    },
    /// Open this round now.
    Open {
        /// Which one.
        round: DueRound,
        /// When it closes at the latest: the round timeout from now, so that a late round has its full time.
        deadline: Timestamp,
    },
    /// Record these rounds as missed, in one entry, then decide again with `last` as the case's last.
    /// Runs that follow each other are one run that was too long for one decision: they belong into one entry.
    Miss {
        /// The earliest.
        first: DueRound,
        /// The latest.
        last: DueRound,
    },
    /// Close the open round.
    Close {
        /// Which one.
        round: RoundId,
        /// Why.
        reason: CloseReason,
        /// Expected agents that have not submitted.
        missing: Vec<AgentId>,
    },
    /// No round is left: all are done, or the calendar has no further date.
    Finished,
}

/// Decides what comes next for one NetReach at `now`.
#[must_use]
pub fn decide(spec: &CheckedSpec, case: &Case, now: Timestamp) -> Decision {
    if let Some(open) = &case.open {
        return match open.closing(now) {
            None => Decision::Wait { until: Some(open.deadline) },
            Some(reason) => {
                Decision::Close { round: open.id.clone(), reason, missing: open.missing().cloned().collect() }
            }
        };
    }
    let done = case.last.map_or(0, |last| last.number);
    let left = match spec.rounds() {
        Rounds::Forever => u64::MAX - done,
        Rounds::Count(count) => count.saturating_sub(done),
    };
    if left == 0 {
        return Decision::Finished;
    }
    if spec.suspend() {
        return Decision::Wait { until: None };
    }
    let timetable = Timetable::new(spec.schedule(), spec.time_zone(), case.created);
    let last_due = case.last.map(|last| last.due);
    match timetable.passed(last_due, now, left) {
        Some(passed) => open_or_miss(passed, done, now, spec.round_timeout_ms()),
        None => match timetable.next_due(last_due) {
            Some(until) => Decision::Wait { until: Some(until) },
            None => Decision::Finished,
        },
    }
}

fn open_or_miss(passed: Passed, done: u64, now: Timestamp, timeout_ms: u64) -> Decision {
    let Passed { first, before_last, last, count, more } = passed;
    let first = DueRound { number: done + 1, due: first };
    let last = DueRound { number: done + count, due: last };
    if more || now >= later(last.due, timeout_ms) {
        return Decision::Miss { first, last };
    }
    match before_last {
        Some(due) => Decision::Miss { first, last: DueRound { number: last.number - 1, due } },
        None => Decision::Open { round: last, deadline: later(now, timeout_ms) },
    }
}

/// So many milliseconds later; the end of the calendar where that is beyond it.
#[must_use]
pub fn later(instant: Timestamp, ms: u64) -> Timestamp {
    let span = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    instant.checked_add(span).unwrap_or(Timestamp::MAX)
}
