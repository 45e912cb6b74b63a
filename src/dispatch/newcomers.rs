//! Agents that came after a round had begun: they have no part in it, but the others' probes may reach them. Pure.

use std::collections::HashMap;

use netreach_wire::{AgentId, EchoKey, RoundId, RoundKey};

/// By round, who came and whether it has been told.
#[derive(Default)]
pub(crate) struct Newcomers(HashMap<RoundId, (EchoKey, HashMap<AgentId, bool>)>);

impl Newcomers {
    /// Whether that is news.
    pub(crate) fn admit(&mut self, id: &RoundId, key: &EchoKey, agent: &AgentId) -> bool {
        let (_, agents) = self.0.entry(id.clone()).or_insert_with(|| (key.clone(), HashMap::new()));
        if agents.contains_key(agent) {
            return false;
        }
        agents.insert(agent.clone(), false);
        true
    }

    /// The round is over.
    pub(crate) fn forget(&mut self, id: &RoundId) {
        self.0.remove(id);
    }

    /// What an agent is to answer: said once, and again only as the last word of a poll, for the first may have been lost.
    pub(crate) fn answer(&mut self, agent: &AgentId, is_last_word: bool) -> Vec<RoundKey> {
        let of_agent = self.0.iter_mut().filter_map(|(round, (key, agents))| {
            let is_told = agents.get_mut(agent)?;
            let is_news = !std::mem::replace(is_told, true);
            (is_news || is_last_word).then(|| RoundKey { round: round.clone(), key: key.clone() })
        });
        of_agent.collect()
    }
}
