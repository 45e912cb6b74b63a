//! The head of a round says what the whole report says, and a summary says it in a few words.

use netreach_api::LastRoundStatus;
use netreach_measure::Failure;
use netreach_report::{
    ClosedRound, History, KdoctorReport, RoundHead, RoundReport, RoundSummary, Selection, Standing, Verdict,
    api_object, around, around_contents, judge, merge, report_object,
};
use netreach_wire::AgentId;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::{Value, json};

use crate::fixture::{Change, Slot, expect, mesh};
use crate::properties::{rounds, standing};

fn head(report: &RoundReport) -> RoundHead {
    RoundHead::of(report, &judge(report, &expect()))
}

/// The document as it is sent from a head and one agent at a time, between these pieces.
fn sent(report: &RoundReport, around: fn(&KdoctorReport) -> (String, String)) -> String {
    let head = head(report);
    let selection = Selection::whole(&head);
    let (before, after) = around(&report_object(&head, &standing(), &selection));
    let entry = |(line, agent)| serde_json::to_string(&selection.agent_round(&head, line, agent)).unwrap();
    let entries: Vec<String> = report.agents.iter().enumerate().map(entry).collect();
    format!("{before}{}{after}", entries.join(","))
}

proptest! {
    #![proptest_config(Config {
        cases: 64,
        rng_seed: RngSeed::Fixed(5),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn a_document_sent_in_pieces_is_the_whole_one(round in rounds()) {
        let report = merge(round);
        let whole = serde_json::to_string(&api_object(&report, &expect(), &standing())).unwrap();
        prop_assert_eq!(&sent(&report, around), &whole);
        let mut parts: Value = serde_json::from_str(&whole).unwrap();
        let fields = parts.as_object_mut().unwrap();
        fields.retain(|field, _| matches!(field.as_str(), "spec" | "status"));
        let contents: Value = serde_json::from_str(&sent(&report, around_contents)).unwrap();
        prop_assert_eq!(contents, parts);
    }

    #[test]
    fn a_head_and_its_agents_are_the_report(round in rounds()) {
        let report = merge(round);
        let head = head(&report);
        let text = serde_json::to_string(&head).unwrap();
        let read: RoundHead = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &head);
        prop_assert_eq!(read.into_report(report.agents.clone()), report);
    }

    #[test]
    fn a_history_is_told_alike_by_head_and_report(round in rounds()) {
        let report = merge(round);
        let (mut by_report, mut by_head) = (History::default(), History::default());
        by_report.close(&report, &judge(&report, &expect()));
        by_head.close_head(&head(&report));
        prop_assert_eq!(by_head, by_report);
    }

    #[test]
    fn an_agents_line_says_what_its_entry_says(round in rounds()) {
        let report = merge(round);
        let document = api_object(&report, &expect(), &standing());
        for (line, entry) in head(&report).lines.iter().zip(&document.spec.report) {
            let task = &entry.net_reach_task;
            let failed = task.detail.iter().filter(|detail| !detail.succeed).count();
            prop_assert_eq!((&line.agent.node, &line.agent.pod), (&entry.node_name, &entry.pod_name));
            prop_assert_eq!((line.late, line.starved, line.succeeded()), (entry.late, entry.starved, task.succeed));
            prop_assert_eq!((line.targets as usize, line.failed_targets as usize), (task.target_number, failed));
        }
    }
}

#[test]
fn of_a_netreach_that_is_gone_its_rounds_say_where_it_stood() {
    let report = merge(mesh(&["a"]));
    let head = head(&report);
    let round = |number: u64| {
        let verdict =
            if number.is_multiple_of(2) { LastRoundStatus::Succeed } else { LastRoundStatus::Unknown };
        RoundSummary { number, verdict, ..RoundSummary::of(&head) }
    };
    let rounds: Vec<_> = (1..=300).map(round).collect();
    let Standing { rounds_expected, rounds_done, rounds_failed, finished } = Standing::past(&rounds, &head);
    assert_eq!((rounds_expected, rounds_done, finished), (-1, 300, true), "its spec does not say how many");
    assert_eq!((rounds_failed.len(), rounds_failed[0], rounds_failed[99]), (100, 101, 299));
    let three = RoundHead { spec: json!({"schedule": {"roundNumber": 3}}), ..head };
    assert_eq!(Standing::past(&[], &three).rounds_expected, 3);
}

