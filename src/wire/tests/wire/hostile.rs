//! Nothing that is not a result is taken for one, and nothing makes us panic.

use netreach_measure::{BACKENDS_MAX, Digits, Outcome, Phases, Sample, Tally};
use netreach_wire::limits::{BACKENDS_PER_RESULT_MAX, BUCKETS_MAX, NAME_BYTES_MAX};
use netreach_wire::{AgentResult, RoundId, TargetResult, Usage, VERSION, WireTally};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::samples::results;

/// What a liar may put where something else stood.
fn lies() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<u64>().prop_map(Value::from),
        (0_u64..200).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!(u64::MAX)),
        Just(json!(u32::MAX)),
    ];
    prop_oneof![
        6 => number,
        1 => prop::sample::select(vec![Value::Null, json!(true), json!("dns"), json!({}), json!([]), json!({"200": 1})]),
        3 => prop::collection::vec(0_u64..5_000, 0..12).prop_map(Value::from),
    ]
}

/// What is done to one value of the JSON.
#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Remove,
    Double,
    Add(Value),
}

fn changes() -> impl Strategy<Value = (prop::sample::Index, Change)> {
    let change = prop_oneof![
        5 => lies().prop_map(Change::Replace),
        1 => Just(Change::Remove),
        1 => Just(Change::Double),
        1 => lies().prop_map(Change::Add),
    ];
    (any::<prop::sample::Index>(), change)
}

/// The JSON pointers of all values below this one.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut below = |key: String, value: &Value| {
        let pointer = format!("{at}/{key}");
        pointers(value, &pointer, found);
        found.push(pointer);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| below(key.clone(), value)),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, value)| below(at.to_string(), value)),
        _ => {}
    }
}

fn change(value: &mut Value, pointer: &str, change: Change) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match (value.pointer_mut(parent), change) {
        (Some(_), Change::Replace(lie)) => *value.pointer_mut(pointer).unwrap() = lie,
        (Some(Value::Object(fields)), Change::Remove) => _ = fields.remove(key),
        (Some(Value::Object(fields)), Change::Add(lie)) => _ = fields.insert("201".to_owned(), lie),
        (Some(Value::Array(list)), Change::Remove) => _ = list.remove(key.parse().unwrap()),
        (Some(Value::Array(list)), Change::Double) => {
            let index: usize = key.parse().unwrap();
            list.insert(index, list[index].clone());
        }
        (Some(Value::Array(list)), Change::Add(lie)) => list.push(lie),
        _ => {}
    }
}

/// A tally that is believed counts each probe once.
fn adds_up(wire: &WireTally) -> Result<(), TestCaseError> {
    let Ok(tally) = Tally::try_from(wire) else { return Ok(()) };
    let parts = tally.parts();
    prop_assert_eq!(parts.latency.count(), tally.answered());
    prop_assert_eq!(parts.from_slot.count(), tally.answered());
    prop_assert_eq!(parts.lateness.count(), tally.sent());
    for spread in
        [&parts.latency, &parts.from_slot, &parts.lateness, &parts.connect, &parts.first_byte, &parts.rtt]
    {
        prop_assert!(spread.count() <= tally.sent());
        let (Some(min), Some(max)) = (spread.min_us(), spread.max_us()) else {
            prop_assert_eq!((spread.count(), spread.sum_us()), (0, 0));
            continue;
        };
        prop_assert!(min <= max && (min * spread.count()..=max * spread.count()).contains(&spread.sum_us()));
        prop_assert!((min..=max).contains(&spread.quantile_us(0.99).unwrap()));
    }
    // What was believed once is believed again.
    prop_assert!(Tally::try_from(&WireTally::from(&tally)).is_ok());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_result_is_refused_or_adds_up(
        result in results(), changes in prop::collection::vec(changes(), 1..4),
    ) {
        let mut value = serde_json::to_value(&result).unwrap();
        for (index, lie) in changes {
            let mut found = Vec::new();
            pointers(&value, "", &mut found);
            if !found.is_empty() {
                change(&mut value, &found[index.index(found.len())], lie);
            }
        }
        let Ok(result) = serde_json::from_value::<AgentResult>(value) else { return Ok(()) };
        if result.check().is_ok() {
            for target in &result.targets {
                prop_assert!(Tally::try_from(&target.tally).is_ok());
                prop_assert!(target.began_us <= target.ended_us && target.ended_us <= result.elapsed_us);
            }
        }
        for target in &result.targets {
            adds_up(&target.tally)?;
        }
    }

    #[test]
    fn any_buckets_are_refused_or_add_up(
        steps in prop::collection::vec(prop_oneof![0_u64..2_000, any::<u64>()], 0..10),
        min in prop_oneof![0_u64..2_000, any::<u64>()], max in prop_oneof![0_u64..9_000, any::<u64>()],
        sum in prop_oneof![0_u64..90_000, any::<u64>()], answered in 0_u64..5_000,
    ) {
        let spread = json!({"minUs": min, "maxUs": max, "sumUs": sum, "buckets": steps});
        if let Ok(wire) = serde_json::from_value(tally(answered, &spread)) {
            adds_up(&wire)?;
        }
    }

    #[test]
    fn any_bytes_are_no_reason_to_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(serde_json::from_slice::<AgentResult>(&bytes).is_err());
    }
}

