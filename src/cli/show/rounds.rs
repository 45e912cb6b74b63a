//! Rounds that a cluster keeps, a line each.

use std::time::Duration;

use jiff::Timestamp;
use netreach_report::{Number, go_duration};
use serde::Deserialize;

use super::figures::{laid_out, millis};

const NARROW: [&str; 8] =
    ["ROUND", "VERDICT", "START", "DURATION", "AGENTS", "FAILED", "MISSING", "WORST-P99(ms)"];
const WIDE: [&str; 11] = [
    "ROUND",
    "VERDICT",
    "START",
    "END",
    "DURATION",
    "AGENTS",
    "FAILED",
    "MISSING",
    "LATE",
    "WORST-P99(ms)",
    "UID",
];

/// A round as the list of rounds tells it. What it does not tell is shown as `-`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RoundLine {
    round_number: u64,
    verdict: String,
    start_time_stamp: Option<String>,
    end_time_stamp: Option<String>,
    agent_number: Option<u64>,
    failed_node_number: Option<u64>,
    missing_agent_number: Option<u64>,
    late_agent_number: Option<u64>,
    #[serde(rename = "WorstP99InMs")]
    worst_p99_in_ms: Option<Number>,
    uid: Option<String>,
}

/// A table of them, in their order: all or those that did not succeed; `wide` with everything that is told of each.
pub(crate) fn rounds(task: &str, lines: &[RoundLine], failed: bool, wide: bool) -> String {
    if lines.is_empty() {
        let which = if failed { "No round that did not succeed is kept" } else { "No round is kept" };
        return format!("{which} of NetReach {task}.\n");
    }
    let rows = lines.iter().map(|line| if wide { wide_row(line) } else { narrow_row(line) });
    let table = if wide { laid_out(&WIDE, rows, 4..10, 0) } else { laid_out(&NARROW, rows, 3..8, 0) };
    format!("{}\n", table.trim_fmt())
}

fn narrow_row(line: &RoundLine) -> Vec<String> {
    vec![
        line.round_number.to_string(),
        line.verdict.clone(),
        text(line.start_time_stamp.as_ref()),
        lasted(line),
        text(line.agent_number),
        text(line.failed_node_number),
        text(line.missing_agent_number),
        millis(line.worst_p99_in_ms),
    ]
}

fn wide_row(line: &RoundLine) -> Vec<String> {
    let mut row = narrow_row(line);
    row.insert(3, text(line.end_time_stamp.as_ref()));
    row.insert(8, text(line.late_agent_number));
    row.push(text(line.uid.as_ref()));
    row
}

fn text(told: Option<impl ToString>) -> String {
    told.map_or_else(|| "-".to_owned(), |told| told.to_string())
}

fn lasted(line: &RoundLine) -> String {
    let ends = line.start_time_stamp.as_deref().zip(line.end_time_stamp.as_deref());
    text(ends.and_then(|(start, end)| between(start, end)))
}

/// From one instant to another as Go prints durations; none where they are not two instants in their order.
pub(super) fn between(start: &str, end: &str) -> Option<String> {
    let [start, end]: [Timestamp; 2] = [start.parse().ok()?, end.parse().ok()?];
    Some(go_duration(Duration::try_from(end.duration_since(start)).ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines() -> Vec<RoundLine> {
        let told = json!([
            {
                "RoundNumber": 12, "Verdict": "fail", "StartTimeStamp": "2023-08-01T08:36:56Z",
                "EndTimeStamp": "2023-08-01T08:38:07Z", "AgentNumber": 3, "FailedNodeNumber": 1,
                "MissingAgentNumber": 0, "LateAgentNumber": 2, "WorstP99InMs": 1.25, "Uid": "0c5e", "New": {},
            },
            {
                "RoundNumber": 9, "Verdict": "unknown", "StartTimeStamp": "2023-08-01T08:35:56Z",
                "EndTimeStamp": null, "AgentNumber": 1000, "FailedNodeNumber": 0, "MissingAgentNumber": 1000,
                "WorstP99InMs": null,
            },
        ]);
        serde_json::from_value(told).unwrap()
    }

    #[test]
    fn each_round_is_a_line_of_the_table() {
        let expected = "\
ROUND  VERDICT  START                 DURATION  AGENTS  FAILED  MISSING  WORST-P99(ms)
12     fail     2023-08-01T08:36:56Z     1m11s       3       1        0          1.250
9      unknown  2023-08-01T08:35:56Z         -    1000       0     1000              -
";
        assert_eq!(rounds("task", &lines(), false, false), expected);
    }

    #[test]
    fn the_wide_table_has_all_that_is_told() {
        let wide = rounds("task", &lines(), false, true);
        let words = |line: usize| wide.lines().nth(line).unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(words(0), WIDE);
        let [start, end] = ["2023-08-01T08:36:56Z", "2023-08-01T08:38:07Z"];
        assert_eq!(words(1), ["12", "fail", start, end, "1m11s", "3", "1", "0", "2", "1.250", "0c5e"]);
    }

    #[test]
    fn without_rounds_there_is_a_sentence() {
        assert_eq!(rounds("task", &[], false, false), "No round is kept of NetReach task.\n");
        let failed = "No round that did not succeed is kept of NetReach task.\n";
        assert_eq!(rounds("task", &[], true, true), failed);
    }

    #[test]
    fn what_ends_before_it_begins_has_no_duration() {
        assert_eq!(between("2023-08-01T08:36:56Z", "2023-08-01T08:36:55Z"), None);
        assert_eq!(between("2023-08-01T08:36:56Z", "soon"), None);
    }
}
