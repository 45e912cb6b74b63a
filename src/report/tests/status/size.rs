//! A status of the largest cluster there is.

use std::time::Instant;

use netreach_api::{NetReachStatus, ResourceStatus, RuntimeStatus};
use netreach_report::limits::STATUS_BYTES_MAX;
use netreach_report::{History, Reason, StatusFacts, Verdict, status};
use netreach_wire::AgentId;

use crate::fixture::{facts, lossy, next, report};

/// An agent on a node with a name of 48 characters.
fn agent(number: usize) -> AgentId {
    AgentId {
        node: format!("ip-10-0-{number:05}.eu-central-1.compute.internal-0123"),
        pod: format!("agent-{number:05}"),
    }
}

/// Rounds of so many agents, of which some failed at 100 targets each and some were silent.
fn history(rounds: u64, agents: usize, failed: usize, silent: usize) -> History {
    let all: Vec<AgentId> = (0..agents).map(agent).collect();
    let (missing, reported) = all.split_at(silent);
    let lossy = reported.iter().take(failed).flat_map(|agent| vec![lossy(agent, 0); 100]);
    let why = "nothing came by the deadline".to_owned();
    let silent = missing.iter().map(|agent| Reason::AgentMissing { agent: agent.clone(), why: why.clone() });
    let verdict = match silent.chain(lossy).collect::<Vec<_>>() {
        reasons if reasons.is_empty() => Verdict::Succeeded,
        reasons => Verdict::Failed(reasons),
    };
    let mut history = History::from_status(None);
    (1..=rounds).for_each(|number| history.close(&report(number, reported, missing), &verdict));
    history
}

fn bytes(status: &NetReachStatus) -> usize {
    serde_json::to_vec(status).unwrap().len()
}

/// Names told of each round: failed, silent, succeeded.
fn told(status: &NetReachStatus) -> Vec<[usize; 3]> {
    let rounds = status.history.iter().flatten();
    rounds
        .map(|round| {
            [
                round.failed_agent_node_list.len(),
                round.not_report_agent_node_list.len(),
                round.succeed_agent_node_list.len(),
            ]
        })
        .collect()
}

#[test]
fn five_thousand_nodes_fit_and_the_newest_failures_are_all_named() {
    assert_eq!(agent(0).node.len(), 48);
    let began = Instant::now();
    let history = history(10, 5_000, 50, 0);
    let (closed, began) = (began.elapsed(), Instant::now());
    let facts = facts(&history, 99);
    let status = status(&facts);
    let took = began.elapsed();
    println!(
        "{} bytes; 10 rounds closed in {closed:?}, status in {took:?}; names: {:?}",
        bytes(&status),
        told(&status)
    );
    assert!(bytes(&status) <= STATUS_BYTES_MAX, "{}", bytes(&status));
    assert_eq!(told(&status)[0], [50, 0, 0]);
    let newest = &status.history.as_ref().unwrap()[0];
    assert_eq!(newest.succeed_agent_node_number, Some(4_950));
    assert!(newest.failure_reason.as_ref().unwrap().ends_with("; and 4999 more"));
    assert_eq!(netreach_report::status(&StatusFacts { before: Some(&status), ..facts }), status);
}

#[test]
fn names_go_in_their_order_and_counts_stay() {
    let status_of =
        |rounds, agents, failed, silent| status(&facts(&history(rounds, agents, failed, silent), 99));
    // Complete while they fit.
    assert_eq!(told(&status_of(2, 100, 3, 4)), [[3, 4, 93], [3, 4, 93]]);
    // Succeeded ones of old rounds first.
    let old = told(&status_of(3, 140, 3, 4));
    assert_eq!(old[0], [3, 4, 133]);
    assert!((1..133).contains(&old[1][2]) && old[2][2] == 0, "{old:?}");
    assert_eq!(old[2][..2], [3, 4]);
    // Then those of the newest, then failed and silent ones of old rounds.
    let all = told(&status_of(10, 400, 40, 8));
    assert_eq!((all[0], all[1]), ([40, 8, 0], [40, 8, 0]), "{all:?}");
    assert_eq!(all[9], [0, 0, 0], "{all:?}");
    // Few that failed are not lost behind many that are silent, and the other way about.
    let many = told(&status_of(1, 5_000, 5, 4_900));
    assert_eq!(many[0][0], 5);
    let many = told(&status_of(1, 5_000, 4_900, 5));
    assert_eq!(many[0][1], 5);
}

#[test]
fn a_status_is_as_full_as_its_bytes_allow() {
    let said = status(&facts(&history(1, 5_000, 0, 0), 99));
    let room = STATUS_BYTES_MAX - bytes(&said);
    assert!(room < 51 + 3, "{room} bytes are left");
}

#[test]
fn what_is_no_name_fits_at_its_longest() {
    let name = || Some("x".repeat(253));
    let resource = ResourceStatus {
        runtime_name: name(),
        runtime_status: Some(RuntimeStatus::Creating),
        runtime_type: name(),
        service_name_v4: name(),
        service_name_v6: name(),
    };
    let agents: Vec<AgentId> = (0..10).map(agent).collect();
    let long = AgentId { node: "\"".repeat(253), pod: "ä".repeat(253) };
    let verdict = Verdict::Failed(vec![lossy(&long, 3); 5_000]);
    let mut history = History::from_status(None);
    (1..=10).for_each(|number| history.close(&report(number, &agents, &[]), &verdict));
    let mut facts = StatusFacts { resource: Some(resource), next: next(11), ..facts(&history, 99) };
    facts.ready.message = "\u{1}".repeat(5_000);
    let status = status(&facts);
    println!("{} bytes; names: {:?}", bytes(&status), told(&status));
    assert!(bytes(&status) <= STATUS_BYTES_MAX, "{}", bytes(&status));
    assert_eq!(status.history.unwrap().len(), 10);
}
