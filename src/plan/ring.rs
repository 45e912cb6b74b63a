//! Who probes whom when not everybody can probe everybody.
//!
//! The pods stand in a ring. In one round every agent probes the pods at the same few distances from its own, so every pod
//! is probed by as many agents as it probes itself; from round to round the distances move on until all have
//! had their turn. Needs no state: the round's number says which distances they are.

use std::fmt;

/// How far a round samples the pairs of agent and peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Peers that each agent probes in one round.
    pub peers: usize,
    /// Peers that it has.
    pub of: usize,
    /// Rounds in a row after which every agent has probed every peer, while the pods stay the same.
    pub rounds_for_all: usize,
}

impl Sampling {
    pub(crate) fn new(peers: usize, of: usize) -> Self {
        Self { peers, of, rounds_for_all: of.div_ceil(peers) }
    }

    /// For each distance from an agent's own pod (0, …, `of`), whether a pod there is probed in round `number`.
    pub(crate) fn distances(&self, number: u64) -> Vec<bool> {
        let Self { peers, of, rounds_for_all } = *self;
        let turn = (number.saturating_sub(1) % rounds_for_all as u64) as usize;
        let stride = stride(of);
        let mut probed = vec![false; of + 1];
        probed[0] = true;
        for place in turn * peers..(turn + 1) * peers {
            probed[1 + place % of * stride % of] = true;
        }
        probed
    }
}

impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peers, of, rounds_for_all } = self;
        write!(f, "{peers} of {of} peers, all pairs after {rounds_for_all} rounds")
    }
}

/// Steps that visit every one of `of` places once, far apart each time: neighbours in the ring are often
/// neighbours in the data centre, and a round should see more than one corner of it.
fn stride(of: usize) -> usize {
    // The golden section leaves the widest gaps.
    let golden = of * 618 / 1000;
    (golden.max(1)..).find(|&stride| gcd(stride, of) == 1).expect("some number is coprime to any other")
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

        #[test]
        fn every_distance_has_its_turn_in_any_run_of_rounds(of in 1_usize..300, share in 1_usize..300, from in 1_u64..1_000_000) {
            let sampling = Sampling::new(share.min(of), of);
            let mut seen = vec![false; of + 1];
            for number in from..from + sampling.rounds_for_all as u64 {
                let probed = sampling.distances(number);
                prop_assert_eq!(probed.iter().filter(|&&probed| probed).count(), sampling.peers + 1);
                seen.iter_mut().zip(probed).for_each(|(seen, probed)| *seen |= probed);
            }
            prop_assert!(seen.into_iter().all(|seen| seen));
        }
    }

    #[test]
    fn rounds_for_all_are_as_few_as_can_be() {
        for (peers, of, rounds) in [(64, 499, 8), (1, 1, 1), (1, 9, 9), (3, 9, 3), (4, 9, 3), (9, 9, 1)] {
            let expected = format!("{peers} of {of} peers, all pairs after {rounds} rounds");
            assert_eq!(Sampling::new(peers, of).to_string(), expected);
        }
    }
}
