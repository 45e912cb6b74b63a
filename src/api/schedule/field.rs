//! One field of a crontab line: lists of values, ranges and steps, as a set.

use std::fmt;

use super::ScheduleError;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// Sunday's second number.
const SUNDAY_LAST: u8 = 7;

/// The five fields of a crontab line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CronField {
    /// 0-59.
    Minute,
    /// 0-23.
    Hour,
    /// 1-31.
    DayOfMonth,
    /// 1-12 or JAN-DEC.
    Month,
    /// 0-7 or SUN-SAT; both 0 and 7 are Sunday.
    DayOfWeek,
}

/// The values of one field: a set of small numbers, in rising order. Sunday is 0 and never 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CronValues(u64);

impl CronField {
    /// Least value.
    #[must_use]
    pub fn min(self) -> u8 {
        match self {
            Self::Minute | Self::Hour | Self::DayOfWeek => 0,
            Self::DayOfMonth | Self::Month => 1,
        }
    }

    /// Greatest value as users may write it.
    #[must_use]
    pub fn max(self) -> u8 {
        match self {
            Self::Minute => 59,
            Self::Hour => 23,
            Self::DayOfMonth => 31,
            Self::Month => 12,
            Self::DayOfWeek => SUNDAY_LAST,
        }
    }

    /// Widest step: as many values as the field has. A wider one is mostly a wish that crontab cannot grant
    /// (`*/90` does not mean every 90 minutes), so it is refused instead of meaning "the first value only".
    #[must_use]
    pub fn step_max(self) -> u8 {
        match self {
            Self::DayOfWeek => 7,
            _ => self.max() - self.min() + 1,
        }
    }

    /// What may stand in this field, for messages.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::Minute => "write 0-59, a list, a range or a step, such as 0,30 or */5",
            Self::Hour => "write 0-23, a list, a range or a step, such as 8-18 or */2",
            Self::DayOfMonth => "write 1-31, a list, a range or a step, such as 1,15",
            Self::Month => "write 1-12 or JAN-DEC, a list, a range or a step, such as JAN-JUN",
            Self::DayOfWeek => "write 0-7 or SUN-SAT, a list, a range or a step, such as MON-FRI",
        }
    }

    /// The set that `text` means.
    pub(super) fn parse(self, text: &str) -> Result<CronValues, ScheduleError> {
        let mut bits = 0;
        for part in text.split(',') {
            let (first, last, step) = self.part(part)?;
            (first..=last).step_by(usize::from(step)).for_each(|value| bits |= self.bit(value));
        }
        Ok(CronValues(bits))
    }

    /// `*`, `a`, `a-b`, each with or without `/step`. A single value with a step runs to the field's end.
    fn part(self, part: &str) -> Result<(u8, u8, u8), ScheduleError> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.min(), self.max()),
            Some((first, last)) => self.range(range, first, last)?,
            None => {
                let first = self.value(range)?;
                (first, if step.is_some() { self.max() } else { first })
            }
        };
        Ok((first, last, step.unwrap_or(1)))
    }

    fn range(self, range: &str, first: &str, last: &str) -> Result<(u8, u8), ScheduleError> {
        let first = self.value(first)?;
        let last = match self.value(last)? {
            // The name has one number, the day has two: FRI-SUN can only mean 5-7.
            0 if self == Self::DayOfWeek && first > 0 && last.eq_ignore_ascii_case(WEEKDAYS[0]) => {
                SUNDAY_LAST
            }
            last => last,
        };
        if first > last {
            return Err(ScheduleError::Backwards { field: self, range: range.to_owned() });
        }
        Ok((first, last))
    }

    fn value(self, text: &str) -> Result<u8, ScheduleError> {
        if let Some(index) = self.names().iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(self.min() + u8::try_from(index).expect("no field has more than 12 names"));
        }
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ScheduleError::NotAValue { field: self, value: text.to_owned() });
        }
        text.parse()
            .ok()
            .filter(|value| (self.min()..=self.max()).contains(value))
            .ok_or_else(|| ScheduleError::OutOfRange { field: self, value: text.to_owned() })
    }

    fn step(self, text: &str) -> Result<u8, ScheduleError> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|step| digits && (1..=self.step_max()).contains(step))
            .ok_or_else(|| ScheduleError::Step { field: self, step: text.to_owned() })
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => &MONTHS,
            Self::DayOfWeek => &WEEKDAYS,
            _ => &[],
        }
    }

    fn bit(self, value: u8) -> u64 {
        match self {
            Self::DayOfWeek => 1 << (value % SUNDAY_LAST),
            _ => 1 << value,
        }
    }
}

impl fmt::Display for CronField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}

impl CronValues {
    /// Whether `value` is among them.
    #[must_use]
    pub fn contains(self, value: u8) -> bool {
        value < 64 && self.0 >> value & 1 == 1
    }

    /// Every value, rising.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |&value| self.contains(value))
    }
}
