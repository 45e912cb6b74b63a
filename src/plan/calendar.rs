//! A crontab on the calendar's wall: which civil minutes match, without any time zone.
//!
//! The `cron` crate finds the dates. It speaks another dialect: seconds first, days of the week from 1 = Sunday, and both
//! day fields at once. So every field is handed over as an explicit list, and a line whose day fields are
//! alternatives becomes two lines of which the earlier one counts.

use std::str::FromStr;

use chrono::{DateTime as ChronoDateTime, Utc};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use netreach_api::{CronValues, Crontab};

/// The crate's calendar begins with 1970; it takes an earlier year for a late one.
const BEFORE_THE_FIRST_S: i64 = -1;

/// The dates of a crontab, from 1970 up to the end of the year 2100, where the `cron` crate ends.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    lines: Vec<cron::Schedule>,
}

impl Calendar {
    pub(crate) fn new(crontab: &Crontab) -> Self {
        let line = |days: &str, weekdays: &str| {
            let minutes = list(crontab.minutes(), 0);
            let hours = list(crontab.hours(), 0);
            let months = list(crontab.months(), 0);
            cron::Schedule::from_str(&format!("0 {minutes} {hours} {days} {months} {weekdays}"))
                .expect("lists of values within their fields are a line of the cron crate")
        };
        let days = list(crontab.days_of_month(), 0);
        let weekdays = list(crontab.days_of_week(), 1);
        let lines = if crontab.either_day() {
            vec![line(&days, "*"), line("*", &weekdays)]
        } else {
            vec![line(&days, &weekdays)]
        };
        Self { lines }
    }

    /// The first match strictly after `civil`.
    pub(crate) fn next_after(&self, civil: DateTime) -> Option<DateTime> {
        // Civil time goes through the crate as if it were UTC, which has no gaps.
        let seconds = Offset::UTC.to_timestamp(civil).ok()?.as_second().max(BEFORE_THE_FIRST_S);
        let after = ChronoDateTime::<Utc>::from_timestamp(seconds, 0)?;
        let next = self.lines.iter().filter_map(|line| line.after(&after).next()).min()?;
        Timestamp::from_second(next.timestamp()).ok().map(|next| Offset::UTC.to_datetime(next))
    }
}

fn list(values: CronValues, shift: u8) -> String {
    values.iter().map(|value| (value + shift).to_string()).collect::<Vec<_>>().join(",")
}
