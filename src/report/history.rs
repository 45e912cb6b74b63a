//! What has become of one NetReach's rounds, as far as its status tells.

use jiff::Timestamp;
use netreach_api::{LastRoundStatus, NetReachStatus, RoundHistory, RoundStatus};

use crate::limits::{FAILED_ROUNDS_MAX, HISTORY_MAX, ROUND_NUMBER_MAX};
use crate::{RoundHead, RoundReport, Verdict, entry, failure_reason, round_summary};

/// The rounds of one NetReach: how many are done and what became of the newest.
///
/// Rebuilt from the status when somebody new writes it, then fed with every round that closes or is missed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    done: u64,
    due: Timestamp,
    ended: Option<Timestamp>,
    last_status: Option<LastRoundStatus>,
    /// Done rounds, newest first.
    entries: Vec<RoundHistory>,
}

impl History {
    /// What a status of before still tells; nothing when there is none.
    ///
    /// The status may be anybody's: what contradicts itself is read so that no round number is used twice.
    #[must_use]
    pub fn from_status(status: Option<&NetReachStatus>) -> Self {
        let Some(status) = status else { return Self::default() };
        let mut entries: Vec<RoundHistory> =
            status.history.iter().flatten().filter_map(entry::taken_over).collect();
        entries.sort_by_key(|round| std::cmp::Reverse(round.round_number));
        entries.dedup_by_key(|round| round.round_number);
        entries.truncate(HISTORY_MAX);
        let newest = entries.first();
        let counted = status.done_round.filter(|number| *number <= ROUND_NUMBER_MAX);
        let done = counted.max(newest.map(|round| round.round_number));
        let done = done.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        let ended = newest.map(|round| round.end_time_stamp.as_ref().unwrap_or(&round.deadline_time_stamp));
        let ended = status.finish_time.as_ref().or(ended).map(|at| entry::seconds(at.0).0);
        let judged = newest.map(|round| match round.status {
            RoundStatus::Succeed => LastRoundStatus::Succeed,
            _ => LastRoundStatus::Fail,
        });
        Self {
            done,
            due: newest.map(|round| round.start_time_stamp.0).or(ended).unwrap_or_default(),
            ended,
            last_status: status.last_round_status.or(judged).filter(|_| done > 0),
            entries,
        }
    }

    /// How many rounds are done, missed ones included.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done
    }

    /// The number of the round that comes after those done.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.done.saturating_add(1)
    }

    /// The newest round done: its number, which is how many are done, and when it was due.
    ///
    /// Rebuilt from a status the instant is when that round started, in whole seconds: not before it was due and before
    /// the next was, which is all that planning asks. A status that counts rounds and tells the time of none
    /// gives 1970; whoever plans then goes by when the NetReach was created.
    #[must_use]
    pub fn last(&self) -> Option<(u64, Timestamp)> {
        (self.done > 0).then_some((self.done, self.due))
    }

    /// Numbers of the rounds that failed or were missed, rising: those that the history still knows, the newest
    /// [`FAILED_ROUNDS_MAX`] of them.
    #[must_use]
    pub fn failed_rounds(&self) -> Vec<u64> {
        let failed = self.entries.iter().filter(|round| round.status == RoundStatus::Fail);
        let numbers = failed.flat_map(|round| run(round).rev());
        let mut numbers: Vec<u64> = numbers.take(FAILED_ROUNDS_MAX).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Adds a closed round. Nothing changes when a round of that number is done already.
    pub fn close(&mut self, report: &RoundReport, verdict: &Verdict) {
        if report.id.number > self.done {
            self.closed(report.id.number, report.due, verdict, entry::closed(report, verdict));
            self.ended = Some(report.ended);
        }
    }

    /// Adds a closed round as its record's head tells it, with the verdict of then: what [`Self::close`] had added.
    pub fn close_head(&mut self, head: &RoundHead) {
        if head.id.number > self.done {
            self.closed(head.id.number, head.due, &head.verdict, entry::closed_head(head));
            self.ended = Some(head.ended);
        }
    }

    fn closed(&mut self, number: u64, due: Timestamp, verdict: &Verdict, round: RoundHistory) {
        self.done = number;
        self.due = due;
        self.last_status = Some(round_summary::status(verdict));
        self.push(round);
    }

    /// Adds rounds that were missed, the first and the last of them each by number and due instant, in one entry. Rounds
    /// that follow directly on missed ones lengthen their entry. What is done already is left out.
    pub fn miss(&mut self, first: (u64, Timestamp), last: (u64, Timestamp), deadline_of_last: Timestamp) {
        if last.0 <= self.done {
            return;
        }
        let mut first =
            if first.0 > self.done { (first.0, Some(first.1)) } else { (self.next_number(), None) };
        if first.0 == self.next_number()
            && let Some((number, due)) = self.missed_until_now()
        {
            first = (number, due);
            self.entries.remove(0);
        }
        self.done = last.0;
        self.due = last.1;
        self.ended = Some(deadline_of_last);
        self.last_status = Some(LastRoundStatus::Unknown);
        self.push(entry::missed(first, last, deadline_of_last));
    }

    /// When the newest round ended, or had to.
    pub(crate) fn ended(&self) -> Option<Timestamp> {
        self.ended
    }

    /// How the newest round done ended.
    pub(crate) fn last_status(&self) -> Option<LastRoundStatus> {
        self.last_status
    }

    /// Done rounds, newest first.
    pub(crate) fn entries(&self) -> &[RoundHistory] {
        &self.entries
    }

    fn push(&mut self, round: RoundHistory) {
        self.entries.insert(0, round);
        self.entries.truncate(HISTORY_MAX);
    }

    /// The first of the missed rounds that end with the newest round done, if it was missed.
    fn missed_until_now(&self) -> Option<(u64, Option<Timestamp>)> {
        let newest = self.entries.first().filter(|round| round.missed_round_number.is_some())?;
        let run = run(newest);
        let reason = newest.failure_reason.as_deref().unwrap_or_default();
        (*run.end() == self.done).then(|| (*run.start(), failure_reason::first_due(reason)))
    }
}

/// The numbers an entry stands for.
fn run(round: &RoundHistory) -> std::ops::RangeInclusive<u64> {
    let last = u64::try_from(round.round_number).unwrap_or(0);
    let count = u64::try_from(round.missed_round_number.unwrap_or(1)).unwrap_or(1).max(1);
    last.saturating_sub(count - 1)..=last
}
