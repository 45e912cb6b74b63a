//! All of a closed round but its agents' figures: what lists, tables and the document's first half are made of, at a size
//! that grows with the agents and not with their targets.

use jiff::Timestamp;
use netreach_api::{Expect, NetReachSpec, check, defaults};
use netreach_wire::{AgentId, Connection, Gap, RoundId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::REASONS_MAX;
use crate::verdict::AgentJudge;
use crate::{
    AgentReport, MissingAgent, NotBegun, RoundReport, TargetReport, VERSION, Verdict, failure_reason,
};

/// A closed round as it was judged when it was closed, without its agents' figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundHead {
    /// See [`VERSION`].
    pub version: u16,
    /// Which round.
    pub id: RoundId,
    /// The NetReach's name.
    pub task: String,
    /// The NetReach's spec with its defaults, as it stood when the round began.
    pub spec: Value,
    /// What counted as success.
    #[serde(with = "ExpectForm")]
    pub expect: Expect,
    /// When the schedule wanted it to begin.
    pub due: Timestamp,
    /// When it began.
    pub start: Timestamp,
    /// Until when results counted.
    pub deadline: Timestamp,
    /// When it was closed.
    pub ended: Timestamp,
    /// What it came to: for no more than the first [`REASONS_MAX`] reasons, where it was read from a record.
    pub verdict: Verdict,
    /// How many further reasons the verdict had.
    #[serde(default)]
    pub reasons_left_out: u64,
    /// Why it is no success, in one bounded line that counts all reasons; none when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// One per agent whose result could be read, in the order of [`RoundReport::agents`].
    pub lines: Vec<AgentLine>,
    /// Agents that were expected and left no result that can be read; sorted.
    pub missing: Vec<MissingAgent>,
    /// Families the spec asks for that this round did not probe; sorted.
    pub gaps: Vec<Gap>,
    /// Which part of all pairs this round probed; none when it was all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<String>,
    /// Whether the round was stopped before its end.
    #[serde(default)]
    pub interrupted: bool,
    /// Why results that came in cannot be judged; none when they can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results_lost: Option<String>,
    /// Why the round never began; none when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_begun: Option<NotBegun>,
    /// Fresh connections to the least probed target, of agents in time; none when there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_connections_min: Option<u64>,
}

/// One agent's part in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentLine {
    /// Who.
    pub agent: AgentId,
    /// Whether the result came after the deadline.
    #[serde(default, skip_serializing_if = "is_false")]
    pub late: bool,
    /// Whether it was too tired to blame the network.
    #[serde(default, skip_serializing_if = "is_false")]
    pub starved: bool,
    /// How many targets it had.
    pub targets: u32,
    /// How many of them did not meet the success condition.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed_targets: u32,
    /// The largest p99 of a target's latencies, microseconds; none when nothing answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_p99_us: Option<u64>,
}

/// [`Expect`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Expect", rename_all = "camelCase")]
struct ExpectForm {
    success_rate: f64,
    mean_access_delay_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
}

// === impl RoundHead ===

impl RoundHead {
    /// The head of a round with this verdict, its reasons bounded. What was expected is read from the round's spec; one
    /// that does not pass any more counts as one that says nothing: better shown than not.
    #[must_use]
    pub fn of(report: &RoundReport, verdict: &Verdict) -> Self {
        Self::expecting(report, verdict, &expected(&report.spec), REASONS_MAX)
    }

    pub(crate) fn expecting(
        report: &RoundReport,
        verdict: &Verdict,
        expect: &Expect,
        reasons_max: usize,
    ) -> Self {
        let RoundReport {
            version,
            id,
            task,
            spec,
            due,
            start,
            deadline,
            ended,
            agents,
            missing,
            gaps,
            sampling,
            interrupted,
            results_lost,
            not_begun,
        } = report;
        let why = failure_reason::of_verdict(verdict);
        let (verdict, reasons_left_out) = verdict.with_reasons(reasons_max);
        Self {
            version: *version,
            id: id.clone(),
            task: task.clone(),
            spec: spec.clone(),
            expect: *expect,
            due: *due,
            start: *start,
            deadline: *deadline,
            ended: *ended,
            verdict,
            reasons_left_out,
            why,
            lines: agents.iter().map(|agent| AgentLine::of(agent, expect)).collect(),
            missing: missing.clone(),
            gaps: gaps.clone(),
            sampling: sampling.clone(),
            interrupted: *interrupted,
            results_lost: results_lost.clone(),
            not_begun: not_begun.clone(),
            fresh_connections_min: fresh_connections_min(agents),
        }
    }

    /// The whole report again, from the head and the agents it has a line for.
    #[must_use]
    pub fn into_report(self, agents: Vec<AgentReport>) -> RoundReport {
        let Self {
            version,
            id,
            task,
            spec,
            expect: _,
            due,
            start,
            deadline,
            ended,
            verdict: _,
            reasons_left_out: _,
            why: _,
            lines: _,
            missing,
            gaps,
            sampling,
            interrupted,
            results_lost,
            not_begun,
            fresh_connections_min: _,
        } = self;
        RoundReport {
            version,
            id,
            task,
            spec,
            due,
            start,
            deadline,
            ended,
            agents,
            missing,
            gaps,
            sampling,
            interrupted,
            results_lost,
            not_begun,
        }
    }

    /// Whether this build can read it.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        self.version == VERSION
    }
}

// === impl AgentLine ===

impl AgentLine {
    pub(crate) fn of(agent: &AgentReport, expect: &Expect) -> Self {
        let judge = AgentJudge::new(agent, expect);
        let failed = agent.targets.iter().filter(|target| !judge.target_faults(target).is_empty());
        Self {
            agent: agent.agent.clone(),
            late: agent.late,
            starved: judge.starved,
            targets: counted(agent.targets.len()),
            failed_targets: counted(failed.count()),
            worst_p99_us: agent.targets.iter().filter_map(|target| Some(target.latency?.p99_us)).max(),
        }
    }

    /// Whether it reported in time and all its targets met the success condition.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        !self.late && self.failed_targets == 0
    }

    /// How many of its targets met the success condition.
    #[must_use]
    pub fn passing_targets(&self) -> u32 {
        self.targets.saturating_sub(self.failed_targets)
    }
}

/// What that spec expects; the defaults where it does not pass.
fn expected(spec: &Value) -> Expect {
    let spec = NetReachSpec::deserialize(spec).ok().and_then(|spec| check(&spec).ok());
    let defaults = Expect {
        success_rate: defaults::SUCCESS_RATE,
        mean_access_delay_ms: defaults::MEAN_ACCESS_DELAY_MS.unsigned_abs(),
        status_code: None,
    };
    spec.map_or(defaults, |spec| spec.expect())
}

/// Late agents do not speak for the round, nor do kept connections.
fn fresh_connections_min(agents: &[AgentReport]) -> Option<u64> {
    let fresh = agents.iter().filter(|agent| !agent.late && agent.load.connection == Connection::New);
    fresh.flat_map(|agent| &agent.targets).map(TargetReport::sent).min()
}

fn counted(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
