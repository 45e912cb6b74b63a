//! Crontabs where clocks change.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use netreach_api::Schedule;

use crate::oracle::{Day, Oracle};
use crate::random_line::lines;
use crate::timetable;

/// The line's next instants after `from`, as the zone's wall shows them, each with its offset.
fn check(zone: &str, line: &str, from: &str, expected: &[&str]) {
    let from: Timestamp = from.parse().expect("an instant with its offset");
    let table = timetable(line, zone, from);
    let zone = TimeZone::get(zone).expect("a zone of the bundled database");
    let dues = std::iter::successors(table.next_due(None), |due| table.next_due(Some(*due)));
    let shown: Vec<String> = dues
        .take(expected.len())
        .map(|due| due.to_zoned(zone.clone()).strftime("%d %H:%M%:z").to_string())
        .collect();
    assert_eq!(shown, expected, "{line:?}");
}

#[test]
fn a_fixed_time_that_is_skipped_fires_at_the_end_of_the_gap() {
    let berlin = |line, expected| check("Europe/Berlin", line, "2026-03-28T12:00+01:00", expected);
    berlin("30 2 * * *", &["29 03:00+02:00", "30 02:30+02:00"]);
    berlin("0 2 * * *", &["29 03:00+02:00", "30 02:00+02:00"]);
    berlin("10,20,50 2 * * *", &["29 03:00+02:00", "30 02:10+02:00", "30 02:20+02:00"]);
    berlin("30 1-3 * * *", &["29 01:30+01:00", "29 03:00+02:00", "29 03:30+02:00", "30 01:30+02:00"]);
    berlin("0 2,3 * * *", &["29 03:00+02:00", "30 02:00+02:00", "30 03:00+02:00"]);
    check("America/New_York", "30 2 * * *", "2026-03-07T12:00-05:00", &["08 03:00-04:00", "09 02:30-04:00"]);
    check(
        "Australia/Lord_Howe",
        "15 2 * * *",
        "2026-10-03T12:00+10:30",
        &["04 02:30+11:00", "05 02:15+11:00"],
    );
    check("America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00-03:00", &["04 01:00-02:00", "05 00:00-02:00"]);
    // Samoa left out a whole day, the 30th.
    check("Pacific/Apia", "0 12 * * *", "2011-12-29T13:00-10:00", &["31 00:00+14:00", "31 12:00+14:00"]);
}

#[test]
fn a_fixed_time_that_comes_twice_fires_at_the_first_pass() {
    let berlin = |line, expected| check("Europe/Berlin", line, "2026-10-24T12:00+02:00", expected);
    berlin("30 2 * * *", &["25 02:30+02:00", "26 02:30+01:00"]);
    berlin("0,30 2,3 * * *", &["25 02:00+02:00", "25 02:30+02:00", "25 03:00+01:00", "25 03:30+01:00"]);
    check("America/New_York", "30 1 * * *", "2026-10-31T12:00-04:00", &["01 01:30-04:00", "02 01:30-05:00"]);
    check(
        "Australia/Lord_Howe",
        "45 1 * * *",
        "2026-04-04T12:00+11:00",
        &["05 01:45+11:00", "06 01:45+10:30"],
    );
    // Even when the question comes up between the two passes.
    check("Europe/Berlin", "15,45 2 * * *", "2026-10-25T02:05+01:00", &["26 02:15+01:00", "26 02:45+01:00"]);
}

#[test]
fn a_line_with_a_star_goes_by_elapsed_time() {
    let spring = |line, expected| check("Europe/Berlin", line, "2026-03-29T00:50+01:00", expected);
    spring("*/30 * * * *", &["29 01:00+01:00", "29 01:30+01:00", "29 03:00+02:00", "29 03:30+02:00"]);
    spring("30 * * * *", &["29 01:30+01:00", "29 03:30+02:00"]);
    spring("*/20 2 * * *", &["30 02:00+02:00", "30 02:20+02:00"]);
    let autumn = |line, expected| check("Europe/Berlin", line, "2026-10-25T01:50+02:00", expected);
    autumn("30 * * * *", &["25 02:30+02:00", "25 02:30+01:00", "25 03:30+01:00"]);
    autumn(
        "*/30 2 * * *",
        &["25 02:00+02:00", "25 02:30+02:00", "25 02:00+01:00", "25 02:30+01:00", "26 02:00+01:00"],
    );
    check(
        "Australia/Lord_Howe",
        "*/15 * * * *",
        "2026-04-05T01:29+11:00",
        &["05 01:30+11:00", "05 01:45+11:00", "05 01:30+10:30", "05 01:45+10:30", "05 02:00+10:30"],
    );
    check(
        "Australia/Lord_Howe",
        "*/15 * * * *",
        "2026-10-04T01:50+10:30",
        &["04 02:30+11:00", "04 02:45+11:00"],
    );
}

#[test]
fn a_zone_without_changes_is_a_shifted_utc() {
    check("Asia/Kolkata", "30 2 * * *", "2026-03-28T12:00+05:30", &["29 02:30+05:30", "30 02:30+05:30"]);
    check("Asia/Kathmandu", "0 */12 * * *", "2026-03-28T12:00+05:45", &["29 00:00+05:45", "29 12:00+05:45"]);
}

