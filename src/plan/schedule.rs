//! When the rounds of a schedule are due.
//!
//! An interval counts from the creation of its NetReach. A crontab is read in its time zone, and a change of
//! clocks is met the way cron(8) documents it: a line whose minute or hour starts with `*` goes by elapsed time
//! (it fires in both passes of a repeated hour and never in a skipped one); a line of fixed times fires once
//! a day for each of them, at the first pass of a repeated time and at the end of the gap for a skipped one.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use netreach_api::Schedule;

use crate::calendar::Calendar;
use crate::limits::MISSED_WALK_MAX;

/// A schedule, laid down in its zone for one NetReach.
#[derive(Debug, Clone)]
pub struct Timetable {
    created: Timestamp,
    cadence: Cadence,
}

/// Instants that a span of time passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// The earliest.
    pub first: Timestamp,
    /// The one before the latest; none when there is only one.
    pub before_last: Option<Timestamp>,
    /// The latest.
    pub last: Timestamp,
    /// How many, first and last included.
    pub count: u64,
    /// Whether counting stopped at [`MISSED_WALK_MAX`] with more to come.
    pub more: bool,
}

#[derive(Debug, Clone)]
enum Cadence {
    /// Nanoseconds since 1970 of the first instant, and between two.
    Interval { first_ns: i128, every_ns: i128 },
    /// Civil times of a zone.
    Wall { calendar: Calendar, zone: TimeZone, elapsed: bool },
}

const MINUTE_NS: i128 = 60 * 1_000_000_000;

// === impl Timetable ===

impl Timetable {
    /// Lays down `schedule` for a NetReach of that age; `zone` matters to crontabs alone.
    #[must_use]
    pub fn new(schedule: &Schedule, zone: &TimeZone, created: Timestamp) -> Self {
        let cadence = match schedule {
            Schedule::Interval { after_min, every_min } => Cadence::Interval {
                first_ns: created.as_nanosecond() + i128::from(*after_min) * MINUTE_NS,
                every_ns: i128::from(*every_min) * MINUTE_NS,
            },
            Schedule::Crontab(crontab) => Cadence::Wall {
                calendar: Calendar::new(crontab),
                zone: zone.clone(),
                elapsed: crontab.follows_elapsed_time(),
            },
        };
        Self { created, cadence }
    }

    /// The first due instant after `last`, or the first of all: an interval's may be the creation itself,
    /// a crontab's comes after it. Strictly rising; none beyond the year 2100 for crontabs, 9999 for intervals.
    #[must_use]
    pub fn next_due(&self, last: Option<Timestamp>) -> Option<Timestamp> {
        match &self.cadence {
            Cadence::Interval { first_ns, every_ns } => {
                instant(first_ns + index_after(*first_ns, *every_ns, last) * every_ns)
            }
            Cadence::Wall { calendar, zone, elapsed } => {
                let after = last.unwrap_or(self.created);
                if *elapsed { next_elapsed(calendar, zone, after) } else { next_fixed(calendar, zone, after) }
            }
        }
    }

    /// What became due after `last` (or from the start) and not after `now`, at most `at_most` instants of it. An interval is
    /// counted by arithmetic, a crontab by walking at most [`MISSED_WALK_MAX`] steps.
    #[must_use]
    pub fn passed(&self, last: Option<Timestamp>, now: Timestamp, at_most: u64) -> Option<Passed> {
        let Cadence::Interval { first_ns, every_ns } = self.cadence else {
            return self.walk(last, now, at_most);
        };
        let from = index_after(first_ns, every_ns, last);
        let available = index_after(first_ns, every_ns, Some(now)) - from;
        let count = u64::try_from(available).unwrap_or(0).min(at_most);
        let at = |index: u64| instant(first_ns + (from + i128::from(index)) * every_ns);
        let before_last = if count > 1 { at(count - 2) } else { None };
        Some(Passed { first: at(0)?, before_last, last: at(count.checked_sub(1)?)?, count, more: false })
    }

    fn walk(&self, last: Option<Timestamp>, now: Timestamp, at_most: u64) -> Option<Passed> {
        let next = |last| self.next_due(last).filter(|due| *due <= now);
        let first = next(last).filter(|_| at_most > 0)?;
        let mut passed = Passed { first, before_last: None, last: first, count: 1, more: false };
        while passed.count < at_most {
            let Some(due) = next(Some(passed.last)) else { break };
            if passed.count == MISSED_WALK_MAX {
                return Some(Passed { more: true, ..passed });
            }
            passed = Passed { before_last: Some(passed.last), last: due, count: passed.count + 1, ..passed };
        }
        Some(passed)
    }
}

/// Which of an interval's instants, counted from 0, is the first after `last`.
fn index_after(first_ns: i128, every_ns: i128, last: Option<Timestamp>) -> i128 {
    last.map_or(0, |last| ((last.as_nanosecond() - first_ns).div_euclid(every_ns) + 1).max(0))
}

fn instant(ns: i128) -> Option<Timestamp> {
    Timestamp::from_nanosecond(ns).ok()
}

/// Matches of the wall clock as it runs, stretch by stretch between two changes of the zone's offset.
fn next_elapsed(calendar: &Calendar, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut offset = zone.to_offset(after);
    let mut civil = offset.to_datetime(after);
    let mut changes = zone.following(after);
    loop {
        let next = calendar.next_after(civil)?;
        let due = offset.to_timestamp(next).ok()?;
        match changes.next() {
            Some(change) if change.timestamp() <= due => {
                offset = change.offset();
                // The first instant of the new stretch may match itself.
                civil =
                    offset.to_datetime(change.timestamp()).checked_sub(SignedDuration::from_secs(1)).ok()?;
            }
            _ => return Some(due),
        }
    }
}

/// Matches of the civil calendar, each at the one instant that stands for it.
fn next_fixed(calendar: &Calendar, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut civil = zone.to_datetime(after);
    loop {
        civil = calendar.next_after(civil)?;
        let due = stands_for(zone, civil)?;
        // Times of one gap share its end, and within the second pass the first one's times are over.
        if due > after {
            return Some(due);
        }
    }
}

fn stands_for(zone: &TimeZone, civil: DateTime) -> Option<Timestamp> {
    let time = zone.to_ambiguous_timestamp(civil);
    match time.offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(civil).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the later offset, a skipped time lies just before the change that skipped it.
            let before_change = after.to_timestamp(civil).ok()?;
            zone.following(before_change).next().map(|change| change.timestamp())
        }
    }
}
