//! Intervals: counted from the creation.

use jiff::{SignedDuration, Timestamp};
use netreach_plan::Passed;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::timetable;

const CREATED: &str = "2026-03-29T00:59:30.25Z";

fn created() -> Timestamp {
    CREATED.parse().expect("an instant")
}

fn after(minutes: i64) -> Timestamp {
    created() + SignedDuration::from_mins(minutes)
}

#[test]
fn the_first_is_due_after_m_minutes_and_the_others_every_n() {
    let table = timetable("5 60", "Europe/Berlin", created());
    assert_eq!(table.next_due(None), Some(after(5)));
    assert_eq!(table.next_due(Some(after(5))), Some(after(65)));
    assert_eq!(table.next_due(Some(after(64))), Some(after(65)));
    // Before the start, as after an edit of the schedule: the first again.
    assert_eq!(table.next_due(Some(after(-500))), Some(after(5)));
    assert_eq!(timetable("0 1", "UTC", created()).next_due(None), Some(created()));
    assert_eq!(timetable("1 1", "UTC", Timestamp::MAX).next_due(None), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn counting_what_passed_is_walking_it(
        line in prop_oneof![
            (0_u64..50, 1_u64..50).prop_map(|(m, n)| format!("{m} {n}")),
            Just("*/7 3-20 * * *".to_owned()),
        ],
        last in prop::option::of(-100_i64..3_000),
        now in -100_i64..3_000,
        at_most in prop_oneof![Just(u64::MAX), 0_u64..20],
    ) {
        let table = timetable(&line, "Europe/Berlin", created());
        let last = last.map(after);
        let dues: Vec<Timestamp> = std::iter::successors(table.next_due(last), |due| table.next_due(Some(*due)))
            .take_while(|due| *due <= after(now))
            .take(usize::try_from(at_most).unwrap_or(usize::MAX))
            .collect();
        let expected = dues.last().map(|&latest| Passed {
            first: dues[0],
            before_last: dues.len().checked_sub(2).map(|index| dues[index]),
            last: latest,
            count: dues.len() as u64,
            more: false,
        });
        prop_assert_eq!(table.passed(last, after(now), at_most), expected);
    }
}
