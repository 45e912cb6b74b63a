//! The keys of the rounds this agent answers probes for.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use netreach_wire::{EchoKey, ProbeTag, RoundId, Signer};

/// Rounds whose probes are answered at one time: probes of a round that just ended may still be under way.
const ROUNDS_MAX: usize = 16;

/// Newest round first.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    rounds: RwLock<VecDeque<(RoundId, Signer)>>,
}

impl Keys {
    /// From now on probes of this round are answered in full.
    pub(crate) fn add(&self, round: &RoundId, key: &EchoKey) {
        let mut rounds = self.rounds.write().unwrap_or_else(PoisonError::into_inner);
        rounds.retain(|(known, _)| known != round);
        rounds.push_front((round.clone(), Signer::new(key)));
        rounds.truncate(ROUNDS_MAX);
    }

    /// Answers with `sign` if the header value is a tag of one of the rounds.
    pub(crate) fn with_tag<T>(&self, header: &[u8], sign: impl FnOnce(&Signer, &ProbeTag) -> T) -> Option<T> {
        let rounds = self.rounds.read().unwrap_or_else(PoisonError::into_inner);
        let (signer, tag) =
            rounds.iter().find_map(|(_, signer)| Some((signer, signer.verify_tag(header)?)))?;
        Some(sign(signer, &tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> EchoKey {
        EchoKey::new([byte; 32])
    }

    #[test]
    fn only_the_newest_rounds_are_answered() {
        let keys = Keys::default();
        let tag = Signer::new(&key(0)).tag(1);
        let known = |keys: &Keys| keys.with_tag(tag.as_bytes(), |_, _| ()).is_some();
        assert!(!known(&keys));
        for number in 0..=16_u8 {
            keys.add(&RoundId { uid: "u".to_owned(), number: number.into() }, &key(number));
            assert_eq!(known(&keys), number < 16, "after round {number}");
        }
    }
}
