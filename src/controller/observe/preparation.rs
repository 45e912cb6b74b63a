//! What a round would still have to wait for. Pure, but for the order in which instants come in.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use netreach_api::CheckedSpec;
use netreach_plan::{Inventory, targets};
use netreach_wire::{AgentId, GapClass};

use super::agents::AgentFacts;
use crate::limits::{PREPARE_MAX, SETTLE};

/// What is there of what a round wants.
pub(crate) struct Sight<'a> {
    /// The pods of the crew, those on their way out left aside.
    pub(crate) agents: &'a [AgentFacts],
    /// How many there should be; none while nobody has said so.
    pub(crate) wanted: Option<usize>,
    pub(crate) is_present: &'a dyn Fn(&AgentId) -> bool,
    pub(crate) inventory: &'a Inventory,
    /// Each Service with how many of its endpoints are ready.
    pub(crate) endpoints: &'a [(String, usize)],
}

impl Sight<'_> {
    /// What is lacking, a sentence each; nothing when a round can begin.
    pub(crate) fn lacking(&self, spec: &CheckedSpec) -> Vec<String> {
        let mut lacking = Vec::new();
        match self.wanted {
            None => lacking.push("the agents' workload is not there yet".to_owned()),
            Some(wanted) if self.agents.len() < wanted => {
                lacking.push(format!("{} of {wanted} agent pods are there", self.agents.len()));
            }
            Some(0) => lacking.push("no node is to have an agent".to_owned()),
            Some(_) => {}
        }
        for agent in self.agents {
            if let Some(trouble) = &agent.trouble {
                lacking.push(format!("{}: {trouble}", agent.id.pod));
            } else if !agent.is_ready {
                lacking.push(format!("{} is not ready", agent.id.pod));
            } else if !(self.is_present)(&agent.id) {
                lacking.push(format!("{} has not come to the desk", agent.id.pod));
            }
        }
        let ready = self.agents.iter().filter(|agent| agent.is_ready).count();
        let behind = self.endpoints.iter().filter(|(_, endpoints)| *endpoints < ready);
        lacking.extend(
            behind.map(|(service, endpoints)| {
                format!("Service {service} has {endpoints} of {ready} endpoints")
            }),
        );
        let (_, gaps) = targets(spec, self.inventory);
        lacking.extend(gaps.into_iter().filter(|gap| gap.class == GapClass::Missing).map(|gap| gap.reason));
        lacking
    }

    /// Tells one set of agents and addresses from another.
    pub(crate) fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let Inventory { place: _, agents: _, nodes, services, ingresses } = self.inventory;
        self.agents.iter().for_each(|agent| (&agent.uid, &agent.addresses, agent.restarts).hash(&mut hasher));
        format!("{nodes:?}{services:?}{ingresses:?}").hash(&mut hasher);
        hasher.finish()
    }
}

/// Since when everything is there, or is not.
#[derive(Debug, Clone)]
pub(crate) struct Preparation {
    print: u64,
    since: Instant,
    /// None before the first look.
    lacking: Option<Vec<String>>,
}

impl Preparation {
    pub(crate) fn new(now: Instant) -> Self {
        Self { print: 0, since: now, lacking: None }
    }

    /// Takes note of what is there.
    pub(crate) fn look(&mut self, print: u64, lacking: Vec<String>, now: Instant) {
        let was_whole = self.lacking.as_ref().is_some_and(Vec::is_empty);
        let is_whole = lacking.is_empty();
        // A whole that is another one now has to settle as well; what lacks has lacked for as long as anything does.
        let is_other = is_whole && self.print != print;
        if was_whole != is_whole && self.lacking.is_some() || is_other {
            self.since = now;
        }
        (self.print, self.lacking) = (print, Some(lacking));
    }

    /// From when on a round need not be held back any more.
    pub(crate) fn opens_at(&self) -> Instant {
        self.since + if self.is_whole() { SETTLE } else { PREPARE_MAX }
    }

    /// For how long something has lacked: not at all while everything is there.
    pub(crate) fn lacks_for(&self, now: Instant) -> Duration {
        if self.is_whole() { Duration::ZERO } else { now.saturating_duration_since(self.since) }
    }

    /// Whether everything is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.lacking.as_ref().is_some_and(Vec::is_empty)
    }

    /// What is not.
    pub(crate) fn lacking(&self) -> &[String] {
        self.lacking.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_waits_for_what_lacks_and_no_longer_than_it_may() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut preparation = Preparation::new(began);
        preparation.look(1, vec!["an agent".to_owned()], at(0));
        assert_eq!(preparation.opens_at(), began + PREPARE_MAX);
        preparation.look(1, vec!["another agent".to_owned()], at(9));
        assert_eq!(preparation.opens_at(), began + PREPARE_MAX);
        preparation.look(2, vec![], at(10));
        assert_eq!((preparation.opens_at(), preparation.is_whole()), (at(10) + SETTLE, true));
        preparation.look(2, vec![], at(20));
        assert_eq!(preparation.opens_at(), at(10) + SETTLE);
        // A pod was replaced by another one.
        preparation.look(3, vec![], at(30));
        assert_eq!(preparation.opens_at(), at(30) + SETTLE);
        preparation.look(3, vec!["it".to_owned()], at(40));
        assert_eq!(preparation.opens_at(), at(40) + PREPARE_MAX);
    }
}
