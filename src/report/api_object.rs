//! Fills in the KdoctorReport document: arithmetic and wording only, the judging is `verdict`'s.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use netreach_api::names::{KIND, REPORT_API_VERSION, REPORT_KIND, reason};
use netreach_api::{Expect, Rounds};
use netreach_wire::{AgentId, Connection};

use crate::document::{
    AgentRound, Detail, DetectionPower, FailureReason, KdoctorReport, Latencies, Metadata, Metrics,
    NamedAgent, NamedGap, NetReachTask, Phases, ReportSpec,
};
use crate::limits::DETECTION_CONFIDENCE;
use crate::units::{instant, megabytes, percent};
use crate::verdict::AgentJudge;
use crate::{
    AgentReport, Figures, History, Number, Reason, RoundReport, TargetReport, Verdict, errors, go_duration,
    judge, successes,
};

const REPORT_TYPE: &str = "agent test report";

/// Where a NetReach stands, apart from the reported round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Rounds wanted; -1 is for ever.
    pub rounds_expected: i64,
    /// Rounds done.
    pub rounds_done: u64,
    /// Numbers of the rounds that failed, rising.
    pub rounds_failed: Vec<u64>,
    /// Whether no round is left to do.
    pub finished: bool,
}

impl Standing {
    /// Where the rounds of that history stand. Failed rounds are those the history still knows.
    #[must_use]
    pub fn of(history: &History, rounds: Rounds, finished: bool) -> Self {
        Self {
            rounds_expected: expected(rounds),
            rounds_done: history.done(),
            rounds_failed: history.failed_rounds(),
            finished,
        }
    }
}

/// The number of rounds wanted as users see it: -1 for ever.
pub(crate) fn expected(rounds: Rounds) -> i64 {
    match rounds {
        Rounds::Forever => -1,
        Rounds::Count(count) => i64::try_from(count).unwrap_or(i64::MAX),
    }
}

/// The document of one round.
#[must_use]
pub fn api_object(report: &RoundReport, expect: &Expect, standing: &Standing) -> KdoctorReport {
    let Standing { rounds_expected, rounds_done, rounds_failed, finished } = standing;
    let verdict = judge(report, expect);
    let late = report.agents.iter().filter(|agent| agent.late);
    KdoctorReport {
        api_version: REPORT_API_VERSION.into(),
        kind: REPORT_KIND.into(),
        metadata: Metadata {
            name: format!("netreach-{}", report.task),
            creation_timestamp: instant(report.ended),
        },
        spec: ReportSpec {
            task_name: report.task.clone(),
            task_type: KIND.into(),
            round_number: *rounds_expected,
            report_round_number: report.id.number,
            finished_round_number: *rounds_done,
            failed_round_number: (!rounds_failed.is_empty()).then(|| rounds_failed.clone()),
            status: if *finished { "Finished" } else { "NotFinished" }.into(),
            verdict: verdict.word().into(),
            failure_reasons: failure_reasons(&verdict),
            agents_missing: report.missing.iter().map(|one| named(&one.agent, Some(&one.why))).collect(),
            agents_late: late.map(|agent| named(&agent.agent, None)).collect(),
            gaps: gaps(report),
            interrupted: report.interrupted,
            sampling: report.sampling.clone(),
            detection_power: detection_power(report),
            report: report.agents.iter().map(|agent| agent_round(report, agent, expect)).collect(),
        },
        status: None,
    }
}

fn failure_reasons(verdict: &Verdict) -> Vec<FailureReason> {
    match verdict {
        Verdict::Succeeded => Vec::new(),
        Verdict::Unknown(why) => vec![FailureReason {
            code: reason::UNKNOWN.into(),
            node_name: None,
            pod_name: None,
            target_name: None,
            message: why.clone(),
        }],
        Verdict::Failed(reasons) => reasons.iter().map(failure_reason).collect(),
    }
}

