//! Targets → one assignment per agent, within the budget.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netreach_wire::{AgentId, Assignment, EchoKey, Load, RoundId, Target};

use crate::budget::{Demand, check_destination};
use crate::limits::AGENTS_MAX;
use crate::shift::{Shifts, spread, turns};
use crate::{OverBudget, Sampling};

/// What all assignments of a round have in common.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// How hard each target is probed. Never lowered.
    pub load: Load,
    /// Most peers an agent probes in one round; 0 for all that fit.
    pub peers_per_round: u32,
    /// Microseconds from the first slot to the round's deadline.
    pub deadline_us: u64,
    /// Signs the round's probes and echoes.
    pub key: &'a EchoKey,
}

/// The assignments of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// One per agent, in the agents' order. `start_in_us` is 0: the desk sets it when it hands one out.
    pub assignments: Vec<Assignment>,
    /// How many peers each agent probes, when not all of them.
    pub sampling: Option<Sampling>,
}

/// Gives every agent its own pod, every target that is not a pod's, and its peers: all of them while they fit, else
/// (or when `peers_per_round` says so) a sample that moves on from round to round, see [`Sampling`]. Same
/// arguments, same assignments; the order of `agents` does not matter.
///
/// # Errors
/// When the rate asked for does not fit even with a single peer.
pub fn assign(
    round: &RoundId,
    terms: &Terms<'_>,
    targets: &[Target],
    agents: &[AgentId],
) -> Result<Assigned, OverBudget> {
    let agents: BTreeSet<&AgentId> = agents.iter().collect();
    if agents.len() > AGENTS_MAX {
        return Err(OverBudget::Agents { agents: agents.len() });
    }
    let places = places(targets, &agents);
    let of = places.len().saturating_sub(1);
    let peers = peers_that_fit(terms, targets, agents.len(), of)?;
    let sampling = (peers < of).then(|| Sampling::new(peers, of));
    let probed = sampling.map_or_else(|| vec![true; of + 1], |sampling| sampling.distances(round.number));
    let distances = turns(probed.iter().copied());
    let shifts = Shifts::new(round, agents.len(), targets);
    let targets_of = |place: usize, agent: &AgentId| {
        let own = places[agent.pod.as_str()];
        let probe = |(index, target): (usize, &Target)| {
            let away = |pod: &String| (places[pod.as_str()] + places.len() - own) % places.len();
            let away = target.backend.as_ref().map(away);
            let distance = away.map(|away| distances[away]);
            let shift = || shifts.shift(place, index, distance);
            away.is_none_or(|away| probed[away]).then(|| Target { shift: shift(), ..target.clone() })
        };
        targets.iter().enumerate().filter_map(probe).collect()
    };
    let count = agents.len();
    let assignment = |(place, agent): (usize, &AgentId)| Assignment {
        round: round.clone(),
        agent: agent.clone(),
        load: terms.load,
        targets: targets_of(place, agent),
        start_in_us: 0,
        deadline_us: terms.deadline_us,
        nonces_from: nonces_from(round, place, count),
        key: terms.key.clone(),
    };
    Ok(Assigned { assignments: agents.into_iter().enumerate().map(assignment).collect(), sampling })
}

/// Every pod's place in the ring: those of the agents and those behind the targets, by name.
fn places<'a>(targets: &'a [Target], agents: &BTreeSet<&'a AgentId>) -> BTreeMap<&'a str, usize> {
    let backends = targets.iter().filter_map(|target| target.backend.as_deref());
    let pods: BTreeSet<&str> = backends.chain(agents.iter().map(|agent| agent.pod.as_str())).collect();
    pods.into_iter().enumerate().map(|(place, pod)| (pod, place)).collect()
}

fn peers_that_fit(
    terms: &Terms<'_>,
    targets: &[Target],
    agents: usize,
    of: usize,
) -> Result<usize, OverBudget> {
    let mut per_pod: BTreeMap<&str, u64> = BTreeMap::new();
    let mut shared: BTreeMap<IpAddr, u64> = BTreeMap::new();
    for target in targets {
        match &target.backend {
            Some(pod) => *per_pod.entry(pod).or_default() += 1,
            None => *shared.entry(target.address.ip()).or_default() += 1,
        }
    }
    for (&address, &targets) in &shared {
        check_destination(&terms.load, agents as u64, address, targets)?;
    }
    let demand = Demand {
        load: terms.load,
        agents: agents as u64,
        peers: of as u64,
        peers_wanted: u64::from(terms.peers_per_round),
        targets_per_pod: per_pod.into_values().max().unwrap_or(0),
        shared: shared.into_values().sum(),
    };
    let peers = demand.peers_that_fit()?;
    Ok(usize::try_from(peers).expect("no more peers fit than there are"))
}

/// As far apart as so many agents can be, so that no two use the same nonce in a round.
fn nonces_from(round: &RoundId, place: usize, count: usize) -> u64 {
    let share = ((place as u128) << 64) / count as u128;
    spread(round).wrapping_add(u64::try_from(share).expect("a place below the count is a share below one"))
}
