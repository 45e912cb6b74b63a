//! The desk itself: one place where the composer lays down rounds and agents ask for them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_channel::{Receiver, Sender, bounded};
use async_std::future::timeout;
use event_listener::Event;
use netreach_wire::limits::{HELD_ROUNDS_MAX, KEYS_MAX, LISTENING_MAX, POLL_WAIT_MS_MAX};
use netreach_wire::{
    AgentId, AgentResult, Assignment, EchoKey, KeyId, Poll, PollReply, Receipt, RoundId, VERSION,
};

use crate::agents::{Agents, Turn};
use crate::answering::Answering;
use crate::event::{DeskEvent, Keeping};
use crate::limits::{EVENTS_MAX, RESULTS_AT_ONCE_MAX};
use crate::refused::Refused;
use crate::rounds::Rounds;
use crate::{Clock, DeskError, Identify};

/// The desk. Clones are the same desk.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

struct Inner {
    identify: Box<dyn Identify>,
    clock: Box<dyn Clock>,
    events: Sender<DeskEvent>,
    // A channel that holds as many tokens as results may be read at once.
    reading: (Sender<()>, Receiver<()>),
    /// A result was kept, or could not be.
    kept: Event,
    /// An agent has polled.
    polled: Event,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    agents: Agents,
    rounds: Rounds,
    answering: Answering,
    is_ended: bool,
}

impl Desk {
    /// A desk and what it has to say. Whoever receives must go on receiving: agents wait when the events are not
    /// taken.
    #[must_use]
    pub fn new(
        identify: impl Identify + 'static,
        clock: impl Clock + 'static,
    ) -> (Self, Receiver<DeskEvent>) {
        let (events, received) = bounded(EVENTS_MAX);
        let inner = Inner {
            identify: Box::new(identify),
            clock: Box::new(clock),
            events,
            reading: bounded(RESULTS_AT_ONCE_MAX),
            kept: Event::new(),
            polled: Event::new(),
            state: Mutex::default(),
        };
        (Self { inner: Arc::new(inner) }, received)
    }

    /// A desk in the place of an earlier one whose rounds are still to be opened again: until [`Self::caught_up`] a result of a round
    /// that is not known yet is asked for again instead of refused.
    #[must_use]
    pub fn catching_up(
        identify: impl Identify + 'static,
        clock: impl Clock + 'static,
    ) -> (Self, Receiver<DeskEvent>) {
        let (desk, events) = Self::new(identify, clock);
        desk.state().rounds.begin_catching_up();
        (desk, events)
    }

    /// Every round that was open before is open again: one that is not known now is over, and agents may forget it.
    pub fn caught_up(&self) {
        let mut state = self.state();
        state.rounds.catch_up();
        state.agents.wake_all();
    }

