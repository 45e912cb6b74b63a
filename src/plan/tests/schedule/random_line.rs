//! Random crontab lines that use the whole grammar.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const MONTHS: [&str; 12] =
    ["JAN", "feb", "Mar", "APR", "may", "Jun", "JUL", "aug", "Sep", "OCT", "nov", "Dec"];
const WEEKDAYS: [&str; 8] = ["SUN", "mon", "Tue", "WED", "thu", "Fri", "SAT", "7"];

/// So many lines, always the same ones.
pub(crate) fn lines(count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let strategy = line();
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("no filters").current()).collect()
}

fn line() -> impl Strategy<Value = String> {
    let fields = (
        field(0, 59, &[]),
        field(0, 23, &[]),
        field(1, 31, &[]),
        field(1, 12, &MONTHS),
        field(0, 7, &WEEKDAYS),
    );
    let macros = ["@yearly", "@monthly", "@weekly", "@daily", "@hourly"].map(str::to_owned);
    prop_oneof![
        30 => fields.prop_map(|(minute, hour, day, month, weekday)| [minute, hour, day, month, weekday].join(" ")),
        1 => prop::sample::select(macros.to_vec()),
    ]
}

fn field(low: usize, high: usize, names: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("*".to_owned()),
        1 => (1..=high).prop_map(|step| format!("*/{step}")),
        5 => prop::collection::vec(part(low, high, names), 1..4).prop_map(|parts| parts.join(",")),
    ]
}

fn part(low: usize, high: usize, names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let write = move |value: usize, named: bool| match names.get(value - low) {
        Some(name) if named => (*name).to_owned(),
        _ => value.to_string(),
    };
    ((low..=high), (low..=high), 1..=high, 0..7, any::<bool>()).prop_map(move |(a, b, step, kind, named)| {
        let (a, b) = (a.min(b), a.max(b));
        match kind {
            0..=2 => write(a, named),
            3 | 4 => format!("{}-{}", write(a, named), write(b, named)),
            5 => format!("{}-{}/{step}", write(a, named), write(b, named)),
            _ => format!("{}/{step}", write(a, named)),
        }
    })
}
