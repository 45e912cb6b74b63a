//! A report for people: a line per agent and target, what was not probed, and the verdict with its reasons.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};
use netreach_report::{AgentRound, Detail, KdoctorReport, Latencies, NamedGap, Number};

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
    let mut lines = Table::new();
    lines.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    lines.set_header(if wide { WIDE.to_vec() } else { NARROW.to_vec() });
    let spec = &report.spec;
    for agent in &spec.report {
        for detail in &agent.net_reach_task.detail {
            lines.add_row(if wide { wide_row(agent, detail) } else { narrow_row(agent, detail) });
        }
    }
    let numbers = if wide { 4..17 } else { 2..8 };
    for column in numbers {
        if let Some(column) = lines.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // Cells are padded on both sides: the first column should begin at the margin.
    if let Some(column) = lines.column_mut(0) {
        column.set_padding((0, 1)).set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(5)));
    }
    let mut text = lines.trim_fmt();
    text.push('\n');
    text.push_str(&notes(report));
    text
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
    let p99 = |spread: Option<Latencies>| spread.and_then(|spread| spread.p99_in_ms);
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
    let mut causes: Vec<(&str, u64)> =
        detail.metrics.errors.iter().map(|(key, count)| (key.as_str(), *count)).collect();
    if detail.unsent_counts > 0 {
        causes.push(("unsent", detail.unsent_counts));
    }
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let causes: Vec<String> = causes.iter().map(|(key, count)| format!("{key}: {count}")).collect();
    let word = if detail.succeed { "succeed" } else { "fail" };
    if causes.is_empty() { word.to_owned() } else { format!("{word} ({})", causes.join(", ")) }
}

fn share(rate: Number) -> String {
    // Rounded down: 99.996 % is not 100 %.
    format!("{:.2}%", (rate.0 * 10_000.0).floor() / 100.0)
}

fn millis(figure: Option<Number>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{:.3}", figure.0))
}

/// A line per family, class and reason, in their order, with the IP versions that share them.
fn not_probed(gaps: &[NamedGap]) -> Vec<String> {
    let mut said: Vec<(&NamedGap, Vec<&str>)> = Vec::new();
    for gap in gaps {
        let alike = |one: &NamedGap| {
            (one.family, one.class, one.reason.as_str()) == (gap.family, gap.class, gap.reason.as_str())
        };
        match said.iter_mut().find(|(one, _)| alike(one)) {
            Some((_, over)) => over.push(&gap.ip_family),
            None => said.push((gap, vec![&gap.ip_family])),
        }
    }
    let line = |(gap, over): (&NamedGap, Vec<&str>)| {
        format!("Not probed: {} over {} ({}): {}", gap.family, over.join(" and "), gap.class, gap.reason)
    };
    said.into_iter().map(line).collect()
}

fn notes(report: &KdoctorReport) -> String {
    let spec = &report.spec;
    let mut text = String::new();
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    say(String::new());
    not_probed(&spec.gaps).into_iter().for_each(&mut say);
    if let Some(sampling) = &spec.sampling {
        say(format!("Sampled: {sampling}"));
    }
    if let Some(power) = spec.detection_power.filter(|_| spec.verdict == "succeed") {
        let (loss, confidence) = (power.loss.0 * 100.0, power.confidence.0 * 100.0);
        say(format!(
            "Loss of {loss:.2} % or more of the connections to any one target would have shown with {confidence:.0} % certainty \
             ({} fresh connections each).",
            power.fresh_connections
        ));
    }
    let (number, of) = (spec.report_round_number, spec.round_number);
    let of = if of < 0 { "for ever".to_owned() } else { format!("of {of}") };
    let interrupted = if spec.interrupted { ", interrupted: the report is partial" } else { "" };
    say(format!(
        "Round {number} {of} of NetReach {}: {}{interrupted}",
        spec.task_name,
        spec.verdict.to_uppercase()
    ));
    for reason in spec.failure_reasons.iter().take(REASONS_MAX) {
        say(format!("  {}: {}", reason.code, reason.message));
    }
    let more = spec.failure_reasons.len().saturating_sub(REASONS_MAX);
    if more > 0 {
        say(format!("  and {more} more: -o yaml lists them all"));
    }
    text
}
