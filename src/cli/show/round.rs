//! A round that a cluster keeps, for people: what it came to and why, then its targets by node.

use netreach_report::{AgentRound, Detail, KdoctorReport, Latencies, NamedAgent, ReportSpec, Truncated};
use netreach_wire::TargetFamily;

use super::figures::{causes, laid_out, millis, p99, share, stacked, word};
use super::notes::{headline, not_probed, power, reason, sampled};
use super::rounds::between;

const NARROW: [&str; 8] = ["TARGET", "RESULT", "SENT", "OK", "P50(ms)", "P99", "MAX", "ERRORS"];
const WIDE: [&str; 18] = [
    "TARGET",
    "URL",
    "RESULT",
    "SENT",
    "OK",
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
    "ERRORS",
];
/// How far targets stand in under their node, characters.
const INDENT: u16 = 2;

/// Which part of a round was asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    /// With every figure.
    pub(crate) wide: bool,
    /// Of this node alone.
    pub(crate) node: Option<&'a str>,
    /// Of this family alone.
    pub(crate) family: Option<TargetFamily>,
    /// What has failed alone.
    pub(crate) failed: bool,
}

/// The round, as text.
pub(crate) fn round(report: &KdoctorReport, asked: &Asked<'_>) -> String {
    let spec = &report.spec;
    let left_out = report.status.as_ref().map(|status| &status.truncated);
    let mut lines = vec![headline(spec), format!("  {}", when_and_who(report, asked, left_out))];
    lines.extend(spec.failure_reasons.iter().map(reason));
    lines.extend(
        left_out
            .filter(|left_out| left_out.reasons > 0)
            .map(|left_out| format!("  and {} more reasons, each at its target", left_out.reasons)),
    );
    lines.extend(missing(&spec.agents_missing));
    lines.extend(late(&spec.agents_late));
    lines.extend(not_probed(&spec.gaps));
    lines.extend(sampled(spec));
    lines.extend(power(spec));
    lines.push(String::new());
    lines.extend(asked.words());
    lines.extend(targets(spec, asked));
    lines.extend(left_out.map(left_out_words));
    stacked(&lines)
}

/// In a line: from when to when, how long, how many agents.
fn when_and_who(report: &KdoctorReport, asked: &Asked<'_>, left_out: Option<&Truncated>) -> String {
    let spec = &report.spec;
    let start = spec.report.iter().map(|agent| agent.start_time_stamp.as_str()).min();
    let end = spec.report.iter().map(|agent| agent.end_time_stamp.as_str()).max();
    let when = match start.zip(end) {
        Some((start, end)) => {
            let lasted = between(start, end).map(|lasted| format!(" ({lasted})")).unwrap_or_default();
            format!("from {start} to {end}{lasted}")
        }
        None => format!("closed {}", report.metadata.creation_timestamp),
    };
    let mut who = Vec::new();
    // Of a part of the round it would be the part's number.
    if asked.is_all() {
        let shown = u64::try_from(spec.report.len()).unwrap_or(u64::MAX);
        let agents = shown.saturating_add(left_out.map_or(0, |left_out| left_out.agents));
        who.push(format!("{} reported", counted(agents, "agent")));
    }
    for (agents, word) in [(&spec.agents_late, "late"), (&spec.agents_missing, "missing")] {
        if !agents.is_empty() {
            who.push(format!("{} {word}", agents.len()));
        }
    }
    if who.is_empty() { when } else { format!("{when}; {}", who.join(", ")) }
}

/// A line per reason, with those who share it.
fn missing(agents: &[NamedAgent]) -> Vec<String> {
    let mut said: Vec<(&str, Vec<String>)> = Vec::new();
    for agent in agents {
        let why = agent.reason.as_deref().unwrap_or("no result");
        let name = named(&agent.node_name, &agent.pod_name);
        match said.iter_mut().find(|(one, _)| *one == why) {
            Some((_, names)) => names.push(name),
            None => said.push((why, vec![name])),
        }
    }
    said.into_iter().map(|(why, names)| format!("Missing ({why}): {}", names.join(", "))).collect()
}

fn late(agents: &[NamedAgent]) -> Option<String> {
    let names: Vec<String> = agents.iter().map(|agent| named(&agent.node_name, &agent.pod_name)).collect();
    (!names.is_empty()).then(|| format!("Late: {}", names.join(", ")))
}

