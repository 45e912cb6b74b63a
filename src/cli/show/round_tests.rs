//! The golden document as people see it.

use netreach_report::{KdoctorReport, ReportStatus, Truncated};
use netreach_wire::TargetFamily;
use serde_json::Value;

use super::table::table;
use super::{Asked, round};

fn golden() -> Value {
    serde_json::from_str(include_str!("../../report/tests/data/report.json")).unwrap()
}

fn document(change: impl FnOnce(&mut Value)) -> KdoctorReport {
    let mut document = golden();
    change(&mut document);
    serde_json::from_value(document).unwrap()
}

fn whole() -> KdoctorReport {
    document(|_| {})
}

#[track_caller]
fn check(document: &KdoctorReport, asked: Asked<'_>, expected: &str) {
    let said = round(document, &asked);
    assert_eq!(said, expected, "\n{said}");
}

/// What stands behind the empty line: the targets.
fn targets(document: &KdoctorReport, asked: Asked<'_>) -> String {
    round(document, &asked).split_once("\n\n").expect("an empty line is in front of targets").1.to_owned()
}

#[test]
fn the_golden_round_is_told_from_its_verdict_to_its_targets() {
    let expected = "\
Round 1 of 3 of NetReach task: FAIL
  from 2023-08-01T08:36:56Z to 2023-08-01T08:37:07Z (11s); 2 agents reported, 1 late, 1 missing
  AgentsMissing: agent-b on n-b left no result: nothing came by the deadline
  SuccessRate: agent-a on n-a: 96 of 99 probes to AgentPodV4IP_agent-b_127.0.0.1 succeeded (expected rate: at least 1; \
status-503: 1; timeout-connect: 2)
  AgentsMissing: agent-c on n-c submitted after the deadline: its figures are kept and are no success
Missing (nothing came by the deadline): agent-b on n-b
Late: agent-c on n-c
Not probed: nodePort over IPv4 (not-here): a node port needs a cluster
Sampled: 3 of 3 peers

  TARGET                          RESULT   SENT   OK  P50(ms)     P99     MAX  ERRORS
n-a (agent-a): fail, short of CPU itself
  AgentPodV4IP_agent-a_127.0.0.1  succeed   100  100   23.135  23.179  23.179
  AgentPodV4IP_agent-b_127.0.0.1  fail       99   96   23.135  23.179  23.179  timeout-connect: 2, status-503: 1, unsent: 1
  AgentPodV4IP_agent-c_127.0.0.1  succeed   100  100   23.135  23.179  23.179
n-c (agent-c): fail, late
  AgentPodV4IP_agent-a_127.0.0.1  succeed   100  100   23.135  23.179  23.179
  AgentPodV4IP_agent-b_127.0.0.1  succeed   100  100   23.135  23.179  23.179
  AgentPodV4IP_agent-c_127.0.0.1  succeed   100  100   23.135  23.179  23.179
";
    check(&whole(), Asked::default(), expected);
}

#[test]
fn of_what_has_failed_nothing_else_is_shown() {
    let expected = "\
Only targets that have failed:
  TARGET                          RESULT  SENT  OK  P50(ms)     P99     MAX  ERRORS
n-a (agent-a): fail, short of CPU itself, 1 of 3 targets shown
  AgentPodV4IP_agent-b_127.0.0.1  fail      99  96   23.135  23.179  23.179  timeout-connect: 2, status-503: 1, unsent: 1
n-c (agent-c): fail, late, 0 of 3 targets shown
";
    let failed = Asked { failed: true, ..Asked::default() };
    assert_eq!(targets(&whole(), failed), expected);
    let good = document(|document| {
        for agent in document["spec"]["Report"].as_array_mut().unwrap() {
            agent["RoundResult"] = "succeed".into();
            for detail in agent["NetReachTask"]["Detail"].as_array_mut().unwrap() {
                detail["Succeed"] = true.into();
            }
        }
    });
    assert_eq!(targets(&good, failed), "Only targets that have failed:\nNo target has failed.\n");
}