    /// Takes note that results of these agents were kept before this desk was there. Unknown ones are passed over.
    pub fn mark_kept<'a>(&self, id: &RoundId, agents: impl IntoIterator<Item = &'a AgentId>) {
        let mut state = self.state();
        for agent in agents {
            state.rounds.end_keeping(agent, id, true);
        }
    }

    /// Takes note of a round that was closed before this desk was there, and of its agents: with how many targets the result is in its
    /// report, or none where there was no result. An agent whose receipt was lost with the earlier desk hears that its result is kept. A
    /// round that is known stays as it is.
    pub fn recall(&self, id: RoundId, agents: impl IntoIterator<Item = (AgentId, Option<usize>)>) {
        self.state().rounds.recall(id, agents);
    }

    /// Lays down a round: each agent gets its assignment with its next poll, or with the one that waits. The
    /// assignments' own `start_in_us` and `deadline_us` are overwritten, from `start` and `deadline` by this desk's
    /// clock at the moment of sending.
    ///
    /// # Errors
    /// When the round is known already or cannot be as it is.
    pub fn open(
        &self,
        id: RoundId,
        start: Instant,
        deadline: Instant,
        assignments: Vec<Assignment>,
    ) -> Result<(), DeskError> {
        let mut state = self.state();
        state.rounds.open(id.clone(), start, deadline, assignments)?;
        state.wake_agents_of(&id);
        Ok(())
    }

    /// Has an agent that came after a round had begun answer its probes, which the round's key signs: behind a Service it may be reached
    /// by them. To be called before [`Self::close`]; calling it again changes nothing.
    pub fn admit(&self, id: &RoundId, key: &EchoKey, agent: &AgentId) {
        let mut state = self.state();
        if state.answering.add(id, key, agent) {
            state.agents.wake(agent);
        }
    }

    /// Has agents answer the probes of a round that is to be opened, and waits until each has shown by a poll that it does: one that the
    /// others probe before that is a stranger to them. Gives those that have not shown it in time.
    pub async fn prepare<'a>(
        &self,
        id: &RoundId,
        key: &EchoKey,
        agents: impl IntoIterator<Item = &'a AgentId>,
        within: Duration,
    ) -> Vec<&'a AgentId> {
        let mut silent: Vec<_> = agents.into_iter().collect();
        silent.iter().for_each(|agent| self.admit(id, key, agent));
        // The timer is the executor's, like that of a poll.
        let _ = timeout(within, self.all_know(key.id(), &mut silent)).await;
        let state = self.state();
        silent.retain(|agent| !state.agents.knows(agent, key.id()));
        silent
    }

    /// Waits until of the agents none is left that has not shown that it knows the key.
    async fn all_know(&self, key: KeyId, silent: &mut Vec<&AgentId>) {
        loop {
            // Heard from before the look, so that nothing falls between the two.
            let polled = self.inner.polled.listen();
            // From the end, until there is one that has not: most polls cost one look.
            while silent.pop_if(|agent| self.state().agents.knows(agent, key)).is_some() {}
            if silent.is_empty() {
                return;
            }
            polled.await;
        }
    }

    /// Tells the round's agents to end it now; their results are taken as before.
    ///
    /// # Errors
    /// When the round is not known.
    pub fn cancel(&self, id: &RoundId) -> Result<(), DeskError> {
        let mut state = self.state();
        state.rounds.cancel(id)?;
        state.wake_agents_of(id);
        Ok(())
    }

    /// Ends a round: results that come from here on are late, and agents may forget the kept ones. Closing it again
    /// changes nothing.
    ///
    /// # Errors
    /// When the round is not known.
    pub fn close(&self, id: &RoundId) -> Result<(), DeskError> {
        let mut state = self.state();
        state.answering.forget(id);
        state.rounds.close(id)?;
        state.wake_agents_of(id);
        Ok(())
    }

    /// Waits until of no result of the round it is open whether it is kept: of those that came before it was closed.
    pub async fn all_kept(&self, id: &RoundId) {
        loop {
            // Heard from before the look, so that nothing falls between the two.
            let news = self.inner.kept.listen();
            if !self.state().rounds.is_keeping(id) {
                return;
            }
            news.await;
        }
    }

    /// Sends every waiting poll away, and every later one: before its server is stopped, so that it need not wait
    /// for them.
    pub fn end(&self) {
        let mut state = self.state();
        state.is_ended = true;
        state.agents.wake_all();
    }

    /// What is to be added to the agent's clock to get this desk's, microseconds; none before its first poll.
    #[must_use]
    pub fn clock_offset_us(&self, agent: &AgentId) -> Option<i64> {
        self.state().agents.clock_offset_us(agent)
    }

    pub(crate) fn identity(&self) -> &dyn Identify {
        &*self.inner.identify
    }

    /// Waits until a result may be read; the next may when this is dropped.
    pub(crate) async fn reading_turn(&self) -> impl Drop + '_ {
        // The channel cannot be closed: both of its ends live as long as the desk.
        let _ = self.inner.reading.0.send(()).await;
        ReadingTurn(&self.inner.reading.1)
    }

    /// Waits for news.
    pub(crate) async fn poll(&self, agent: &AgentId, poll: Poll) -> Result<PollReply, Refused> {
        at_most("addresses", poll.listening.len(), LISTENING_MAX)?;
        at_most("rounds being probed", poll.probing.len(), HELD_ROUNDS_MAX)?;
        at_most("held rounds", poll.held.len(), HELD_ROUNDS_MAX)?;
        at_most("keys", poll.keys.len(), KEYS_MAX)?;
        let clock = &self.inner.clock;
        let turn = self.state().agents.arrive(agent, &poll, clock.now(), clock.wall_us());
        self.inner.polled.notify(usize::MAX);
        if turn.is_changed {
            let (listening, clock_offset_us) = (poll.listening.clone(), turn.clock_offset_us);
            self.tell(DeskEvent::Present { agent: agent.clone(), listening, clock_offset_us }).await?;
        }
        let wait = Duration::from_millis(poll.wait_ms.min(POLL_WAIT_MS_MAX));
        // The timer is the executor's, not the desk's clock: it only bounds how long a connection is held.
        match timeout(wait, self.wait_for_news(agent, &poll, &turn)).await {
            Ok(reply) => reply,
            Err(_) => self.look(agent, &poll, &turn, true).map(Option::unwrap_or_default).map(spoken),
        }
    }

    /// Takes a result: the receipt comes after the composer has kept it.
    pub(crate) async fn submit(&self, agent: AgentId, result: Box<AgentResult>) -> Result<Receipt, Refused> {
        let round = result.round.clone();
        let now = self.inner.clock.now();
        let receipt = self.state().rounds.begin_keeping(&agent, &round, result.targets.len(), now)?;
        if receipt == Receipt::Duplicate {
            return Ok(receipt);
        }
        let clock_offset_us = self.clock_offset_us(&agent);
        let mut owed = Owed { desk: self, agent: agent.clone(), round: round.clone(), is_kept: false };
        let (keeping, kept) = Keeping::new();
        self.tell(DeskEvent::Submitted { agent, receipt, result, clock_offset_us, keeping }).await?;
        kept.recv().await.map_err(|_| Refused::NotKept { round })?;
        owed.is_kept = true;
        Ok(receipt)
    }

    async fn wait_for_news(&self, agent: &AgentId, poll: &Poll, turn: &Turn) -> Result<PollReply, Refused> {
        loop {
            // Heard from before the look, so that nothing falls between the two.
            let news = turn.news.listen();
            if let Some(reply) = self.look(agent, poll, turn, false)? {
                return Ok(spoken(reply));
            }
            news.await;
        }
    }

    fn look(
        &self,
        agent: &AgentId,
        poll: &Poll,
        turn: &Turn,
        is_last_word: bool,
    ) -> Result<Option<PollReply>, Refused> {
        let mut state = self.state();
        let State { agents, rounds, answering, is_ended } = &mut *state;
        if *is_ended {
            return Err(Refused::Ended);
        }
        let Some(told_lost) = agents.told_lost(agent, turn) else {
            // The agent has asked anew, most likely on another connection: nobody reads this one.
            return Ok(Some(PollReply::default()));
        };
        let answer = answering.news(agent, &poll.keys, is_last_word);
        let news = rounds.news(agent, poll, told_lost, self.inner.clock.now(), is_last_word);
        Ok(match news {
            None if answer.is_empty() => None,
            news => Some(PollReply { answer, ..news.unwrap_or_default() }),
        })
    }

    async fn tell(&self, event: DeskEvent) -> Result<(), Refused> {
        self.inner.events.send(event).await.map_err(|_| Refused::Ended)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What the lock guards is changed in single steps: a panic elsewhere leaves nothing half done.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake_agents_of(&self, id: &RoundId) {
        self.rounds.agents(id).for_each(|agent| self.agents.wake(agent));
    }
}

/// A result between its arrival and the composer's word, given back however that ends.
struct Owed<'a> {
    desk: &'a Desk,
    agent: AgentId,
    round: RoundId,
    is_kept: bool,
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        let mut state = self.desk.state();
        state.rounds.end_keeping(&self.agent, &self.round, self.is_kept);
        // A late result of a closed round: the poll that waits may say that it can be forgotten.
        state.agents.wake(&self.agent);
        drop(state);
        self.desk.inner.kept.notify(usize::MAX);
    }
}

struct ReadingTurn<'a>(&'a Receiver<()>);

impl Drop for ReadingTurn<'_> {
    fn drop(&mut self) {
        let _ = self.0.try_recv();
    }
}

fn at_most(what: &'static str, found: usize, max: usize) -> Result<(), Refused> {
    if found <= max { Ok(()) } else { Err(Refused::TooMany { what, found, max }) }
}

fn spoken(reply: PollReply) -> PollReply {
    PollReply { version: VERSION, ..reply }
}
