//! Puts a round's results together. What an agent says is checked again here: a result that contradicts itself or
//! its assignment counts as missing, with the contradiction as the reason.

use std::collections::BTreeMap;
use std::mem;

use jiff::Timestamp;
use netreach_measure::{Digits, Spread, Tally};
use netreach_wire::{
    AgentId, AgentResult, Assignment, Malformed, RoundId, Target, TargetResult, VersionError, understood,
};

use crate::limits::TROUBLE_CHARS_MAX;
use crate::round_report::VERSION;
use crate::{AgentReport, ClosedRound, Figures, MissingAgent, RoundReport, Submitted, TargetReport};

/// Why an agent's result was not taken into the round.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    /// The agent speaks another version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// It contradicts itself.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It belongs to another round.
    #[error("result is of round {found} (this is {expected})")]
    OtherRound {
        /// What it says.
        found: RoundId,
        /// What it was submitted for.
        expected: RoundId,
    },
    /// It has more or fewer targets than were assigned.
    #[error("result holds {found} targets (assigned: {expected})")]
    Targets {
        /// How many it holds.
        found: usize,
        /// How many were assigned.
        expected: usize,
    },
    /// Probes sent and unsent are not the slots that were planned.
    #[error("result counts {found} of {expected} slots at {target} (a whole round counts each once)")]
    Slots {
        /// The target's name.
        target: String,
        /// Sent and unsent together.
        found: u64,
        /// Planned.
        expected: u64,
    },
    /// The agent could not begin.
    #[error("{why}")]
    Trouble {
        /// In its own words.
        why: String,
    },
    /// Its clock cannot be brought to the manager's.
    #[error("result began or ended at no instant of the calendar (years -9999 to 9999)")]
    Clock,
}

/// A round's results being put together one at a time, so that never all of them are in memory: a result is many times larger
/// than what the report keeps of it.
#[derive(Debug)]
pub struct Merging {
    round: ClosedRound,
    /// Where each agent's assignment stands.
    assigned: BTreeMap<AgentId, usize>,
    accepted: BTreeMap<AgentId, Accepted>,
}

/// What came of an agent's result, and by what it is preferred to another.
#[derive(Debug)]
struct Accepted {
    /// Late, then began, then lasted: the smaller the better.
    rank: (bool, i64, u64),
    report: Result<AgentReport, Refused>,
}

/// The report of a closed round. The same facts give the same report, whatever order they came in.
///
/// Should one agent have submitted twice, the result that was on time counts, and of two alike the one that began
/// first. Results of agents without an assignment are dropped: nobody asked them.
#[must_use]
pub fn merge(round: ClosedRound) -> RoundReport {
    Merging::new(round).finish()
}

impl Merging {
    /// The round with the results that it holds already; more may be taken.
    #[must_use]
    pub fn new(mut round: ClosedRound) -> Self {
        let submitted = mem::take(&mut round.submitted);
        let mut assigned = BTreeMap::new();
        for (assignment, at) in round.assignments.iter().zip(0..) {
            assigned.entry(assignment.agent.clone()).or_insert(at);
        }
        let mut merging = Self { round, assigned, accepted: BTreeMap::new() };
        submitted.iter().for_each(|one| merging.take(one));
        merging
    }

    /// Takes one more result, by the clock offset that the round knows of its agent.
    pub fn take(&mut self, submitted: &Submitted) {
        let offset_us = self.round.clock_offsets_us.get(&submitted.agent).copied().unwrap_or_default();
        self.take_by_clock(submitted, offset_us);
    }

    /// Takes one more result, of an agent whose clock is ahead of the manager's by so many microseconds.
    pub fn take_by_clock(&mut self, submitted: &Submitted, ahead_us: i64) {
        let Submitted { agent, result, late } = submitted;
        let Some(assignment) = self.assigned.get(agent).and_then(|at| self.round.assignments.get(*at)) else {
            return;
        };
        let rank = (*late, result.started_at_us, result.elapsed_us);
        if self.accepted.get(agent).is_none_or(|kept| rank < kept.rank) {
            let report = accept(&self.round.id, assignment, submitted, ahead_us);
            self.accepted.insert(agent.clone(), Accepted { rank, report });
        }
    }

    /// Says that not all results could be taken, and why: then the round cannot be judged.
    pub fn lose(&mut self, why: String) {
        self.round.results_lost = Some(why);
    }

    /// Says that an agent's result was damaged, and why: where no other was taken of it, the round cannot be judged.
    pub fn lose_result(&mut self, agent: &AgentId, why: &str) {
        if !self.accepted.contains_key(agent) {
            self.round.lost.insert(agent.clone(), format!("its result is damaged: {why}"));
            self.lose(format!("that of {agent} is damaged: {why}"));
        }
    }

