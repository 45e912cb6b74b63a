//! A crontab line with the meaning Vixie's cron gave it.

use std::fmt;

use super::{CronField, CronValues, ScheduleError};

/// Days of each month in a leap year.
const DAYS_MAX: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Five fields, each a set of values, and which of them began with a star. Fires on some day of the calendar.
///
/// A day matches when its month does, and: both day fields, where one of them starts with `*`; either of them,
/// where both are restricted (crontab(5)). `*/2` starts with a star, so it counts as unrestricted there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crontab {
    text: String,
    minutes: CronValues,
    hours: CronValues,
    days_of_month: CronValues,
    months: CronValues,
    days_of_week: CronValues,
    either_day: bool,
    follows_elapsed_time: bool,
}

impl Crontab {
    /// Minutes of the hour, 0-59.
    #[must_use]
    pub fn minutes(&self) -> CronValues {
        self.minutes
    }

    /// Hours of the day, 0-23.
    #[must_use]
    pub fn hours(&self) -> CronValues {
        self.hours
    }

    /// Days of the month, 1-31.
    #[must_use]
    pub fn days_of_month(&self) -> CronValues {
        self.days_of_month
    }

    /// Months of the year, 1-12.
    #[must_use]
    pub fn months(&self) -> CronValues {
        self.months
    }

    /// Days of the week, 0-6 from Sunday on.
    #[must_use]
    pub fn days_of_week(&self) -> CronValues {
        self.days_of_week
    }

    /// Whether a day matches by either of its two fields instead of by both.
    #[must_use]
    pub fn either_day(&self) -> bool {
        self.either_day
    }

    /// Whether minute or hour starts with `*`: such a line counts on through a change of clocks, while one with
    /// fixed times keeps to each day's times.
    #[must_use]
    pub fn follows_elapsed_time(&self) -> bool {
        self.follows_elapsed_time
    }

    pub(super) fn from_macro(name: &str) -> Result<Self, ScheduleError> {
        let fields = match name {
            "@yearly" | "@annually" => ["0", "0", "1", "1", "*"],
            "@monthly" => ["0", "0", "1", "*", "*"],
            "@weekly" => ["0", "0", "*", "*", "0"],
            "@daily" | "@midnight" => ["0", "0", "*", "*", "*"],
            "@hourly" => ["0", "*", "*", "*", "*"],
            "@reboot" => return Err(ScheduleError::Reboot),
            _ => return Err(ScheduleError::UnknownMacro { name: name.to_owned() }),
        };
        Ok(Self { text: name.to_owned(), ..Self::from_fields(fields)? })
    }

    pub(super) fn from_fields(fields: [&str; 5]) -> Result<Self, ScheduleError> {
        let [minute, hour, day, month, weekday] = fields;
        let starred = |field: &str| field.starts_with('*');
        let crontab = Self {
            text: fields.join(" "),
            minutes: CronField::Minute.parse(minute)?,
            hours: CronField::Hour.parse(hour)?,
            days_of_month: CronField::DayOfMonth.parse(day)?,
            months: CronField::Month.parse(month)?,
            days_of_week: CronField::DayOfWeek.parse(weekday)?,
            either_day: !starred(day) && !starred(weekday),
            follows_elapsed_time: starred(minute) || starred(hour),
        };
        if crontab.fires() { Ok(crontab) } else { Err(ScheduleError::Never { text: crontab.text }) }
    }

    /// Whether any date matches. Every date, 29 February included, falls on every day of the week within 40 years,
    /// so only months and their lengths have to be looked at.
    fn fires(&self) -> bool {
        let first = self.days_of_month.iter().next().expect("no field is without a value");
        self.either_day || self.months.iter().any(|month| first <= DAYS_MAX[usize::from(month - 1)])
    }
}

impl fmt::Display for Crontab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
