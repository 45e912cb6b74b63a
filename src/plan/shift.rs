//! When within an interval each agent probes each target.
//!
//! A destination's interval has one part for each probe that comes to it, and no two agents share one: of a pod's, an agent has
//! those of its distance from the pod in the ring; of an address in front of all, those of its own place. Within the first half of
//! a part each agent has an instant of its own. So a destination never gets more than twice its share, however short the
//! time that is looked at, and agents do not fire in step.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netreach_wire::{RoundId, Target};

/// Which one this is among its equals (from 0), and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    nth: u128,
    of: u128,
}

/// A round's shifts, as fractions of an interval in 2^-64 (see [`Target::shift`]).
#[derive(Debug)]
pub(crate) struct Shifts {
    /// Where the first one stands: differs from round to round and from NetReach to NetReach.
    base: u64,
    agents: u128,
    /// Of each target at its destination.
    turns: Vec<Turn>,
    /// Of each target that is in front of all among these; of no meaning for the others.
    fronts: Vec<Turn>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Destination<'a> {
    Pod(&'a str),
    Front(IpAddr),
}

impl Shifts {
    pub(crate) fn new(round: &RoundId, agents: usize, targets: &[Target]) -> Self {
        let destinations = targets.iter().map(|target| match &target.backend {
            Some(pod) => Destination::Pod(pod),
            None => Destination::Front(target.address.ip()),
        });
        let is_front = targets.iter().map(|target| target.backend.is_none());
        Self {
            base: spread(round),
            agents: agents as u128,
            turns: turns(destinations),
            fronts: turns(is_front),
        }
    }

    /// When the agent in this place (from 0, below the agents' number) probes the target of that index; `distance`: the turn of the
    /// agent's distance from the target's pod among those that are probed, if there is one pod that must answer.
    pub(crate) fn shift(&self, place: usize, target: usize, distance: Option<Turn>) -> u64 {
        let (agents, place, turn) = (self.agents, place as u128, self.turns[target]);
        let Turn { nth: first, of: parts } = distance.unwrap_or_else(|| {
            let Turn { nth, of } = self.fronts[target];
            Turn { nth: (nth * agents / of + place) % agents, of: agents }
        });
        let (part, parts) = (first * turn.of + turn.nth, parts * turn.of);
        // As far into the part's first half as the agent is among all.
        let fraction = ((2 * agents * part + place) << 64) / (2 * agents * parts);
        let fraction =
            u64::try_from(fraction).expect("a part below the number of parts is a fraction below one");
        self.base.wrapping_add(fraction)
    }
}

/// The turn of each item among its equals.
pub(crate) fn turns<K: Ord + Copy>(keys: impl IntoIterator<Item = K>) -> Vec<Turn> {
    let mut counts = BTreeMap::new();
    let mut count = |key| {
        let count = counts.entry(key).or_insert(0);
        *count += 1;
        (key, *count - 1)
    };
    let counted: Vec<(K, u128)> = keys.into_iter().map(&mut count).collect();
    counted.into_iter().map(|(key, nth)| Turn { nth, of: counts[&key] }).collect()
}

/// FNV-1a (64 bits) over the round, stirred by the finalizer of SplitMix64, since FNV alone leaves like names with like numbers.
pub(crate) fn spread(round: &RoundId) -> u64 {
    let parts = [round.uid.as_bytes(), &round.number.to_le_bytes()];
    let fnv = parts.into_iter().flatten().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
