//! A report for people: a line per agent and target, what was not probed, and the verdict with its reasons.

use netreach_report::{AgentRound, Detail, KdoctorReport, Latencies};

use super::figures::{causes, laid_out, millis, p99, share, stacked, word};
use super::notes::{headline, not_probed, power, reason, sampled};

/// Reasons shown before the rest is counted; all of them are in the document.
const REASONS_MAX: usize = 20;

const NARROW: [&str; 9] =
    ["AGENT", "TARGET", "REQUESTS", "SUCCESS", "MEAN(ms)", "P50", "P99", "MAX", "RESULT"];
const WIDE: [&str; 18] = [
    "AGENT",
    "NODE",
    "TARGET",
    "URL",
    "REQUESTS",
    "UNSENT",
    "SUCCESS",
    "MEAN(ms)",
    "MIN",
    "P50",
    "P90",
    "P95",
    "P99",
    "MAX",
    "CONNECT-P99",
    "LATE-P99",
    "RETRANS",
    "RESULT",
];

/// The report of one round; `wide` with every figure.
pub(super) fn table(report: &KdoctorReport, wide: bool) -> String {
    let row = if wide { wide_row } else { narrow_row };
    let agents = report.spec.report.iter();
    let rows =
        agents.flat_map(|agent| agent.net_reach_task.detail.iter().map(move |detail| row(agent, detail)));
    let lines = if wide { laid_out(&WIDE, rows, 4..17, 0) } else { laid_out(&NARROW, rows, 2..8, 0) };
    format!("{}\n{}", lines.trim_fmt(), notes(report))
}

fn narrow_row(agent: &AgentRound, detail: &Detail) -> Vec<String> {
    let metrics = &detail.metrics;
    let Latencies { mean_in_ms, p50_in_ms, p99_in_ms, max_in_ms, .. } = metrics.latencies;
    let mut row = vec![
        agent.pod_name.clone(),
        detail.target_name.clone(),
        metrics.request_counts.to_string(),
        share(detail.succeed_rate),
    ];
    row.extend([mean_in_ms, p50_in_ms, p99_in_ms, max_in_ms].map(millis));
    row.push(result(detail));
    row
}

fn wide_row(agent: &AgentRound, detail: &Detail) -> Vec<String> {
    let metrics = &detail.metrics;
    let Latencies { max_in_ms, mean_in_ms, min_in_ms, p50_in_ms, p90_in_ms, p95_in_ms, p99_in_ms } =
        metrics.latencies;
    let mut row = vec![
        agent.pod_name.clone(),
        agent.node_name.clone(),
        detail.target_name.clone(),
        detail.target_url.clone(),
        metrics.request_counts.to_string(),
        detail.unsent_counts.to_string(),
        share(detail.succeed_rate),
    ];
    let figures = [
        mean_in_ms,
        min_in_ms,
        p50_in_ms,
        p90_in_ms,
        p95_in_ms,
        p99_in_ms,
        max_in_ms,
        p99(detail.phases.connect),
        p99(detail.lateness),
    ];
    row.extend(figures.map(millis));
    row.extend([detail.retransmits.to_string(), result(detail)]);
    row
}

fn result(detail: &Detail) -> String {
    match (word(detail.succeed), causes(detail)) {
        (word, causes) if causes.is_empty() => word.to_owned(),
        (word, causes) => format!("{word} ({causes})"),
    }
}

fn notes(report: &KdoctorReport) -> String {
    let spec = &report.spec;
    let mut lines = vec![String::new()];
    lines.extend(not_probed(&spec.gaps));
    lines.extend(sampled(spec));
    lines.extend(power(spec));
    lines.push(headline(spec));
    lines.extend(spec.failure_reasons.iter().take(REASONS_MAX).map(reason));
    let more = spec.failure_reasons.len().saturating_sub(REASONS_MAX);
    if more > 0 {
        lines.push(format!("  and {more} more: -o yaml lists them all"));
    }
    stacked(&lines)
}
