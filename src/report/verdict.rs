//! The only judge: a round's report against the success condition.
//!
//! The success rate is successes / probes sent, as readers of the report know it. Slots that were never sent and
//! probes that failed for want of the agent's own resources prove nothing either way, nor do timeouts of an agent that
//! was late itself: they count as failures of the agent (`AgentStarved`) as soon as the expected rate would be missed
//! with them, so they never help a round to pass.

use std::collections::BTreeMap;

use netreach_api::Expect;
use netreach_measure::Failure;
use netreach_wire::GapClass;
use serde::{Deserialize, Serialize};

use crate::limits::{LATENESS_PART, LATENESS_US_P99_MIN};
use crate::{AgentReport, Reason, RoundReport, TargetReport};

/// What a round came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Every expected agent reported in time, and every target met the success condition.
    Succeeded,
    /// It did not, for these reasons; never empty.
    Failed(Vec<Reason>),
    /// It cannot be said, for this reason.
    Unknown(String),
}

/// Judges a round. The same report and condition always give the same verdict.
///
/// An interrupted round is unknown, not failed: what it did not come to probe is the interrupter's doing, and what it
/// did find stands in its report. A round nobody reported in is failed: its agents are missing.
#[must_use]
pub fn judge(report: &RoundReport, expect: &Expect) -> Verdict {
    if let Some(lost) = &report.results_lost {
        return Verdict::Unknown(format!("the results cannot be judged: {lost}"));
    }
    if report.interrupted {
        return Verdict::Unknown("the round was interrupted, its report is partial".to_owned());
    }
    match faults(report, expect) {
        faults if faults.is_empty() => Verdict::Succeeded,
        faults => Verdict::Failed(faults),
    }
}

/// Every fault of a round, also of one whose verdict is unknown: why it never began, agents that are missing, missing
/// targets, then what each agent found.
#[must_use]
pub fn faults(report: &RoundReport, expect: &Expect) -> Vec<Reason> {
    let missing = report
        .missing
        .iter()
        .map(|missing| Reason::AgentMissing { agent: missing.agent.clone(), why: missing.why.clone() });
    let gaps = report
        .gaps
        .iter()
        .filter(|gap| gap.class == GapClass::Missing)
        .map(|gap| Reason::TargetMissing { gap: gap.clone() });
    let unbegun = report.not_begun.iter().map(|why| Reason::NotBegun(why.clone()));
    let idle = report.not_begun.is_none()
        && report.missing.is_empty()
        && report.agents.iter().all(|agent| agent.targets.is_empty());
    let found = report.agents.iter().flat_map(|agent| AgentJudge::new(agent, expect).faults());
    let found = idle.then_some(Reason::NothingProbed).into_iter().chain(found);
    unbegun.chain(missing).chain(gaps).chain(found).collect()
}

/// How many probes of a target came back as expected: `expect.statusCode`, or any 2xx where none is given.
#[must_use]
pub fn successes(target: &TargetReport, expect: &Expect) -> u64 {
    let good = target.statuses.iter().filter(|(status, _)| is_expected(**status, expect));
    good.map(|(_, count)| count).sum()
}

/// What the other probes sent came to: the taxonomy's keys, and `status-NNN` for answers that were not expected.
#[must_use]
pub fn errors(target: &TargetReport, expect: &Expect) -> BTreeMap<String, u64> {
    let bad = target.statuses.iter().filter(|(status, _)| !is_expected(**status, expect));
    let mut errors = target.failures.clone();
    errors.extend(bad.map(|(status, count)| (format!("status-{status}"), *count)));
    errors
}

/// Whether an agent was too tired to blame the network: it began its probes late (p99 over 5 ms and over a tenth of
/// the expected mean delay), or left slots unsent without having been stopped.
#[must_use]
pub fn is_starved(agent: &AgentReport, expect: &Expect) -> bool {
    let bound_us = expect.mean_access_delay_ms.saturating_mul(1_000) / LATENESS_PART;
    lateness_us_p99(agent) > bound_us.max(LATENESS_US_P99_MIN) || (!agent.interrupted && unsent(agent) > 0)
}

impl Verdict {
    /// As the document says it: `succeed`, `fail` or `unknown`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeed",
            Self::Failed(_) => "fail",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The same with no more than its first `reasons_max` reasons, and how many are left out.
    #[must_use]
    pub fn with_reasons(&self, reasons_max: usize) -> (Self, u64) {
        match self {
            Self::Failed(reasons) => {
                let kept = &reasons[..reasons.len().min(reasons_max)];
                (Self::Failed(kept.to_vec()), (reasons.len() - kept.len()) as u64)
            }
            verdict => (verdict.clone(), 0),
        }
    }
}

