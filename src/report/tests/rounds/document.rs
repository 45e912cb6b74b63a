//! The document, whole: against a golden file, and against the field names today's users know.

use netreach_measure::Failure;
use netreach_report::{ClosedRound, KdoctorReport, Number, Standing, api_object, merge};
use netreach_wire::{Connection, Gap, GapClass, IpFamily, TargetFamily};
use serde_json::Value;

use crate::fixture::{Change, Slot, expect, mesh};

fn document() -> KdoctorReport {
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
    api_object(&merge(round), &expect(), &standing)
}

/// Also holds the order of fields, as today's users know it. The golden file is written anew with `BLESS=1 cargo test -p netreach-report`.
#[test]
fn the_document_is_the_golden_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/report.json");
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap();
    let differs = text.lines().zip(golden.lines()).zip(1..).find(|((ours, golden), _)| ours != golden);
    assert_eq!(differs, None, "ours, the golden file's, and the line in {path}");
    assert_eq!(text.len(), golden.len(), "{path} is longer or shorter");
}

/// Every `path type` line of the data file, `[]` standing for each entry of a list, `{}` for each value of a map.
#[test]
fn every_field_todays_users_know_is_there_with_its_type() {
    let document = serde_json::to_value(document()).unwrap();
    for line in include_str!("../data/known-fields.txt").lines() {
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

#[test]
fn what_was_not_measured_is_null_or_absent_and_never_zero() {
    let mut round =
        mesh(&["a"]).seen("a", "a", |seen| seen.become_(100, Slot::Failed(Failure::TimeoutConnect)));
    round.assignments[0].load.connection = Connection::Reuse;
    let standing = Standing { rounds_expected: -1, rounds_done: 1, rounds_failed: vec![1], finished: false };
    let document = serde_json::to_value(api_object(&merge(round), &expect(), &standing)).unwrap();
    assert_eq!(document["spec"]["RoundNumber"], -1);
    assert!(document["spec"].get("DetectionPower").is_none());
    let detail = &document["spec"]["Report"][0]["NetReachTask"]["Detail"][0];
    assert_eq!(detail["SucceedRate"], 0);
    assert_eq!(detail["MeanDelay"], Value::Null);
    assert_eq!(detail["Metrics"]["Latencies"]["P99InMs"], Value::Null);
    assert_eq!(detail["Metrics"]["Errors"]["timeout-connect"], 100);
    assert_eq!(detail["Connection"], "reuse");
    assert!(detail.get("Rtt").is_none() && detail.get("FromSlot").is_none());
    assert_eq!(detail["Lateness"]["MaxInMs"], 0.12);
}

#[test]
fn a_document_that_is_read_back_is_the_same() {
    let document = document();
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<KdoctorReport>(&text).unwrap(), document);
}

#[test]
fn what_a_newer_release_or_an_api_server_has_added_is_passed_over() {
    let mut value = serde_json::to_value(document()).unwrap();
    value["metadata"]["uid"] = "0c5e".into();
    value["spec"]["Suspects"] = serde_json::json!([{"Component": "kube-proxy"}]);
    value["spec"]["Report"][0]["NetReachTask"]["Detail"][0]["Metrics"]["Latencies"]["P999InMs"] = 1.into();
    // Whole numbers may be written either way.
    value["spec"]["DetectionPower"]["Loss"] = 1.into();
    value["spec"]["DetectionPower"]["Confidence"] = 1.0.into();
    let read: KdoctorReport = serde_json::from_value(value).unwrap();
    let power = read.spec.detection_power.unwrap();
    assert_eq!((power.loss, power.confidence), (Number(1.0), Number(1.0)));
    assert_eq!(read.spec.report, document().spec.report);
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
