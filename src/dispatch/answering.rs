//! Who is to answer the probes of which rounds, whether it has a part in them or not. Pure.

use std::collections::HashMap;

use netreach_wire::{AgentId, EchoKey, KeyId, RoundId, RoundKey};

use crate::limits::HAND_OUTS_MAX;

/// The rounds whose keys agents are told.
#[derive(Default)]
pub(crate) struct Answering(HashMap<RoundId, Round>);

struct Round {
    key: EchoKey,
    id: KeyId,
    /// How often each agent has been told since it was last seen to know.
    told: HashMap<AgentId, u8>,
}

impl Answering {
    /// Whether that is news.
    pub(crate) fn add(&mut self, id: &RoundId, key: &EchoKey, agent: &AgentId) -> bool {
        let new = || Round { key: key.clone(), id: key.id(), told: HashMap::new() };
        let round = self.0.entry(id.clone()).or_insert_with(new);
        if round.key != *key {
            // It was to be opened before, and could not be.
            *round = new();
        }
        let is_new = !round.told.contains_key(agent);
        if is_new {
            round.told.insert(agent.clone(), 0);
        }
        is_new
    }

    /// The round is over.
    pub(crate) fn forget(&mut self, id: &RoundId) {
        self.0.remove(id);
    }

    /// What an agent is to answer and does not, going by the keys it says it has. An agent that never takes a key is told on only as the
    /// last word of each poll: it would be answered without a pause.
    pub(crate) fn news(&mut self, agent: &AgentId, keys: &[KeyId], is_last_word: bool) -> Vec<RoundKey> {
        let of_agent = self.0.iter_mut().filter_map(|(id, round)| {
            let told = round.told.get_mut(agent)?;
            if keys.contains(&round.id) {
                *told = 0;
                return None;
            }
            let is_told = is_last_word || *told < HAND_OUTS_MAX;
            *told = told.saturating_add(1);
            is_told.then(|| RoundKey { round: id.clone(), key: round.key.clone() })
        });
        of_agent.collect()
    }
}
