//! Crontabs in UTC: which minutes of which days.

use jiff::Timestamp;
use netreach_api::{Schedule, ScheduleError};

use crate::oracle::{Day, Oracle};
use crate::random_line::lines;
use crate::timetable;

const LINES: usize = 600;
const YEARS: u32 = 5;
/// Lines that fire more often are compared one by one so far, then at both ends of every day.
const ONE_BY_ONE_MAX: usize = 6_000;

/// Every instant of the line in [`YEARS`] years, as (seconds since 1970, whether it is the first or last of its day).
fn firings(oracle: &Oracle, year: u32) -> Vec<(i64, bool)> {
    let minutes: Vec<i64> = (0..1440_i64).filter(|&minute| oracle.minutes[minute as usize]).collect();
    let mut firings = Vec::new();
    let mut day = Day::first_of(year);
    while day.year < year + YEARS {
        if oracle.day(&day) {
            let at_end = |index| index == 0 || index + 1 == minutes.len();
            let instants = minutes.iter().enumerate();
            firings.extend(
                instants.map(|(index, minute)| (day.since_1970 * 86_400 + minute * 60, at_end(index))),
            );
        }
        day = day.next();
    }
    firings
}

fn ever_matches(oracle: &Oracle) -> bool {
    let days = std::iter::successors(Some(Day::first_of(2000)), |day| Some(day.next()));
    days.take_while(|day| day.year < 2045).any(|day| oracle.day(&day))
}

#[test]
fn random_lines_fire_when_the_oracle_says() {
    let (mut compared, mut in_full) = (0, 0);
    for (index, line) in lines(LINES).iter().enumerate() {
        let oracle = Oracle::new(line);
        match Schedule::parse(line) {
            Ok(_) => {}
            Err(ScheduleError::Never { .. }) => {
                assert!(!ever_matches(&oracle), "{line:?} is refused and yet fires");
                continue;
            }
            Err(error) => panic!("{line:?}: {error}"),
        }
        let year = 1990 + u32::try_from(index * 7 % 105).expect("a small number");
        let firings = firings(&oracle, year);
        let from = Timestamp::from_second(Day::first_of(year).since_1970 * 86_400 - 1).expect("in range");
        let end = Timestamp::from_second(Day::first_of(year + YEARS).since_1970 * 86_400).expect("in range");
        let table = timetable(line, "UTC", from);
        let mut before = None;
        for (index, &(second, at_end)) in firings.iter().enumerate() {
            let due = Timestamp::from_second(second).expect("in range");
            if index < ONE_BY_ONE_MAX || at_end {
                assert_eq!(table.next_due(before), Some(due), "{line:?} after {before:?}");
                compared += 1;
            }
            before = Some(due);
        }
        assert!(table.next_due(before).is_none_or(|due| due >= end), "{line:?} after the last, {before:?}");
        in_full += usize::from(firings.len() <= ONE_BY_ONE_MAX);
    }
    println!("{compared} firings of {LINES} lines; {in_full} lines in full");
    assert!(compared > 1_000_000 && in_full > LINES / 5);
}

#[test]
fn a_date_is_refused_when_no_year_has_it() {
    let mut refused = Vec::new();
    for (month, day) in (1..=12).flat_map(|month| (1..=31).map(move |day| (month, day))) {
        for weekday in ["*", "*/3", "1"] {
            let line = format!("0 0 {day} {month} {weekday}");
            let fires = Schedule::parse(&line).is_ok();
            assert_eq!(fires, ever_matches(&Oracle::new(&line)), "{line:?}");
            refused.extend((!fires && weekday == "*").then_some((month, day)));
        }
    }
    assert_eq!(refused, [(2, 30), (2, 31), (4, 31), (6, 31), (9, 31), (11, 31)]);
}

#[test]
fn the_calendar_ends_with_the_year_2100() {
    let last: Timestamp = "2100-12-31T23:59:00Z".parse().expect("an instant");
    let table = timetable("* * * * *", "UTC", last);
    assert_eq!(table.next_due(None), None);
    assert_eq!(table.next_due(Some(last - jiff::SignedDuration::from_secs(1))), Some(last));
    for far in [Timestamp::MIN, Timestamp::MAX] {
        // No panic at the edges of what can be written.
        let due = timetable("0 0 29 2 *", "Europe/Berlin", far).next_due(None);
        assert_eq!(due.is_some(), far == Timestamp::MIN);
    }
}
