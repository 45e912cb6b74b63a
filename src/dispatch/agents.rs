//! Who has polled, from where, and how far its clock is off. Pure.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use event_listener::Event;
use netreach_wire::{AgentId, KeyId, Poll, RoundId};

use crate::limits::{AGENTS_MAX, OFFSET_POLLS};

/// The agents that have polled.
#[derive(Default)]
pub(crate) struct Agents {
    known: HashMap<AgentId, Known>,
}

/// One poll's place in line: a newer one of the same agent takes it over.
#[derive(Clone)]
pub(crate) struct Turn {
    number: u64,
    /// Wakes the poll that waits.
    pub(crate) news: Arc<Event>,
    /// Whether the composer has to hear of the agent.
    pub(crate) is_changed: bool,
    /// The agent's clock offset, microseconds.
    pub(crate) clock_offset_us: i64,
}

struct Known {
    listening: Vec<SocketAddr>,
    keys: Vec<KeyId>,
    offsets_us: VecDeque<i64>,
    turn: u64,
    news: Arc<Event>,
    seen: Instant,
    /// Rounds that nobody knows and that it was told to end: at most as many as it says it probes.
    told_lost: Vec<RoundId>,
}

impl Agents {
    /// Notes a poll and gives it the agent's turn; the poll that had it before ends.
    pub(crate) fn arrive(&mut self, agent: &AgentId, poll: &Poll, now: Instant, wall_us: i64) -> Turn {
        let is_new = !self.known.contains_key(agent);
        if is_new && self.known.len() >= AGENTS_MAX {
            self.forget_the_longest_silent();
        }
        let known = self.known.entry(agent.clone()).or_insert_with(|| Known {
            listening: Vec::new(),
            keys: Vec::new(),
            offsets_us: VecDeque::new(),
            turn: 0,
            news: Arc::new(Event::new()),
            seen: now,
            told_lost: Vec::new(),
        });
        let is_changed = is_new || known.listening != poll.listening;
        known.listening.clone_from(&poll.listening);
        known.keys.clone_from(&poll.keys);
        known.seen = now;
        known.turn += 1;
        known.note_offset(wall_us.saturating_sub(poll.clock_us));
        known.news.notify(usize::MAX);
        Turn {
            number: known.turn,
            news: Arc::clone(&known.news),
            is_changed,
            clock_offset_us: known.offset_us().unwrap_or_default(),
        }
    }

    /// The rounds that nobody knows and that the agent was told to end, while no newer poll has come.
    pub(crate) fn told_lost(&mut self, agent: &AgentId, turn: &Turn) -> Option<&mut Vec<RoundId>> {
        let known = self.known.get_mut(agent)?;
        (known.turn == turn.number).then_some(&mut known.told_lost)
    }

    /// Whether the agent said with its last poll that it answers probes by this key.
    pub(crate) fn knows(&self, agent: &AgentId, key: KeyId) -> bool {
        self.known.get(agent).is_some_and(|known| known.keys.contains(&key))
    }

    /// What is to be added to the agent's clock to get ours, microseconds.
    pub(crate) fn clock_offset_us(&self, agent: &AgentId) -> Option<i64> {
        self.known.get(agent)?.offset_us()
    }

    /// Wakes the agent's poll, if one waits.
    pub(crate) fn wake(&self, agent: &AgentId) {
        if let Some(known) = self.known.get(agent) {
            known.news.notify(usize::MAX);
        }
    }

    pub(crate) fn wake_all(&self) {
        self.known.values().for_each(|known| {
            known.news.notify(usize::MAX);
        });
    }

    fn forget_the_longest_silent(&mut self) {
        let silent = self.known.iter().min_by_key(|(_, known)| known.seen);
        if let Some(agent) = silent.map(|(agent, _)| agent.clone()) {
            self.known.remove(&agent);
        }
    }
}

impl Known {
    fn note_offset(&mut self, us: i64) {
        if self.offsets_us.len() == OFFSET_POLLS {
            self.offsets_us.pop_front();
        }
        self.offsets_us.push_back(us);
    }

    /// Each difference is the true offset plus the poll's time on the way, which is never negative: the smallest of
    /// the recent ones is nearest to the truth. Recent, for clocks drift and are set.
    fn offset_us(&self) -> Option<i64> {
        self.offsets_us.iter().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(node: usize) -> AgentId {
        AgentId { node: format!("node-{node}"), pod: format!("agent-{node}") }
    }

    #[test]
    fn the_offset_is_that_of_the_quickest_recent_poll() {
        let (mut agents, now) = (Agents::default(), Instant::now());
        // The agent's clock is 1,000 µs behind; polls take 70, 5, 300 µs and so on.
        let mut arrive = |delay_us: i64| {
            let poll = Poll { clock_us: 10_000, ..Poll::default() };
            agents.arrive(&agent(1), &poll, now, 11_000 + delay_us).clock_offset_us
        };
        assert_eq!([70, 5, 300].map(&mut arrive), [1_070, 1_005, 1_005]);
        // The quick one is forgotten in time.
        let last = [400; OFFSET_POLLS].map(&mut arrive)[OFFSET_POLLS - 1];
        assert_eq!(last, 1_400);
        assert_eq!(agents.clock_offset_us(&agent(2)), None);
    }

    #[test]
    fn a_newer_poll_takes_the_turn_and_changed_addresses_are_news() {
        let (mut agents, now) = (Agents::default(), Instant::now());
        let mut poll = Poll::default();
        let first = agents.arrive(&agent(1), &poll, now, 0);
        let second = agents.arrive(&agent(1), &poll, now, 0);
        assert_eq!((first.is_changed, second.is_changed), (true, false));
        assert!(agents.told_lost(&agent(1), &first).is_none());
        assert!(agents.told_lost(&agent(1), &second).is_some());
        poll.listening = vec!["127.0.0.2:80".parse().unwrap()];
        assert!(agents.arrive(&agent(1), &poll, now, 0).is_changed);
    }

    #[test]
    fn at_the_bound_the_longest_silent_agent_is_forgotten() {
        let (mut agents, poll) = (Agents::default(), Poll::default());
        let began = Instant::now();
        for index in 0..=AGENTS_MAX {
            let now = began + std::time::Duration::from_secs(index as u64);
            agents.arrive(&agent(index), &poll, now, 0);
        }
        assert_eq!(agents.known.len(), AGENTS_MAX);
        assert_eq!(agents.clock_offset_us(&agent(0)), None);
        assert_eq!(agents.clock_offset_us(&agent(1)), Some(0));
    }
}