    /// The report. Agents of which no result was taken are missing.
    #[must_use]
    pub fn finish(self) -> RoundReport {
        let Self { round, assigned: _, mut accepted } = self;
        let ClosedRound {
            id,
            task,
            spec,
            due,
            start,
            deadline,
            ended,
            assignments,
            submitted: _,
            lost,
            mut gaps,
            sampling,
            interrupted,
            results_lost,
            not_begun,
            clock_offsets_us: _,
        } = round;
        let (mut agents, mut missing) = (Vec::new(), Vec::new());
        for Assignment { agent, .. } in &assignments {
            match accepted.remove(agent).map(|accepted| accepted.report) {
                Some(Ok(report)) => agents.push(report),
                Some(Err(Refused::Trouble { why })) => missing.push(absent(agent, why)),
                Some(Err(refused)) => missing.push(absent(agent, format!("result refused: {refused}"))),
                None => {
                    let why = lost.get(agent).map_or("nothing came by the deadline", String::as_str);
                    missing.push(absent(agent, why.to_owned()));
                }
            }
        }
        agents.sort_by(|a, b| a.agent.cmp(&b.agent));
        missing.sort();
        gaps.sort();
        RoundReport {
            version: VERSION,
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
}

fn absent(agent: &AgentId, why: String) -> MissingAgent {
    MissingAgent { agent: agent.clone(), why }
}

fn accept(
    round: &RoundId,
    assignment: &Assignment,
    submitted: &Submitted,
    offset_us: i64,
) -> Result<AgentReport, Refused> {
    let Submitted { agent, result, late } = submitted;
    understood(result.version)?;
    result.check()?;
    if result.round != *round {
        return Err(Refused::OtherRound { found: result.round.clone(), expected: round.clone() });
    }
    if let Some(trouble) = &result.trouble {
        let words: String = trouble.chars().take(TROUBLE_CHARS_MAX).flat_map(char::escape_debug).collect();
        return Err(Refused::Trouble { why: format!("it could not begin: {words}") });
    }
    let (found, expected) = (result.targets.len(), assignment.targets.len());
    if found != expected {
        return Err(Refused::Targets { found, expected });
    }
    let AgentResult { started_at_us, elapsed_us, interrupted, ref targets, usage, .. } = *result;
    let clock = Clock { started_us: started_at_us.checked_sub(offset_us).ok_or(Refused::Clock)? };
    clock.after(elapsed_us)?;
    let mut lateness = Spread::new(Digits::Two);
    let mut reports = Vec::with_capacity(expected);
    for (target, result) in assignment.targets.iter().zip(targets) {
        let tally = Tally::try_from(&result.tally)?;
        lateness.merge(&tally.parts().lateness);
        let slots = counted(target, &tally, assignment.load.slots(), interrupted)?;
        reports.push(report(target, result, &tally, slots, &clock)?);
    }
    Ok(AgentReport {
        agent: agent.clone(),
        late: *late,
        interrupted,
        started: clock.after(0)?,
        elapsed_us,
        load: assignment.load,
        usage,
        lateness: Figures::of(&lateness),
        targets: reports,
    })
}

/// The planned slots, once the tally is seen to account for them. Only a round cut short may count fewer: the slots
/// it never came to are unsent.
fn counted(target: &Target, tally: &Tally, planned: u64, interrupted: bool) -> Result<u64, Refused> {
    let found = tally.sent() + tally.parts().unsent;
    if found == planned || (interrupted && found < planned) {
        return Ok(planned);
    }
    Err(Refused::Slots { target: target.name.clone(), found, expected: planned })
}

fn report(
    target: &Target,
    result: &TargetResult,
    tally: &Tally,
    slots: u64,
    clock: &Clock,
) -> Result<TargetReport, Refused> {
    let parts = tally.parts();
    Ok(TargetReport {
        name: target.name.clone(),
        url: target.url.clone(),
        family: target.family,
        via: target.via,
        began: clock.after(result.began_us)?,
        elapsed_us: result.ended_us - result.began_us,
        slots,
        unsent: slots - tally.sent(),
        statuses: parts.statuses.clone(),
        failures: parts.failures.iter().map(|(failure, n)| (failure.key().to_owned(), *n)).collect(),
        backends: parts.backends.clone(),
        body_bytes: parts.body_bytes,
        retransmits: parts.retransmits,
        latency: Figures::of(&parts.latency),
        from_slot: Figures::of(&parts.from_slot),
        lateness: Figures::of(&parts.lateness),
        connect: Figures::of(&parts.connect),
        first_byte: Figures::of(&parts.first_byte),
        rtt: Figures::of(&parts.rtt),
    })
}

/// An agent's first slot on the manager's clock, microseconds since 1970.
struct Clock {
    started_us: i64,
}

impl Clock {
    fn after(&self, us: u64) -> Result<Timestamp, Refused> {
        let at =
            i64::try_from(us).ok().and_then(|us| self.started_us.checked_add(us)).ok_or(Refused::Clock)?;
        Timestamp::from_microsecond(at).map_err(|_| Refused::Clock)
    }
}
