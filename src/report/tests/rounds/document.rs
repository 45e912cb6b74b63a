//! The document, whole: against a golden file, and against the field names today's users know.

use netreach_measure::Failure;
use netreach_report::{ClosedRound, Standing, api_object, merge};
use netreach_wire::{Gap, GapClass, IpFamily, TargetFamily};
use serde_json::Value;

use crate::fixture::{Change, Slot, expect, mesh};

fn document() -> Value {
    let round = ClosedRound {
        gaps: vec![Gap {
            family: TargetFamily::NodePort,
            ip_family: IpFamily::V4,
            class: GapClass::NotHere,
            reason: "a node port needs a cluster".to_owned(),
        }],
        sampling: Some("3 of 3 peers".to_owned()),
        ..mesh(&["a", "b", "c"])
    };
    let round = round.silent("b").late("c").seen("a", "b", |seen| {
        seen.become_(2, Slot::Failed(Failure::TimeoutConnect));
        seen.become_(1, Slot::Answered(503));
        seen.become_(1, Slot::Unsent);
    });
    let standing = Standing { rounds_expected: 3, rounds_done: 1, rounds_failed: vec![1], finished: false };
    serde_json::to_value(api_object(&merge(round), &expect(), &standing)).unwrap()
}

/// The golden file is written anew with `BLESS=1 cargo test -p netreach-report`.
#[test]
fn the_document_is_the_golden_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/report.json");
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(text, include_str!("../data/report.json"), "{path} differs");
}

/// Every `path type` line of the data file, `[]` standing for each entry of a list, `{}` for each value of a map.
#[test]
fn every_field_todays_users_know_is_there_with_its_type() {
    let document = document();
    for line in include_str!("../data/seed-fields.txt").lines() {
        let (path, kind) = line.split_once(' ').unwrap();
        let found = walk(&document, path);
        assert!(!found.is_empty(), "{path} is not in the document");
        for value in found {
            let is = match value {
                Value::Null => "null",
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "list",
                Value::Object(_) => "map",
            };
            assert!(kind.split('|').any(|kind| kind == is), "{path} is a {is}, not a {kind}");
        }
    }
}

#[test]
fn a_round_that_went_well_reads_as_today() {
    let standing = Standing { rounds_expected: 1, rounds_done: 1, rounds_failed: Vec::new(), finished: true };
    let document = serde_json::to_value(api_object(&merge(mesh(&["a"])), &expect(), &standing)).unwrap();
    let spec = &document["spec"];
    assert_eq!(spec["FailedRoundNumber"], Value::Null);
    assert_eq!((&spec["Status"], &spec["Verdict"]), (&"Finished".into(), &"succeed".into()));
    let task = &spec["Report"][0]["NetReachTask"];
    assert_eq!(task["Succeed"], true);
    assert!(task.get("FailureReason").is_none());
    // 1 - 0.05^(1/100): the rule of three says 3 %.
    assert_eq!(spec["DetectionPower"]["Loss"], 0.029_513);
}

fn walk<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('.').fold(vec![value], |values, step| {
        let (name, each) = step.split_once(['[', '{']).map_or((step, false), |(name, _)| (name, true));
        let named = values.into_iter().filter_map(|value| value.get(name));
        match each {
            false => named.collect(),
            true => named.flat_map(entries).collect(),
        }
    })
}

fn entries(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}