/// A tally of probes that were all answered, each of whose distributions is this one.
fn tally(answered: u64, spread: &Value) -> Value {
    json!({
        "unsent": 0, "statuses": {"200": answered}, "failures": {}, "bodyBytes": 0, "retransmits": 0,
        "latency": spread, "fromSlot": spread, "lateness": spread,
        "connect": spread, "firstByte": spread, "rtt": spread,
    })
}

#[test]
fn buckets_that_cannot_be_are_refused_in_words() {
    let check = |steps: Value, why: &str| {
        let spread = json!({"minUs": 5, "maxUs": 5, "sumUs": 10, "buckets": steps});
        let told = match serde_json::from_value::<WireTally>(tally(2, &spread)) {
            Ok(wire) => Tally::try_from(&wire).map_or_else(|error| error.to_string(), |_| "taken".to_owned()),
            Err(error) => error.to_string(),
        };
        assert!(told.starts_with(why), "{told}");
    };
    check(json!([5, 2]), "taken");
    check(json!([5, 1]), "distribution latency contradicts itself");
    check(json!([5, 3]), "distribution latency contradicts itself");
    check(json!([5, 1, 0, 1]), "distribution latency contradicts itself");
    check(json!([]), "distribution latency contradicts itself");
    check(json!([5]), "the last step has no count");
    check(json!([5, 1, u64::MAX, 1]), "steps pass all bounds of time");
    check(json!([5, -1]), "invalid value: integer `-1`");
    check(json!([5, u64::from(u32::MAX) + 1]), "invalid value: integer `4294967296`");
    check(json!("5, 2"), "invalid type: string");
    check(vec![1; BUCKETS_MAX * 2 + 2].into(), "more than 23552 steps");
}

#[test]
fn counts_that_pass_their_bounds_are_refused_without_being_added_up() {
    let spread = json!({"minUs": 5, "maxUs": 5, "sumUs": 10, "buckets": [5, 2]});
    let check = |pointer: &str, key: &str, why: &str| {
        let mut value = tally(2, &spread);
        value.pointer_mut(pointer).unwrap()[key] = u64::MAX.into();
        let wire: WireTally = serde_json::from_value(value).unwrap();
        assert_eq!(Tally::try_from(&wire).map(drop).unwrap_err().to_string(), why);
    };
    let too_large = "a count passes 4294967295";
    check("", "unsent", too_large);
    check("/statuses", "404", too_large);
    check("/failures", "reset", too_large);
    check("/statuses", "99", "status 99 is no HTTP status (100 to 999)");
    check("/statuses", "1000", "status 1000 is no HTTP status (100 to 999)");
    check("/failures", "gremlins", "failure \"gremlins\" is not in the taxonomy");
}

/// A result that names these backends, each of which has answered once.
fn naming(backends: &[String]) -> AgentResult {
    let tally = |backends: &[String]| {
        let mut tally = Tally::new(Digits::Two);
        for backend in backends {
            tally.record(&Sample {
                outcome: Outcome::Answered(200),
                latency_us: 1,
                lateness_us: 1,
                phases: Phases::default(),
                body_bytes: 1,
                backend: Some(backend),
            });
        }
        TargetResult { began_us: 0, ended_us: 1, tally: WireTally::from(&tally) }
    };
    AgentResult {
        version: VERSION,
        round: RoundId { uid: "uid".to_owned(), number: 1 },
        started_at_us: 0,
        elapsed_us: 1,
        interrupted: false,
        trouble: None,
        targets: backends.chunks(BACKENDS_MAX).map(tally).collect(),
        usage: Usage::default(),
    }
}

#[test]
fn an_agent_cannot_fill_the_table_of_names_that_all_share() {
    let why = |result: AgentResult| result.check().unwrap_err().to_string();
    assert_eq!(naming(&["n".repeat(NAME_BYTES_MAX)]).check().map_err(|error| error.to_string()), Ok(()));
    assert_eq!(
        why(naming(&["n".repeat(NAME_BYTES_MAX + 1)])),
        "a backend's name has 254 bytes (at most 253)"
    );
    let many: Vec<_> = (0..=BACKENDS_PER_RESULT_MAX).map(|number| format!("pod-{number}")).collect();
    assert_eq!(why(naming(&many)), "result names 10001 backends (at most 10000)");
}
