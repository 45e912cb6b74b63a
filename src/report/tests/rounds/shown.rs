//! What is shown of a round: nothing that failed is ever left out, and small rounds are whole.

use netreach_report::limits::{PASSING_ENTRIES_MAX, REASONS_MAX};
use netreach_report::{
    AgentLine, AgentReport, AgentRound, Filter, RoundHead, RoundReport, Selection, TargetReport, judge,
    merge, report_object,
};
use netreach_wire::{AgentId, TargetFamily};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use crate::fixture::{expect, mesh};
use crate::properties::standing;

/// So many agents with so many targets each, in which all is well.
fn wide(agents: usize, targets: usize) -> RoundReport {
    let report = merge(mesh(&["a"]));
    let [agent] = report.agents.as_slice() else { panic!("a mesh of one") };
    let [target] = agent.targets.as_slice() else { panic!("a mesh of one") };
    let target = |nth| TargetReport { name: format!("target-{nth}"), ..target.clone() };
    let targets: Vec<_> = (0..targets).map(target).collect();
    let id = |at| AgentId { node: format!("n-{at:04}"), pod: format!("agent-{at:04}") };
    let agents =
        (0..agents).map(|at| AgentReport { agent: id(at), targets: targets.clone(), ..agent.clone() });
    RoundReport { agents: agents.collect(), ..report }
}

/// A target that answered nothing but 503.
fn fails(target: &mut TargetReport) {
    target.statuses = [(503, 100)].into();
}

fn head(report: &RoundReport) -> RoundHead {
    RoundHead::of(report, &judge(report, &expect()))
}

fn entries(report: &RoundReport, head: &RoundHead, selection: &Selection) -> Vec<AgentRound> {
    let lines = report.agents.iter().enumerate();
    let read = lines.filter(|(line, _)| selection.takes(*line));
    read.filter_map(|(line, agent)| selection.agent_round(head, line, agent)).collect()
}

/// What a round's object shows and leaves out.
fn check(report: &RoundReport, line: &str) -> Vec<AgentRound> {
    let head = head(report);
    let selection = Selection::shortened(&head);
    let entries = entries(report, &head, &selection);
    let details = entries.iter().flat_map(|entry| &entry.net_reach_task.detail);
    let (passing, failing): (Vec<_>, Vec<_>) = details.partition(|detail| detail.succeed);
    let left_out =
        report_object(&head, &standing(), &selection).status.map_or("nothing".to_owned(), |status| {
            let truncated = status.truncated;
            assert_eq!(truncated.command, "netreach report task --round 1 --node <NODE>");
            format!(
                "{} agents, {} targets, {} reasons",
                truncated.agents, truncated.details, truncated.reasons
            )
        });
    let found = format!(
        "{} agents, {} passing, {} failing; left out: {left_out}",
        entries.len(),
        passing.len(),
        failing.len()
    );
    assert_eq!(found, line);
    entries
}

#[test]
fn small_rounds_are_whole() {
    check(&wide(0, 0), "0 agents, 0 passing, 0 failing; left out: nothing");
    check(&wide(3, 20), "3 agents, 60 passing, 0 failing; left out: nothing");
    check(&wide(32, 24), "32 agents, 768 passing, 0 failing; left out: nothing");
    check(&wide(800, 0), "800 agents, 0 passing, 0 failing; left out: nothing");
    check(&wide(801, 0), "800 agents, 0 passing, 0 failing; left out: 1 agents, 0 targets, 0 reasons");
}

#[test]
fn of_a_large_round_agents_all_over_it_are_shown() {
    let entries = check(
        &wide(1_000, 20),
        "39 agents, 761 passing, 0 failing; left out: 961 agents, 19239 targets, 0 reasons",
    );
    let partial: Vec<_> = entries.iter().filter(|entry| entry.net_reach_task.detail.len() < 20).collect();
    assert_eq!(partial.len(), 1, "all but one are whole");
    let number = |entry: &AgentRound| entry.node_name[2..].parse::<usize>().unwrap();
    let shown: Vec<_> = entries.iter().map(number).collect();
    assert!(shown[0] < 50 && shown[shown.len() - 1] > 950, "{shown:?}");
    assert!(shown.windows(2).all(|pair| pair[1] - pair[0] < 50), "{shown:?}");
}

#[test]
fn of_a_large_agent_targets_all_over_it_are_shown_and_all_that_failed() {
    let mut report = wide(1, 2_000);
    report.agents[0].targets[..100].iter_mut().for_each(fails);
    let entries =
        check(&report, "1 agents, 800 passing, 100 failing; left out: 0 agents, 1100 targets, 0 reasons");
    let task = &entries[0].net_reach_task;
    assert_eq!((task.target_number, task.succeed), (2_000, false));
    let number = |name: &str| name["target-".len()..].parse::<usize>().unwrap();
    let shown: Vec<_> = task.detail.iter().map(|detail| number(&detail.target_name)).collect();
    assert!(shown.windows(2).all(|pair| (1..=3).contains(&(pair[1] - pair[0]))), "{shown:?}");
}

#[test]
fn whoever_failed_was_late_or_starved_is_shown() {
    let mut report = wide(2_000, 5);
    fails(&mut report.agents[3].targets[2]);
    report.agents[500].late = true;
    report.agents[1_500].lateness.as_mut().unwrap().p99_us = 2_000_000;
    let entries =
        check(&report, "137 agents, 666 passing, 1 failing; left out: 1863 agents, 9333 targets, 0 reasons");
    for (node, failing) in [("n-0003", 1), ("n-0500", 0), ("n-1500", 0)] {
        let entry = entries.iter().find(|entry| entry.node_name == node).unwrap();
        let failed = entry.net_reach_task.detail.iter().filter(|detail| !detail.succeed);
        assert_eq!(failed.count(), failing, "{node}");
        assert_eq!(entry.net_reach_task.target_number, 5);
    }
}

