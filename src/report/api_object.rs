//! Fills in the KdoctorReport document: wording only, the judging is `verdict`'s.

use netreach_api::names::{KIND, REPORT_API_VERSION, REPORT_KIND, REPORT_NAME_PREFIX, reason};
use netreach_api::{Expect, LastRoundStatus, Rounds};
use netreach_wire::AgentId;

use crate::document::{
    DetectionPower, FailureReason, KdoctorReport, Metadata, NamedAgent, NamedGap, ReportSpec,
};
use crate::limits::{DETECTION_CONFIDENCE, FAILED_ROUNDS_MAX};
use crate::units::instant;
use crate::{
    History, Number, Reason, RoundHead, RoundReport, RoundSummary, Selection, Verdict, agent_round, judge,
};

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

    /// Where a NetReach stood that is gone, as far as its records tell: its rounds, by number, rising, and the head of one of them.
    #[must_use]
    pub fn past(rounds: &[RoundSummary], head: &RoundHead) -> Self {
        let failed = rounds.iter().filter(|round| round.verdict != LastRoundStatus::Succeed);
        let mut rounds_failed: Vec<u64> =
            failed.rev().map(|round| round.number).take(FAILED_ROUNDS_MAX).collect();
        rounds_failed.reverse();
        Self {
            rounds_expected: head.spec["schedule"]["roundNumber"].as_i64().unwrap_or(-1),
            rounds_done: rounds.last().map_or(head.id.number, |round| round.number),
            rounds_failed,
            finished: true,
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

/// The document of one round, whole.
#[must_use]
pub fn api_object(report: &RoundReport, expect: &Expect, standing: &Standing) -> KdoctorReport {
    let head = RoundHead::expecting(report, &judge(report, expect), expect, usize::MAX);
    let mut object = report_object(&head, standing, &Selection::whole(&head));
    object.spec.report = report.agents.iter().map(|agent| agent_round(&head, agent)).collect();
    object
}

/// The document of one round without its agents' entries: those are [`Selection::agent_round`]'s, one at a time. Told
/// with the verdict as it was when the round was closed.
#[must_use]
pub fn report_object(head: &RoundHead, standing: &Standing, selection: &Selection) -> KdoctorReport {
    let Standing { rounds_expected, rounds_done, rounds_failed, finished } = standing;
    let late = head.lines.iter().filter(|line| line.late && selection.tells_of(&line.agent));
    let missing = head.missing.iter().filter(|one| selection.tells_of(&one.agent));
    KdoctorReport {
        api_version: REPORT_API_VERSION.into(),
        kind: REPORT_KIND.into(),
        metadata: Metadata {
            name: format!("{REPORT_NAME_PREFIX}{}", head.task),
            creation_timestamp: instant(head.ended),
        },
        spec: ReportSpec {
            task_name: head.task.clone(),
            task_type: KIND.into(),
            round_number: *rounds_expected,
            report_round_number: head.id.number,
            finished_round_number: *rounds_done,
            failed_round_number: (!rounds_failed.is_empty()).then(|| rounds_failed.clone()),
            status: if *finished { "Finished" } else { "NotFinished" }.into(),
            verdict: head.verdict.word().into(),
            failure_reasons: failure_reasons(&head.verdict, selection),
            agents_missing: missing.map(|one| named(&one.agent, Some(&one.why))).collect(),
            agents_late: late.map(|line| named(&line.agent, None)).collect(),
            gaps: gaps(head),
            interrupted: head.interrupted,
            sampling: head.sampling.clone(),
            detection_power: detection_power(head),
            report: Vec::new(),
        },
        status: selection.status(head),
    }
}

fn failure_reasons(verdict: &Verdict, selection: &Selection) -> Vec<FailureReason> {
    match verdict {
        Verdict::Succeeded => Vec::new(),
        Verdict::Unknown(why) => vec![FailureReason {
            code: reason::UNKNOWN.into(),
            node_name: None,
            pod_name: None,
            target_name: None,
            message: why.clone(),
        }],
        Verdict::Failed(reasons) => {
            let told = |reason: &&Reason| reason.agent().is_none_or(|agent| selection.tells_of(agent));
            reasons.iter().filter(told).map(failure_reason).collect()
        }
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

fn gaps(head: &RoundHead) -> Vec<NamedGap> {
    let gaps = head.gaps.iter();
    gaps.map(|gap| NamedGap {
        family: gap.family,
        ip_family: gap.ip_family.to_string(),
        class: gap.class,
        reason: gap.reason.clone(),
    })
    .collect()
}

/// From n connections without a loss, a loss of 1 - 0.05^(1/n) can be ruled out with 95 % confidence. The least
/// probed target speaks for the round.
#[allow(clippy::cast_precision_loss, reason = "counts of a round stay far below 2^53")]
fn detection_power(head: &RoundHead) -> Option<DetectionPower> {
    let least = head.fresh_connections_min.filter(|&n| n > 0)?;
    let loss = 1.0 - (1.0 - DETECTION_CONFIDENCE).powf(1.0 / least as f64);
    Some(DetectionPower {
        fresh_connections: least,
        loss: Number((loss * 1e6).round() / 1e6),
        confidence: Number(DETECTION_CONFIDENCE),
    })
}