#[test]
fn a_part_says_that_it_is_one_and_counts_no_agents() {
    let part = document(|document| document["spec"]["Report"] = Value::Array(Vec::new()));
    let family = Some(TargetFamily::NodePort);
    let asked = Asked { node: Some("n-x"), family, ..Asked::default() };
    let said = round(&part, &asked);
    assert!(said.contains("\n  closed 2023-08-01T08:37:08Z; 1 late, 1 missing\n"), "{said}");
    let expected = "\nOnly targets of family nodePort as seen from node n-x:\nNo agent reports on it.\n";
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn what_is_left_out_is_counted_and_the_way_to_it_told() {
    let command = "netreach report task --round 1 --node NODE".to_owned();
    let with = |agents, reasons| {
        let truncated = Truncated { agents, details: 4_000, reasons, command: command.clone() };
        round(&KdoctorReport { status: Some(ReportStatus { truncated }), ..whole() }, &Asked::default())
    };
    let said = with(98, 12);
    assert!(said.contains("; 100 agents reported, 1 late"), "{said}");
    assert!(said.contains("no success\n  and 12 more reasons, each at its target\nMissing"), "{said}");
    let expected = "\nLeft out: 4000 targets and 98 agents, none of which has failed; of one node, all are shown by: \
                    netreach report task --round 1 --node NODE\n";
    assert!(said.ends_with(expected), "{said}");
    let said = with(0, 0);
    assert!(said.contains("; 2 agents reported, 1 late") && !said.contains("more reasons"), "{said}");
    assert!(said.contains("\nLeft out: 4000 targets, none of which has failed; "), "{said}");
}

#[test]
fn the_wide_table_has_every_figure() {
    let wide = targets(&whole(), Asked { wide: true, ..Asked::default() });
    let words = |line: usize| wide.lines().nth(line).unwrap().split_whitespace().collect::<Vec<_>>();
    let header = words(0);
    assert_eq!((header.len(), header[8], header[17]), (18, "MIN", "ERRORS"));
    let row = words(3);
    let expected = [
        "AgentPodV4IP_agent-b_127.0.0.1",
        "http://127.0.0.2:80",
        "fail",
        "99",
        "96",
        "1",
        "96.96%",
        "23.131",
        "23.082",
        "23.135",
        "23.179",
        "23.179",
        "23.179",
        "23.179",
        "5.794",
        "0.120",
        "0",
    ];
    assert_eq!(row[..17], expected);
    assert_eq!(row[17..].join(" "), "timeout-connect: 2, status-503: 1, unsent: 1");
}

#[test]
fn agents_stand_in_the_order_of_their_nodes_and_no_text_breaks_a_row() {
    let odd = document(|document| {
        let agents = document["spec"]["Report"].as_array_mut().unwrap();
        agents.reverse();
        agents[0]["NodeName"] = "".into();
        agents[1]["NetReachTask"]["Detail"][0]["TargetName"] = "one\ntwo\u{1b}[31m".into();
        document["spec"]["AgentsMissing"][0]["NodeName"] = "".into();
    });
    let said = round(&odd, &Asked::default());
    assert!(said.contains("\nMissing (nothing came by the deadline): agent-b on no node\n"), "{said}");
    let lines: Vec<&str> = said.split_once("\n\n").unwrap().1.lines().collect();
    assert!(lines[1].starts_with("no node (agent-c): "), "{said}");
    assert!(lines[5].starts_with("n-a (agent-a): "), "{said}");
    assert!(lines[6].starts_with("  one two [31m "), "{said}");
    assert_eq!(lines.len(), 9, "{said}");
}

#[test]
fn no_text_of_a_document_says_anything_to_a_terminal() {
    /// Every text of it has a line end and an escape sequence in it.
    fn spoil(value: &mut Value) {
        match value {
            Value::String(text) if text.contains("agent-") || text.contains("n-") || text.contains(' ') => {
                text.push_str("\r\n\u{1b}]0;x\u{7}\u{9b}2J");
            }
            Value::Array(items) => items.iter_mut().for_each(spoil),
            Value::Object(fields) => fields.values_mut().for_each(spoil),
            _ => {}
        }
    }
    let odd = document(|document| {
        spoil(&mut document["spec"]);
        document["spec"]["TaskName"] = "ta\u{1b}sk".into();
    });
    for (said, clean) in [
        (round(&odd, &Asked::default()), round(&whole(), &Asked::default())),
        (round(&odd, &Asked { wide: true, ..Asked::default() }), round(&whole(), &Asked::default())),
        (table(&odd, false), table(&whole(), false)),
        (table(&odd, true), table(&whole(), true)),
    ] {
        assert!(said.contains(" ]0;x ") && said.contains("NetReach ta sk:"), "{said}");
        assert!(said.lines().all(|line| !line.contains(char::is_control)), "{said:?}");
        assert_eq!(said.lines().count(), clean.lines().count(), "{said}");
    }
}
