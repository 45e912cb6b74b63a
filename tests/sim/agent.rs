//! An agent as far as its manager can tell: it asks, and hands in something, some time, or not.

use fastrand::Rng;
use netreach_measure::{Digits, Failure, Outcome, Phases, Sample, Tally};
use netreach_wire::{
    AgentId, AgentResult, Assignment, Poll, RoundId, Target, TargetResult, Usage, VERSION, WireTally,
};
use serde_json::Value;

/// One agent and what it knows.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    /// Its clock minus the true one, microseconds.
    pub(crate) clock_ahead_us: i64,
    pub(crate) is_alive: bool,
    pub(crate) probing: Vec<RoundId>,
    pub(crate) held: Vec<RoundId>,
}

/// What becomes of an agent's part of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fate {
    /// All is well.
    Clean,
    /// Some of its probes fail.
    Failing,
    /// It does not come to all of its slots.
    Starved,
    /// It cannot begin, and says so.
    Unable,
    /// It hands in after the deadline.
    Late,
    /// It hands in twice, and a third time.
    Doubled,
    /// It hands in nothing.
    Silent,
    /// It ends in mid-round.
    Dies,
    /// A lie: counts that disagree.
    Disagrees,
    /// A lie: a target too few.
    Short,
    /// A lie: fewer slots than were planned, without saying that it was stopped.
    Skips,
    /// A lie: a round nobody gave it.
    Elsewhere,
}

impl Fate {
    pub(crate) const ALL: [Self; 12] = [
        Self::Clean,
        Self::Failing,
        Self::Starved,
        Self::Unable,
        Self::Late,
        Self::Doubled,
        Self::Silent,
        Self::Dies,
        Self::Disagrees,
        Self::Short,
        Self::Skips,
        Self::Elsewhere,
    ];

    /// Mostly well: with three agents, about half of all rounds could succeed.
    pub(crate) fn any(random: &mut Rng) -> Self {
        if random.u8(0..4) > 0 { Self::Clean } else { Self::ALL[random.usize(0..Self::ALL.len())] }
    }

    /// Whether what it hands in is a result without a fault.
    pub(crate) fn is_clean(self) -> bool {
        matches!(self, Self::Clean | Self::Late | Self::Doubled)
    }

    /// Whether what it hands in can be read as a result of its round.
    pub(crate) fn is_readable(self) -> bool {
        self.is_clean() || matches!(self, Self::Failing | Self::Starved)
    }
}

impl Agent {
    pub(crate) fn new(name: &str, clock_ahead_us: i64) -> Self {
        let id = AgentId { node: format!("node-{name}"), pod: format!("agent-{name}") };
        Self { id, clock_ahead_us, is_alive: true, probing: Vec::new(), held: Vec::new() }
    }

    /// A poll that does not wait.
    pub(crate) fn asks(&self, true_us: i64) -> Poll {
        Poll {
            version: VERSION,
            clock_us: true_us + self.clock_ahead_us,
            wait_ms: 0,
            listening: vec![([127, 0, 0, 1], 80).into()],
            probing: self.probing.clone(),
            held: self.held.clone(),
            keys: Vec::new(),
        }
    }

    /// What it hands in, as JSON: a liar is not bound to our types.
    pub(crate) fn result(
        &self,
        assignment: &Assignment,
        true_start_us: i64,
        fate: Fate,
        random: &mut Rng,
    ) -> Value {
        let duration_us = u64::from(assignment.load.duration_s) * 1_000_000;
        let targets = assignment.targets.iter().map(|target| TargetResult {
            began_us: 0,
            ended_us: duration_us,
            tally: WireTally::from(&tally(assignment, target, fate, random)),
        });
        let mut result = serde_json::to_value(AgentResult {
            version: VERSION,
            round: assignment.round.clone(),
            started_at_us: true_start_us + self.clock_ahead_us,
            elapsed_us: duration_us,
            interrupted: false,
            trouble: (fate == Fate::Unable).then(|| "no descriptor is left".to_owned()),
            targets: targets.collect(),
            usage: Usage::default(),
        })
        .unwrap();
        match fate {
            Fate::Disagrees => result["targets"][0]["tally"]["statuses"]["200"] = 1_000_000.into(),
            Fate::Short => drop(result["targets"].as_array_mut().unwrap().pop()),
            Fate::Elsewhere => result["round"]["number"] = 1_000_000.into(),
            _ => {}
        }
        result
    }
}

fn tally(assignment: &Assignment, target: &Target, fate: Fate, random: &mut Rng) -> Tally {
    let mut tally = Tally::new(Digits::Three);
    let slots = assignment.load.slots();
    // At least one slot of every target goes the fate's way, and the last one always does.
    let from = if fate == Fate::Unable { 0 } else { random.u64(0..slots) };
    for slot in 0..slots {
        let outcome = match fate {
            Fate::Failing if slot >= from => {
                Outcome::Failed(Failure::ALL[random.usize(0..Failure::ALL.len())])
            }
            Fate::Starved | Fate::Unable if slot >= from => {
                tally.miss(1);
                continue;
            }
            Fate::Skips if slot >= from => continue,
            _ => Outcome::Answered(200),
        };
        let latency_us = random.u64(200..3_000);
        tally.record(&Sample {
            outcome,
            latency_us,
            lateness_us: random.u64(1..200),
            phases: Phases { connect_us: Some(latency_us / 3), ..Phases::default() },
            body_bytes: 48,
            backend: target.backend.as_deref(),
        });
    }
    tally
}
