//! The keys of the rounds this agent answers probes for.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use netreach_wire::limits::KEYS_MAX;
use netreach_wire::{EchoKey, KeyId, ProbeTag, RoundId, Signer};

/// Newest round first.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    rounds: RwLock<VecDeque<Known>>,
}

#[derive(Debug)]
struct Known {
    round: RoundId,
    id: KeyId,
    signer: Signer,
}

impl Keys {
    /// From now on probes of this round are answered in full.
    pub(crate) fn add(&self, round: &RoundId, key: &EchoKey) {
        let mut rounds = self.rounds.write().unwrap_or_else(PoisonError::into_inner);
        rounds.retain(|known| known.round != *round);
        rounds.push_front(Known { round: round.clone(), id: key.id(), signer: Signer::new(key) });
        rounds.truncate(KEYS_MAX);
    }

    /// What the keys are called, newest first.
    pub(crate) fn ids(&self) -> Vec<KeyId> {
        let rounds = self.rounds.read().unwrap_or_else(PoisonError::into_inner);
        rounds.iter().map(|known| known.id).collect()
    }

    /// Answers with `sign` if the header value is a tag of one of the rounds.
    pub(crate) fn with_tag<T>(&self, header: &[u8], sign: impl FnOnce(&Signer, &ProbeTag) -> T) -> Option<T> {
        let rounds = self.rounds.read().unwrap_or_else(PoisonError::into_inner);
        let (signer, tag) =
            rounds.iter().find_map(|Known { signer, .. }| Some((signer, signer.verify_tag(header)?)))?;
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
