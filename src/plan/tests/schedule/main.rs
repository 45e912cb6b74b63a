//! When rounds are due, against an oracle that shares no code with the planner: it matches the line's text by day,
//! then by minute, on a calendar of its own.

mod calendar;
mod interval;
mod oracle;
mod random_line;
mod zones;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use netreach_api::Schedule;
use netreach_plan::Timetable;

fn timetable(line: &str, zone: &str, created: Timestamp) -> Timetable {
    let schedule = Schedule::parse(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
    let zone = TimeZone::get(zone).expect("a zone of the bundled database");
    Timetable::new(&schedule, &zone, created)
}
