//! A NetReach's status → what there is to say of it that was not said before. Pure: now is an argument.

use jiff::Timestamp;
use netreach_api::names::{condition, reason};
use netreach_api::{LastRoundStatus, NetReachStatus, RoundHistory, RoundStatus, Rounds};

use crate::ending::Ending;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tale {
    /// No round can start yet: in a line.
    Waiting(String),
    /// The next round is due at the instant.
    Due(Timestamp),
    /// A round is on its way; its results count until the deadline.
    Started { number: u64, agents: Option<i64>, deadline: Timestamp },
    /// A round is done.
    Ended(EndedRound),
    /// Rounds were not begun in time, and why.
    Missed { first: u64, last: u64, why: String },
    /// Rounds are done of which the status tells nothing any more.
    Untold { first: u64, last: u64 },
    /// No round is left to do.
    Finished,
    /// The manager finds fault with the spec: no round will start.
    Invalid(String),
}

/// A round that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EndedRound {
    pub(super) number: u64,
    pub(super) verdict: LastRoundStatus,
    /// Why it is no success.
    pub(super) why: Option<String>,
    /// Whether no later round has ended: only that one has a report.
    pub(super) is_newest: bool,
}

/// What was said so far of one NetReach's life.
#[derive(Debug)]
pub(super) struct Story {
    wanted: Rounds,
    /// The newest round told of as done.
    done: u64,
    /// The newest round told of as started.
    started: u64,
    waiting: Option<String>,
    due: Option<Timestamp>,
    has_failed: bool,
    is_finished: bool,
}

impl Story {
    pub(super) fn new(wanted: Rounds) -> Self {
        let (waiting, due) = (None, None);
        Self { wanted, done: 0, started: 0, waiting, due, has_failed: false, is_finished: false }
    }

    /// What is new in a status, in the order in which it happened.
    pub(super) fn look(&mut self, status: &NetReachStatus, now: Timestamp) -> Vec<Tale> {
        let mut tales = self.ended(status);
        let history = status.history.iter().flatten();
        let ongoing = history
            .filter(|round| round.status == RoundStatus::Ongoing)
            .max_by_key(|round| round.round_number);
        match ongoing {
            Some(round) => tales.extend(self.started(round)),
            None if status.finish => {
                if !self.is_finished {
                    tales.push(Tale::Finished);
                }
                self.is_finished = true;
            }
            None => tales.extend(self.held(status, now)),
        }
        tales
    }

    /// Whether every round that there was to be has succeeded.
    pub(super) fn ending(&self) -> Ending {
        let is_enough = match self.wanted {
            Rounds::Forever => self.done > 0,
            Rounds::Count(count) => self.done >= count,
        };
        if is_enough && self.is_finished && !self.has_failed {
            Ending::Succeeded
        } else {
            Ending::NotSucceeded
        }
    }

    /// Whether rounds that were wanted will not be.
    pub(super) fn is_short(&self) -> bool {
        matches!(self.wanted, Rounds::Count(count) if self.is_finished && self.done < count)
    }

    /// The newest round done.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Rounds done since the last look, oldest first.
    fn ended(&mut self, status: &NetReachStatus) -> Vec<Tale> {
        let is_done =
            |round: &&RoundHistory| matches!(round.status, RoundStatus::Succeed | RoundStatus::Fail);
        let mut rounds: Vec<_> = status.history.iter().flatten().filter(is_done).collect();
        rounds.sort_by_key(|round| round.round_number);
        let mut tales = Vec::new();
        for round in rounds {
            let last = unsigned(round.round_number);
            let next = self.done + 1;
            if last < next {
                continue;
            }
            // One entry stands for a run of missed rounds.
            let count = unsigned(round.missed_round_number.unwrap_or(1)).max(1);
            let first = last.saturating_sub(count - 1).max(next);
            if next < first {
                tales.push(Tale::Untold { first: next, last: first - 1 });
            }
            tales.push(tale(round, first, last));
            self.done = last;
        }
        let counted = unsigned(status.done_round.unwrap_or_default());
        if counted > self.done {
            tales.push(Tale::Untold { first: self.done + 1, last: counted });
            self.done = counted;
        }
        self.has_failed |= tales.iter().any(|tale| !is_success(tale));
        mark_newest(&mut tales);
        tales
    }

    fn started(&mut self, round: &RoundHistory) -> Option<Tale> {
        let number = unsigned(round.round_number);
        if number <= self.started.max(self.done) {
            return None;
        }
        self.started = number;
        (self.waiting, self.due) = (None, None);
        let (agents, deadline) = (round.expected_actor_number, round.deadline_time_stamp.0);
        Some(Tale::Started { number, agents, deadline })
    }

    /// Why no round is on its way.
    fn held(&mut self, status: &NetReachStatus, now: Timestamp) -> Vec<Tale> {
        let mut tales = Vec::new();
        let conditions = || status.conditions.iter().flatten();
        let not_ready = conditions().find(|one| one.type_ == condition::READY && one.status == "False");
        let suspended =
            conditions().find(|one| one.type_ == condition::PROGRESSING && one.reason == reason::SUSPENDED);
        if let Some(invalid) = not_ready.filter(|one| one.reason == reason::INVALID_SPEC) {
            return vec![Tale::Invalid(invalid.message.clone())];
        }
        let why = suspended.map(|one| format!("waiting: {}", one.message));
        let why = why.or_else(|| not_ready.map(|one| format!("waiting for agents: {}", one.message)));
        if let Some(why) = why
            && self.waiting.as_ref() != Some(&why)
        {
            tales.push(Tale::Waiting(why.clone()));
            self.waiting = Some(why);
        }
        let due = status.next_round_time.as_ref().map(|at| at.0).filter(|due| *due > now);
        if due.is_some() && due != self.due {
            tales.extend(due.map(Tale::Due));
            self.due = due;
        }
        tales
    }
}

fn tale(round: &RoundHistory, first: u64, last: u64) -> Tale {
    let why = round.failure_reason.clone();
    if round.missed_round_number.is_some() {
        return Tale::Missed { first, last, why: why.unwrap_or_else(|| reason::MISSED.to_owned()) };
    }
    // The words of a round's status have none for this: its reason has.
    let is_unknown = why.as_deref().is_some_and(|why| why.starts_with(&format!("{}: ", reason::UNKNOWN)));
    let verdict = match round.status {
        RoundStatus::Succeed => LastRoundStatus::Succeed,
        _ if is_unknown => LastRoundStatus::Unknown,
        _ => LastRoundStatus::Fail,
    };
    Tale::Ended(EndedRound { number: last, verdict, why, is_newest: false })
}

fn is_success(tale: &Tale) -> bool {
    matches!(tale, Tale::Ended(EndedRound { verdict: LastRoundStatus::Succeed, .. }))
}

/// They come oldest first.
fn mark_newest(tales: &mut [Tale]) {
    let newest = tales.iter_mut().rev().find_map(|tale| match tale {
        Tale::Ended(round) => Some(round),
        _ => None,
    });
    if let Some(round) = newest {
        round.is_newest = true;
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