#[test]
fn a_verdict_is_told_as_it_was_and_not_judged_anew() {
    let report = merge(mesh(&["a"]));
    let head = RoundHead::of(&report, &Verdict::Unknown("the disk was full".to_owned()));
    let document = report_object(&head, &standing(), &Selection::whole(&head));
    assert_eq!(document.spec.verdict, "unknown");
    assert_eq!(document.spec.failure_reasons[0].message, "the disk was full");
    assert_eq!(RoundSummary::of(&head).verdict, LastRoundStatus::Unknown);
}

#[test]
fn what_was_expected_is_read_from_the_spec_and_is_the_defaults_where_that_cannot_be() {
    let expected =
        |spec| RoundHead::of(&RoundReport { spec, ..merge(mesh(&["a"])) }, &Verdict::Succeeded).expect;
    let asked =
        expected(json!({ "expect": { "meanAccessDelayInMs": 20, "successRate": 0.5, "statusCode": 204 } }));
    assert_eq!((asked.success_rate, asked.mean_access_delay_ms, asked.status_code), (0.5, 20, Some(204)));
    for spec in [json!({}), json!(7), json!({ "expect": { "successRate": 7 } })] {
        let defaults = expected(spec.clone());
        let found = (defaults.success_rate, defaults.mean_access_delay_ms, defaults.status_code);
        assert_eq!(found, (1.0, 5_000, None), "{spec}");
    }
}

/// A round as its summary tells it.
fn check(round: ClosedRound, line: &str) {
    let summary = RoundSummary::of(&head(&merge(round)));
    let RoundSummary { number, verdict, agents, failed_nodes, missing, late, worst_p99_us, .. } = &summary;
    let worst = worst_p99_us.map_or("nothing".to_owned(), |us| format!("{us} us"));
    let found = format!(
        "round {number}: {verdict:?}, {agents} agents, {failed_nodes} failed nodes, {missing} missing, {late} late, worst {worst}"
    );
    assert_eq!(found, line);
    let text = serde_json::to_string(&summary).unwrap();
    assert!(text.len() <= 200, "{} bytes: {text}", text.len());
    assert_eq!(serde_json::from_str::<RoundSummary>(&text).unwrap(), summary);
}

#[test]
fn summaries() {
    check(mesh(&["a", "b"]), "round 1: Succeed, 2 agents, 0 failed nodes, 0 missing, 0 late, worst 23179 us");
    check(
        mesh(&["a", "b", "c", "d"])
            .silent("a")
            .late("b")
            .seen("c", "d", |seen| seen.become_(1, Slot::Failed(Failure::Refused)))
            .seen("b", "d", |seen| seen.latency_us = 90_000)
            .seen("d", "a", |seen| seen.latency_us = 40_000),
        "round 1: Fail, 4 agents, 3 failed nodes, 1 missing, 1 late, worst 40099 us",
    );
    check(
        ClosedRound { interrupted: true, ..mesh(&["a", "b"]).silent("a") },
        "round 1: Unknown, 2 agents, 1 failed nodes, 1 missing, 0 late, worst 23179 us",
    );
    check(
        mesh(&["a"]).silent("a"),
        "round 1: Fail, 1 agents, 1 failed nodes, 1 missing, 0 late, worst nothing",
    );
    // Not the network's: the agent was too tired to tell.
    check(
        mesh(&["a"]).seen("a", "a", |seen| (seen.lateness_us, seen.latency_us) = (200_000, 700_000)),
        "round 1: Succeed, 1 agents, 0 failed nodes, 0 missing, 0 late, worst nothing",
    );
}

#[test]
fn a_node_with_two_failed_agents_is_one_failed_node_and_two_pods_on_no_node_are_two() {
    let mut round = mesh(&["a", "b", "c", "d"]).silent("a").silent("b").silent("c").silent("d");
    let nodes = ["n", "n", "", ""];
    for (assignment, node) in round.assignments.iter_mut().zip(nodes) {
        assignment.agent = AgentId { node: node.to_owned(), pod: assignment.agent.pod.clone() };
    }
    check(round, "round 1: Fail, 4 agents, 3 failed nodes, 4 missing, 0 late, worst nothing");
}
