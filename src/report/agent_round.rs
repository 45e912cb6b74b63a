//! One agent's part of the document: arithmetic and wording only, the judging is `verdict`'s.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use netreach_api::Expect;
use netreach_api::names::KIND;

use crate::document::{AgentRound, Detail, Latencies, Metrics, NetReachTask, Phases};
use crate::units::{instant, megabytes, percent};
use crate::verdict::AgentJudge;
use crate::{AgentReport, Figures, Number, Reason, RoundHead, TargetReport, errors, go_duration, successes};

const REPORT_TYPE: &str = "agent test report";

/// The document's entry for one agent of that round, with every target.
#[must_use]
pub fn agent_round(head: &RoundHead, agent: &AgentReport) -> AgentRound {
    agent_round_of(head, agent, |_| agent.targets.iter().map(|_| true).collect())
}

/// The same with the targets for which `chosen` says so, asked with whether each met the success condition. What is said of the
/// agent as a whole speaks of all its targets.
pub(crate) fn agent_round_of(
    head: &RoundHead,
    agent: &AgentReport,
    chosen: impl FnOnce(&[bool]) -> Vec<bool>,
) -> AgentRound {
    let judge = AgentJudge::new(agent, &head.expect);
    let reasons: Vec<Vec<Reason>> = agent.targets.iter().map(|target| judge.target_faults(target)).collect();
    let passes: Vec<bool> = reasons.iter().map(Vec::is_empty).collect();
    let late = judge.late();
    let all = || late.iter().chain(reasons.iter().flatten());
    let succeed = all().next().is_none();
    let chosen = agent.targets.iter().zip(&reasons).zip(chosen(&passes)).filter(|(_, chosen)| *chosen);
    let AgentReport { agent: id, late: is_late, started, elapsed_us, usage, lateness, targets, .. } = agent;
    AgentRound {
        node_name: id.node.clone(),
        pod_name: id.pod.clone(),
        task_name: format!("netreach.{}", head.task),
        task_type: KIND.into(),
        report_type: REPORT_TYPE.into(),
        round_number: head.id.number,
        round_result: if succeed { "succeed" } else { "fail" }.into(),
        round_duration: micros(*elapsed_us),
        start_time_stamp: instant(*started),
        end_time_stamp: after(*started, *elapsed_us),
        late: *is_late,
        starved: judge.starved,
        net_reach_task_spec: head.spec.clone(),
        net_reach_task: NetReachTask {
            succeed,
            failure_reason: told(all()),
            target_number: targets.len(),
            target_type: KIND.into(),
            max_cpu: percent(usage.cpu_max_percent),
            mean_cpu: percent(usage.cpu_mean_percent),
            max_memory: megabytes(usage.memory_max_bytes),
            run_delay: micros(usage.run_delay_us),
            throttled: usage.throttled_us.map(micros),
            lateness: lateness.as_ref().map(latencies),
            detail: chosen
                .map(|((target, reasons), _)| detail(agent, target, &head.expect, reasons))
                .collect(),
        },
    }
}

fn detail(agent: &AgentReport, target: &TargetReport, expect: &Expect, reasons: &[Reason]) -> Detail {
    let TargetReport { latency, from_slot, lateness, connect, first_byte, rtt, .. } = target;
    let [from_slot, lateness, connect, first_byte, rtt] =
        [from_slot, lateness, connect, first_byte, rtt].map(|figures| figures.as_ref().map(latencies));
    Detail {
        target_name: target.name.clone(),
        target_url: target.url.clone(),
        target_method: "GET".into(),
        succeed: reasons.is_empty(),
        failure_reason: told(reasons.iter()),
        succeed_rate: ratio(successes(target, expect), target.sent()),
        mean_delay: latency.as_ref().map(|figures| Number::mean_ms(figures.mean_us())),
        metrics: metrics(target, expect),
        unsent_counts: target.unsent,
        connection: agent.load.connection,
        via: target.via,
        backends: target.backends.clone(),
        retransmits: target.retransmits,
        from_slot,
        lateness,
        phases: Phases { connect, first_byte },
        rtt,
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts and microseconds of a round stay far below 2^53")]
fn metrics(target: &TargetReport, expect: &Expect) -> Metrics {
    let TargetReport { began, elapsed_us, statuses, body_bytes, latency, .. } = target;
    let seconds = *elapsed_us as f64 / 1e6;
    let tps = if seconds > 0.0 { target.sent() as f64 / seconds } else { 0.0 };
    Metrics {
        start_time: instant(*began),
        end_time: after(*began, *elapsed_us),
        duration: micros(*elapsed_us),
        request_counts: target.sent(),
        success_counts: successes(target, expect),
        tps: Number(tps),
        total_data_size: format!("{body_bytes} byte"),
        status_codes: statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect(),
        errors: errors(target, expect),
        latencies: latency.as_ref().map(latencies).unwrap_or_default(),
    }
}

fn latencies(figures: &Figures) -> Latencies {
    let Figures { count: _, sum_us: _, min_us, max_us, p50_us, p90_us, p95_us, p99_us } = *figures;
    let [max_in_ms, min_in_ms, p50_in_ms, p90_in_ms, p95_in_ms, p99_in_ms] =
        [max_us, min_us, p50_us, p90_us, p95_us, p99_us].map(|us| Some(Number::ms(us)));
    let mean_in_ms = Some(Number::mean_ms(figures.mean_us()));
    Latencies { max_in_ms, mean_in_ms, min_in_ms, p50_in_ms, p90_in_ms, p95_in_ms, p99_in_ms }
}

/// The first reason in full and how many more there are: a mesh can have thousands of them.
fn told<'a>(mut reasons: impl Iterator<Item = &'a Reason>) -> Option<String> {
    let first = reasons.next()?;
    let others = reasons.count();
    Some(if others == 0 { first.to_string() } else { format!("{first}; and {others} more") })
}

#[allow(clippy::cast_precision_loss, reason = "counts of a round stay far below 2^53")]
fn ratio(part: u64, whole: u64) -> Number {
    Number(if whole > 0 { part as f64 / whole as f64 } else { 0.0 })
}

fn micros(us: u64) -> String {
    go_duration(Duration::from_micros(us))
}

/// A record from elsewhere may claim any duration: one that leaves the calendar ends with it.
fn after(start: Timestamp, us: u64) -> String {
    let us = i64::try_from(us).unwrap_or(i64::MAX);
    instant(start.saturating_add(SignedDuration::from_micros(us)).unwrap_or(Timestamp::MAX))
}