#[test]
fn everything_that_failed_is_shown_and_a_bounded_number_of_reasons() {
    let mut report = wide(1_200, 3);
    report.agents.iter_mut().for_each(|agent| agent.targets.iter_mut().for_each(fails));
    check(&report, "1200 agents, 0 passing, 3600 failing; left out: 0 agents, 0 targets, 2600 reasons");
    let head = head(&report);
    let document = report_object(&head, &standing(), &Selection::shortened(&head));
    assert_eq!(document.spec.failure_reasons.len(), REASONS_MAX);
    let why = head.why.unwrap();
    assert!(why.starts_with("SuccessRate: ") && why.ends_with("; and 3599 more"), "{why}");
}

/// What a filter lets through: `node: target target, …`.
fn check_filter(filter: Filter, shown: &str) {
    let mut report = wide(3, 2);
    for agent in &mut report.agents {
        agent.targets[1].family = TargetFamily::NodePort;
    }
    fails(&mut report.agents[1].targets[1]);
    fails(&mut report.agents[2].targets[0]);
    let head = head(&report);
    let selection = Selection::filtered(&head, &filter);
    let entries = entries(&report, &head, &selection);
    let words = entries.iter().map(|entry| {
        let targets = entry.net_reach_task.detail.iter().map(|detail| detail.target_name.as_str());
        format!("{}: {}", entry.node_name, targets.collect::<Vec<_>>().join(" "))
    });
    assert_eq!(words.collect::<Vec<_>>().join(", "), shown, "{filter:?}");
    let document = report_object(&head, &standing(), &selection);
    assert_eq!(document.status, None, "what a filter leaves out was asked for");
    let reasons = if filter.node.is_some() { 1 } else { 2 };
    assert_eq!(document.spec.failure_reasons.len(), reasons, "{filter:?}");
}

#[test]
fn filters() {
    let node = |name: &str| Some(name.to_owned());
    let family = Some(TargetFamily::NodePort);
    check_filter(
        Filter::default(),
        "n-0000: target-0 target-1, n-0001: target-0 target-1, n-0002: target-0 target-1",
    );
    check_filter(Filter { node: node("n-0001"), ..Filter::default() }, "n-0001: target-0 target-1");
    check_filter(
        Filter { family, ..Filter::default() },
        "n-0000: target-1, n-0001: target-1, n-0002: target-1",
    );
    check_filter(Filter { failed: true, ..Filter::default() }, "n-0001: target-1, n-0002: target-0");
    check_filter(Filter { family, failed: true, node: None }, "n-0001: target-1");
    check_filter(Filter { family, failed: true, node: node("n-0002") }, "");
    check_filter(Filter { family: Some(TargetFamily::Ingress), node: node("n-0001"), failed: false }, "");
}

fn line() -> impl Strategy<Value = AgentLine> {
    let counts =
        (0..60_u32).prop_flat_map(|targets| (Just(targets), prop_oneof![4 => Just(0), 1 => 0..=targets]));
    (counts, prop::bool::weighted(0.1), prop::bool::weighted(0.1)).prop_map(
        |((targets, failed_targets), late, starved)| {
            let agent = AgentId { node: "n".to_owned(), pod: "p".to_owned() };
            AgentLine { agent, late, starved, targets, failed_targets, worst_p99_us: None }
        },
    )
}

proptest! {
    #![proptest_config(Config {
        cases: 32,
        rng_seed: RngSeed::Fixed(6),
        failure_persistence: None,
        ..Config::default()
    })]

    /// Decided from lines alone, and kept to when the agents are there.
    #[test]
    fn what_is_shown_and_what_is_left_out_is_all(lines in prop::collection::vec(line(), 0..120)) {
        let mut report = wide(lines.len(), 0);
        let target = wide(1, 1).agents.remove(0).targets.remove(0);
        for (agent, line) in report.agents.iter_mut().zip(&lines) {
            agent.late = line.late;
            agent.targets = vec![target.clone(); line.targets as usize];
            agent.targets.iter_mut().take(line.failed_targets as usize).for_each(fails);
            if line.starved {
                agent.lateness.as_mut().unwrap().p99_us = 2_000_000;
            }
        }
        let head = head(&report);
        let selection = Selection::shortened(&head);
        let entries = entries(&report, &head, &selection);
        let details = || entries.iter().flat_map(|entry| &entry.net_reach_task.detail);
        let (agents_left_out, details_left_out) = selection.status(&head)
            .map_or((0, 0), |status| (status.truncated.agents, status.truncated.details));
        let (targets, failed) = lines.iter().fold((0, 0), |(all, failed), line| {
            (all + u64::from(line.targets), failed + line.failed_targets as usize)
        });
        prop_assert_eq!(entries.len() as u64 + agents_left_out, lines.len() as u64);
        prop_assert_eq!(details().count() as u64 + details_left_out, targets);
        prop_assert_eq!(details().filter(|detail| !detail.succeed).count(), failed);
        let unremarkable = entries.iter().filter(|entry| entry.net_reach_task.succeed && !entry.starved);
        let passing = unremarkable.count() + details().filter(|detail| detail.succeed).count();
        prop_assert!(passing <= PASSING_ENTRIES_MAX, "{passing} entries of what went well");
        prop_assert!(agents_left_out + details_left_out == 0 || passing >= PASSING_ENTRIES_MAX - 1);
    }
}