fn failure_reason(reason: &Reason) -> FailureReason {
    FailureReason {
        code: reason.code().into(),
        node_name: reason.agent().map(|agent| agent.node.clone()),
        pod_name: reason.agent().map(|agent| agent.pod.clone()),
        target_name: reason.target().map(str::to_owned),
        message: reason.to_string(),
    }
}

fn named(agent: &AgentId, reason: Option<&str>) -> NamedAgent {
    NamedAgent {
        node_name: agent.node.clone(),
        pod_name: agent.pod.clone(),
        reason: reason.map(str::to_owned),
    }
}

fn gaps(report: &RoundReport) -> Vec<NamedGap> {
    let gaps = report.gaps.iter();
    gaps.map(|gap| NamedGap {
        family: gap.family,
        ip_family: gap.ip_family.to_string(),
        class: gap.class,
        reason: gap.reason.clone(),
    })
    .collect()
}

/// From n connections without a loss, a loss of 1 - 0.05^(1/n) can be ruled out with 95 % confidence. The least
/// probed target speaks for the round; late agents do not speak.
#[allow(clippy::cast_precision_loss, reason = "counts of a round stay far below 2^53")]
fn detection_power(report: &RoundReport) -> Option<DetectionPower> {
    let fresh = report.agents.iter().filter(|agent| !agent.late && agent.load.connection == Connection::New);
    let least = fresh.flat_map(|agent| &agent.targets).map(TargetReport::sent).min().filter(|&n| n > 0)?;
    let loss = 1.0 - (1.0 - DETECTION_CONFIDENCE).powf(1.0 / least as f64);
    Some(DetectionPower {
        fresh_connections: least,
        loss: Number((loss * 1e6).round() / 1e6),
        confidence: Number(DETECTION_CONFIDENCE),
    })
}

fn agent_round(report: &RoundReport, agent: &AgentReport, expect: &Expect) -> AgentRound {
    let judge = AgentJudge::new(agent, expect);
    let reasons = judge.faults();
    let AgentReport { agent: id, late, started, elapsed_us, usage, lateness, targets, .. } = agent;
    AgentRound {
        node_name: id.node.clone(),
        pod_name: id.pod.clone(),
        task_name: format!("netreach.{}", report.task),
        task_type: KIND.into(),
        report_type: REPORT_TYPE.into(),
        round_number: report.id.number,
        round_result: if reasons.is_empty() { "succeed" } else { "fail" }.into(),
        round_duration: micros(*elapsed_us),
        start_time_stamp: instant(*started),
        end_time_stamp: after(*started, *elapsed_us),
        late: *late,
        starved: judge.starved,
        net_reach_task_spec: report.spec.clone(),
        net_reach_task: NetReachTask {
            succeed: reasons.is_empty(),
            failure_reason: told(&reasons),
            target_number: targets.len(),
            target_type: KIND.into(),
            max_cpu: percent(usage.cpu_max_percent),
            mean_cpu: percent(usage.cpu_mean_percent),
            max_memory: megabytes(usage.memory_max_bytes),
            run_delay: micros(usage.run_delay_us),
            throttled: usage.throttled_us.map(micros),
            lateness: lateness.as_ref().map(latencies),
            detail: targets.iter().map(|target| detail(agent, target, expect, &judge)).collect(),
        },
    }
}

fn detail(agent: &AgentReport, target: &TargetReport, expect: &Expect, judge: &AgentJudge<'_>) -> Detail {
    let reasons = judge.target_faults(target);
    let TargetReport { latency, from_slot, lateness, connect, first_byte, rtt, .. } = target;
    let [from_slot, lateness, connect, first_byte, rtt] =
        [from_slot, lateness, connect, first_byte, rtt].map(|figures| figures.as_ref().map(latencies));
    Detail {
        target_name: target.name.clone(),
        target_url: target.url.clone(),
        target_method: "GET".into(),
        succeed: reasons.is_empty(),
        failure_reason: told(&reasons),
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
fn told(reasons: &[Reason]) -> Option<String> {
    let (first, others) = reasons.split_first()?;
    Some(if others.is_empty() { first.to_string() } else { format!("{first}; and {} more", others.len()) })
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