/// Judges one agent's part.
pub(crate) struct AgentJudge<'a> {
    agent: &'a AgentReport,
    expect: &'a Expect,
    pub(crate) starved: bool,
}

impl<'a> AgentJudge<'a> {
    pub(crate) fn new(agent: &'a AgentReport, expect: &'a Expect) -> Self {
        Self { agent, expect, starved: is_starved(agent, expect) }
    }

    fn faults(&self) -> Vec<Reason> {
        let found = self.agent.targets.iter().flat_map(|target| self.target_faults(target));
        self.late().into_iter().chain(found).collect()
    }

    pub(crate) fn late(&self) -> Option<Reason> {
        self.agent.late.then(|| Reason::AgentLate { agent: self.agent.agent.clone() })
    }

    pub(crate) fn target_faults(&self, target: &TargetReport) -> Vec<Reason> {
        [self.cut_short(target), self.rate(target), self.delay(target)].into_iter().flatten().collect()
    }

    fn cut_short(&self, target: &TargetReport) -> Option<Reason> {
        (self.agent.interrupted && target.unsent > 0).then(|| Reason::AgentInterrupted {
            agent: self.agent.agent.clone(),
            target: target.name.clone(),
            sent: target.sent(),
            slots: target.slots,
        })
    }

    fn rate(&self, target: &TargetReport) -> Option<Reason> {
        let (agent, name) = (self.agent.agent.clone(), target.name.clone());
        let rate_min = self.expect.success_rate;
        let (successes, sent) = (successes(target, self.expect), target.sent());
        let local = self.own_failures(target);
        if share(successes, sent - local).is_some_and(|rate| rate < rate_min) {
            let errors = errors(target, self.expect);
            return Some(Reason::SuccessRate { agent, target: name, successes, sent, rate_min, errors });
        }
        // What a stopped agent left unsent is told by its own reason.
        let unsent = if self.agent.interrupted { 0 } else { target.unsent };
        let unproven = sent == local || share(successes, sent + unsent).is_some_and(|rate| rate < rate_min);
        let starved = unproven && unsent + local > 0;
        starved.then_some(Reason::StarvedSlots { agent, target: name, unsent, local, slots: target.slots })
    }

    /// Failures that say nothing about the network: those for want of the agent's own resources, and the timeouts of an
    /// agent that was itself late, for it may have let the answers lie. A target that timed out more often than it
    /// answered is no such case: tired agents are slow with everybody.
    fn own_failures(&self, target: &TargetReport) -> u64 {
        let count = |failure: Failure| target.failures.get(failure.key()).copied().unwrap_or_default();
        let timeouts = count(Failure::TimeoutConnect) + count(Failure::TimeoutResponse);
        let answered: u64 = target.statuses.values().sum();
        let excused = if self.starved && answered > timeouts { timeouts } else { 0 };
        count(Failure::LocalResource) + excused
    }

    fn delay(&self, target: &TargetReport) -> Option<Reason> {
        let mean_us = target.latency?.mean_us();
        let mean_ms_max = self.expect.mean_access_delay_ms;
        #[allow(clippy::cast_precision_loss, reason = "bounds of delays stay far below 2^53 µs")]
        let slow = mean_us > mean_ms_max.saturating_mul(1_000) as f64;
        let (agent, name) = (self.agent.agent.clone(), target.name.clone());
        slow.then(|| match self.starved {
            false => Reason::MeanDelay { agent, target: name, mean_us, mean_ms_max },
            true => Reason::StarvedDelay {
                agent,
                target: name,
                mean_us,
                mean_ms_max,
                lateness_us_p99: lateness_us_p99(self.agent),
                unsent: unsent(self.agent),
            },
        })
    }
}

fn is_expected(status: u16, expect: &Expect) -> bool {
    expect.status_code.map_or((200..300).contains(&status), |code| status == code)
}

fn lateness_us_p99(agent: &AgentReport) -> u64 {
    agent.lateness.map_or(0, |lateness| lateness.p99_us)
}

fn unsent(agent: &AgentReport) -> u64 {
    agent.targets.iter().map(|target| target.unsent).sum()
}

/// `part` of `whole`; none of nothing.
#[allow(clippy::cast_precision_loss, reason = "counts of a round stay far below 2^53")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
