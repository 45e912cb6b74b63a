//! The oracle: crontab(5) read literally.

const MONTHS: &str = "jan feb mar apr may jun jul aug sep oct nov dec";
const WEEKDAYS: &str = "sun mon tue wed thu fri sat";

/// A line, matched by its text.
pub(crate) struct Oracle {
    fields: [String; 5],
    /// For each minute of the day, whether minute and hour match.
    pub(crate) minutes: Vec<bool>,
}

/// A day of the Gregorian calendar, counted up by hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Day {
    pub(crate) year: u32,
    pub(crate) month: u32,
    pub(crate) day: u32,
    /// 0 is Sunday.
    pub(crate) weekday: u32,
    /// Days since 1970-01-01.
    pub(crate) since_1970: i64,
}

impl Oracle {
    pub(crate) fn new(line: &str) -> Self {
        let line = match line {
            "@yearly" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            line => line,
        };
        let fields: Vec<String> = line.split(' ').map(str::to_lowercase).collect();
        let fields: [String; 5] = fields.try_into().expect("five fields");
        let minutes = (0..1440)
            .map(|minute| {
                matches(&fields[0], minute % 60, 0, 59, "") && matches(&fields[1], minute / 60, 0, 23, "")
            })
            .collect();
        Self { fields, minutes }
    }

    pub(crate) fn day(&self, day: &Day) -> bool {
        let [_, _, days, months, weekdays] = &self.fields;
        let weekday = [0, 7].iter().any(|&second| {
            // Sunday is tried under both its numbers.
            (second == 0 || day.weekday == 0) && matches(weekdays, day.weekday + second, 0, 7, WEEKDAYS)
        });
        let date = matches(days, day.day, 1, 31, "");
        let either = !days.starts_with('*') && !weekdays.starts_with('*');
        let day_matches = if either { date || weekday } else { date && weekday };
        day_matches && matches(months, day.month, 1, 12, MONTHS)
    }

    pub(crate) fn elapsed(&self) -> bool {
        self.fields[0].starts_with('*') || self.fields[1].starts_with('*')
    }
}

impl Day {
    pub(crate) fn first_of(year: u32) -> Self {
        // 1970-01-01 was a Thursday.
        let mut day = Self { year: 1970, month: 1, day: 1, weekday: 4, since_1970: 0 };
        while day.year < year {
            day = day.next();
        }
        day
    }

    pub(crate) fn next(self) -> Self {
        let leap =
            self.year.is_multiple_of(4) && !self.year.is_multiple_of(100) || self.year.is_multiple_of(400);
        let length = match self.month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let (year, month, day) = match (self.month, self.day == length) {
            (12, true) => (self.year + 1, 1, 1),
            (month, true) => (self.year, month + 1, 1),
            (month, false) => (self.year, month, self.day + 1),
        };
        Self { year, month, day, weekday: (self.weekday + 1) % 7, since_1970: self.since_1970 + 1 }
    }
}

/// Whether `value` is among those that `text` lists.
fn matches(text: &str, value: u32, low: u32, high: u32, names: &str) -> bool {
    text.split(',').any(|part| {
        let mut halves = part.split('/');
        let range = halves.next().expect("split has a first part");
        let step = halves.next().map(|step| step.parse::<u32>().expect("a number"));
        let number = |word: &str| match names.split(' ').position(|name| name == word) {
            Some(index) => low + u32::try_from(index).expect("few names"),
            None => word.parse().expect("a number"),
        };
        let (from, to) = match range.split('-').collect::<Vec<_>>()[..] {
            ["*"] => (low, high),
            [one] if step.is_none() => (number(one), number(one)),
            [from] => (number(from), high),
            [from, "sun"] if from != "sun" => (number(from), 7),
            [from, to] => (number(from), number(to)),
            _ => panic!("no range: {range}"),
        };
        (from..=to).contains(&value) && (value - from).is_multiple_of(step.unwrap_or(1))
    })
}
