//! When rounds are due, as users write it: two whole numbers, or a crontab line.

mod crontab;
mod field;

use std::fmt;

pub use crontab::Crontab;
pub use field::{CronField, CronValues};

/// Longest schedule text, bytes: every value of every field written out takes about 350.
pub const SCHEDULE_BYTES_MAX: usize = 512;
/// Largest number of the interval form, minutes: 365 days.
pub const SCHEDULE_INTERVAL_MIN_MAX: u64 = 525_600;

/// A schedule in one of its two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// `"M N"`: the first round M minutes after creation, then one every N minutes.
    Interval {
        /// Minutes from creation to the first round, 0 to [`SCHEDULE_INTERVAL_MIN_MAX`].
        after_min: u64,
        /// Minutes from one round to the next, 1 to [`SCHEDULE_INTERVAL_MIN_MAX`].
        every_min: u64,
    },
    /// Five fields as crontab(5) has them, or a macro such as `@daily`.
    Crontab(Crontab),
}

/// Why a text is no schedule. Each message names the part, the rule, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Longer than any sensible line.
    #[error(
        "schedule has {length} bytes (at most {SCHEDULE_BYTES_MAX}); write ranges and steps instead of long lists"
    )]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Neither two nor five fields.
    #[error(
        "schedule has {fields} fields (2 for an interval such as \"0 60\": start after M minutes, then every N; 5 for a \
         crontab such as \"*/5 * * * *\": minute, hour, day of month, month, day of week)"
    )]
    FieldCount {
        /// How many fields it has.
        fields: usize,
    },
    /// A time zone in the line itself.
    #[error("schedule starts with {prefix:?} (the line holds no time zone); set schedule.timeZone instead")]
    TimeZonePrefix {
        /// The field that looks like one.
        prefix: String,
    },
    /// The event of a machine's start: there is no machine here.
    #[error(
        "schedule @reboot has no meaning here (no machine to start); write \"0 60\" to begin at once and then every hour"
    )]
    Reboot,
    /// A macro nobody knows.
    #[error(
        "schedule macro {name:?} is unknown (@yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly)"
    )]
    UnknownMacro {
        /// As written.
        name: String,
    },
    /// A number of the interval form out of bounds, or no number.
    #[error("{what} {value:?} is not a whole number of minutes within {min}-{SCHEDULE_INTERVAL_MIN_MAX}")]
    Interval {
        /// Which of the two.
        what: &'static str,
        /// As written.
        value: String,
        /// The least it may be.
        min: u64,
    },
    /// A number outside its field.
    #[error("{field} {value} is outside {}-{}", .field.min(), .field.max())]
    OutOfRange {
        /// Which field.
        field: CronField,
        /// As written.
        value: String,
    },
    /// Neither a number nor a name of this field.
    #[error("{field} {value:?} is not understood ({})", .field.rule())]
    NotAValue {
        /// Which field.
        field: CronField,
        /// As written.
        value: String,
    },
    /// A range whose end comes before its start.
    #[error("{field} range {range} runs backwards (from low to high); write two parts with a comma instead")]
    Backwards {
        /// Which field.
        field: CronField,
        /// As written.
        range: String,
    },
    /// A step that is no number, zero, or wider than the field.
    #[error("{field} step {step:?} is not a whole number within 1-{}", .field.step_max())]
    Step {
        /// Which field.
        field: CronField,
        /// As written.
        step: String,
    },
    /// Dates that no calendar has.
    #[error("schedule {text:?} can never fire (none of its months has any of its days of month)")]
    Never {
        /// As written.
        text: String,
    },
}

impl Schedule {
    /// Reads either form; blanks around and between the fields do not matter.
    ///
    /// # Errors
    /// The first part that breaks the grammar, or the whole line when it can never fire.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        if text.len() > SCHEDULE_BYTES_MAX {
            return Err(ScheduleError::TooLong { length: text.len() });
        }
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        match fields[..] {
            [name] if name.starts_with('@') => Crontab::from_macro(name).map(Self::Crontab),
            [prefix, ..] if prefix.contains('=') => {
                Err(ScheduleError::TimeZonePrefix { prefix: prefix.to_owned() })
            }
            [after, every] => Ok(Self::Interval {
                after_min: minutes("start after", after, 0)?,
                every_min: minutes("interval", every, 1)?,
            }),
            [minute, hour, day, month, weekday] => {
                Crontab::from_fields([minute, hour, day, month, weekday]).map(Self::Crontab)
            }
            _ => Err(ScheduleError::FieldCount { fields: fields.len() }),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interval { after_min, every_min } => write!(f, "{after_min} {every_min}"),
            Self::Crontab(crontab) => crontab.fmt(f),
        }
    }
}

fn minutes(what: &'static str, value: &str, min: u64) -> Result<u64, ScheduleError> {
    // `parse` alone would let a plus sign pass.
    let number = value.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.parse().ok()).flatten();
    number
        .filter(|number| (min..=SCHEDULE_INTERVAL_MIN_MAX).contains(number))
        .ok_or_else(|| ScheduleError::Interval { what, value: value.to_owned(), min })
}

#[cfg(test)]
#[path = "schedule/tests.rs"]
mod tests;