/// An agent of a Deployment may stand on no node, because none took its pod.
fn named(node: &str, pod: &str) -> String {
    if node.is_empty() { format!("{pod} on no node") } else { format!("{pod} on {node}") }
}

/// The table, and in it a line for each agent above its targets; a sentence where there is nothing to list.
fn targets(spec: &ReportSpec, asked: &Asked<'_>) -> Vec<String> {
    let mut agents: Vec<(&AgentRound, Vec<&Detail>)> =
        spec.report.iter().map(|agent| (agent, shown(agent, asked))).collect();
    agents.retain(|(agent, details)| !details.is_empty() || !asked.failed || agent.round_result != "succeed");
    agents.sort_by_key(|(agent, _)| (&agent.node_name, &agent.pod_name));
    if agents.is_empty() {
        return vec![
            if spec.report.is_empty() { "No agent reports on it." } else { "No target has failed." }
                .to_owned(),
        ];
    }
    let rows = agents.iter().flat_map(|(_, details)| details).map(|detail| row(detail, asked.wide));
    let table =
        if asked.wide { laid_out(&WIDE, rows, 3..17, INDENT) } else { laid_out(&NARROW, rows, 2..7, INDENT) };
    let mut rows = table.trim_fmt().lines().map(str::to_owned).collect::<Vec<_>>().into_iter();
    let mut lines = Vec::new();
    if agents.iter().any(|(_, details)| !details.is_empty()) {
        lines.extend(rows.next());
    }
    for (agent, details) in agents {
        lines.push(heading(agent, details.len()));
        lines.extend(rows.by_ref().take(details.len()));
    }
    lines
}

fn shown<'a>(agent: &'a AgentRound, asked: &Asked<'_>) -> Vec<&'a Detail> {
    agent.net_reach_task.detail.iter().filter(|detail| !asked.failed || !detail.succeed).collect()
}

fn heading(agent: &AgentRound, shown: usize) -> String {
    let node = if agent.node_name.is_empty() { "no node" } else { &agent.node_name };
    let mut words = vec![agent.round_result.to_string()];
    if agent.late {
        words.push("late".to_owned());
    }
    if agent.starved {
        words.push("short of CPU itself".to_owned());
    }
    let all = agent.net_reach_task.target_number;
    if shown < all {
        words.push(format!("{shown} of {all} targets shown"));
    }
    format!("{node} ({}): {}", agent.pod_name, words.join(", "))
}

fn row(detail: &Detail, wide: bool) -> Vec<String> {
    let metrics = &detail.metrics;
    let Latencies { max_in_ms, mean_in_ms, min_in_ms, p50_in_ms, p90_in_ms, p95_in_ms, p99_in_ms } =
        metrics.latencies;
    let (name, result) = (detail.target_name.clone(), word(detail.succeed).to_owned());
    let (sent, ok) = (metrics.request_counts.to_string(), metrics.success_counts.to_string());
    if !wide {
        let [p50, p99, max] = [p50_in_ms, p99_in_ms, max_in_ms].map(millis);
        return vec![name, result, sent, ok, p50, p99, max, causes(detail)];
    }
    let (unsent, succeeded) = (detail.unsent_counts.to_string(), share(detail.succeed_rate));
    let mut row = vec![name, detail.target_url.clone(), result, sent, ok, unsent, succeeded];
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
    row.extend([detail.retransmits.to_string(), causes(detail)]);
    row
}

fn left_out_words(Truncated { agents, details, reasons: _, command }: &Truncated) -> String {
    let agents = if *agents > 0 { format!(" and {}", counted(*agents, "agent")) } else { String::new() };
    let targets = counted(*details, "target");
    format!("Left out: {targets}{agents}, none of which has failed; of one node, all are shown by: {command}")
}

fn counted(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

impl Asked<'_> {
    fn is_all(&self) -> bool {
        self.node.is_none() && self.family.is_none() && !self.failed
    }

    /// What is shown, where it is not all.
    fn words(&self) -> Option<String> {
        let mut words =
            vec![if self.failed { "targets that have failed".to_owned() } else { "targets".to_owned() }];
        words.extend(self.family.map(|family| format!("of family {family}")));
        words.extend(self.node.map(|node| format!("as seen from node {node}")));
        (!self.is_all()).then(|| format!("Only {}:", words.join(" ")))
    }
}