// === random lines ===

const ZONES: [(&str, i16); 10] = [
    ("Europe/Berlin", 2026),
    ("America/New_York", 2026),
    ("Australia/Lord_Howe", 2026),
    ("America/St_Johns", 2026),
    ("Antarctica/Troll", 2026),
    ("America/Sao_Paulo", 2018),
    ("Pacific/Apia", 2011),
    ("Africa/Casablanca", 2026),
    ("Africa/Cairo", 2027),
    ("Asia/Tokyo", 2026),
];
const LINES_PER_ZONE: usize = 60;
const ONE_BY_ONE_MAX: usize = 3_000;

/// A year of a zone, minute by minute: days since 1970 and minute of the day on the wall.
fn walls(zone: &TimeZone, start: Timestamp) -> Vec<(i64, usize)> {
    let epoch = Date::constant(1970, 1, 1);
    let wall = |minute| {
        let civil = zone.to_datetime(start + SignedDuration::from_mins(minute));
        let days = civil.date().duration_since(epoch).as_hours() / 24;
        (days, civil.hour() as usize * 60 + civil.minute() as usize)
    };
    (0..366 * 1440).map(wall).collect()
}

/// The minutes of the year at which a clock watcher fires. By elapsed time: when the wall matches. By fixed times: when
/// the wall comes to or jumps over a match for the first time.
fn firings(oracle: &Oracle, walls: &[(i64, usize)], days: &HashMap<i64, Day>) -> Vec<usize> {
    let matches: HashMap<i64, bool> = days.iter().map(|(&number, day)| (number, oracle.day(day))).collect();
    let matched =
        |total: i64| matches[&total.div_euclid(1440)] && oracle.minutes[total.rem_euclid(1440) as usize];
    let total = |(day, minute): (i64, usize)| day * 1440 + minute as i64;
    let mut furthest = total(walls[0]);
    let mut firings = Vec::new();
    for (index, wall) in walls.iter().enumerate().skip(1) {
        let now = total(*wall);
        let fires = if oracle.elapsed() { matched(now) } else { (furthest + 1..=now).any(matched) };
        furthest = furthest.max(now);
        firings.extend(fires.then_some(index));
    }
    firings
}

#[test]
fn random_lines_fire_in_every_zone_when_the_oracle_says() {
    let mut compared = 0_usize;
    let all = lines(ZONES.len() * LINES_PER_ZONE * 2);
    let mut lines = all.iter().filter(|line| Schedule::parse(line).is_ok());
    for (name, year) in ZONES {
        let zone = TimeZone::get(name).expect("a zone of the bundled database");
        let start = Date::constant(year, 1, 1).to_zoned(zone.clone()).expect("a new year").timestamp();
        let walls = walls(&zone, start);
        let at = |minute: usize| start + SignedDuration::from_mins(minute as i64);
        // Minutes after which the wall did not simply go on by one.
        let jumps: Vec<usize> =
            (1..walls.len()).filter(|&index| (walls[index - 1].1 + 1) % 1440 != walls[index].1).collect();
        assert!(name == "Asia/Tokyo" || name == "Pacific/Apia" || jumps.len() >= 2, "{name} {jumps:?}");
        let first = Day::first_of(u32::try_from(year - 1).expect("a year"));
        let days: HashMap<i64, Day> = std::iter::successors(Some(first), |day| Some(day.next()))
            .take(3 * 366)
            .map(|day| (day.since_1970, day))
            .collect();
        for line in lines.by_ref().take(LINES_PER_ZONE) {
            let firings = firings(&Oracle::new(line), &walls, &days);
            let table = timetable(line, name, start);
            let mut before = None;
            for (index, &minute) in firings.iter().enumerate() {
                let near = |jump: &usize| jump.abs_diff(minute) < 2 * 1440;
                if index < ONE_BY_ONE_MAX || jumps.iter().any(near) {
                    assert_eq!(
                        table.next_due(before),
                        Some(at(minute)),
                        "{line:?} in {name} after {before:?}"
                    );
                    compared += 1;
                }
                before = Some(at(minute));
            }
        }
    }
    println!("{compared} firings in {} zones", ZONES.len());
    assert!(compared > 200_000);
}

#[test]
fn a_fixed_time_fires_once_for_every_day_and_always_later() {
    for (name, year) in ZONES {
        let zone = TimeZone::get(name).expect("a zone of the bundled database");
        for hour in [0, 1, 2, 3, 12, 23] {
            let start = Date::constant(year, 1, 1).to_zoned(zone.clone()).expect("a new year");
            let end = Date::constant(year + 1, 1, 1).to_zoned(zone.clone()).expect("a new year");
            let table = timetable(&format!("15 {hour} * * *"), name, start.timestamp());
            let mut dues = vec![start.timestamp()];
            let next = |last: &Timestamp| table.next_due(Some(*last)).filter(|due| *due < end.timestamp());
            while let Some(due) = next(&dues[dues.len() - 1]) {
                assert!(due > dues[dues.len() - 1], "{name} {hour}:15 {due}");
                dues.push(due);
            }
            // 2026, 2018, 2011 and 2027 have 365 days, the one that Samoa left out included.
            assert_eq!(dues.len() - 1, 365, "{name} {hour}:15");
        }
    }
}
