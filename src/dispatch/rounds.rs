//! The rounds the desk knows: what is still to be handed out, what has come in. Pure.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use netreach_wire::limits::TARGETS_PER_AGENT_MAX;
use netreach_wire::{AgentId, Assignment, Poll, PollReply, Receipt, RoundId, VERSION};

use crate::limits::{HAND_OUTS_MAX, ROUNDS_CLOSED_MAX, ROUNDS_OPEN_MAX};
use crate::refused::Refused;

/// The composer asked for something that cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DeskError {
    /// Its id is taken.
    #[error("could not open round {id} (it has been opened before)")]
    Known {
        /// Which round.
        id: RoundId,
    },
    /// There is no such round.
    #[error("could not find round {id} (it was not opened here, or closed long ago)")]
    Unknown {
        /// Which round.
        id: RoundId,
    },
    /// Too many are open.
    #[error("could not open round {id} (at most {ROUNDS_OPEN_MAX} are open at once): close one first")]
    TooMany {
        /// Which round.
        id: RoundId,
    },
    /// It would be over before it starts.
    #[error("could not open round {id} (its deadline is not after its start)")]
    NoTime {
        /// Which round.
        id: RoundId,
    },
    /// An assignment is of another round, its agent's second, or too large.
    #[error(
        "could not open round {id} (the assignment of {agent} must be of this round, the agent's only one \
         and of at most {TARGETS_PER_AGENT_MAX} targets)"
    )]
    Assignment {
        /// Which round.
        id: RoundId,
        /// Whose assignment.
        agent: AgentId,
    },
}

/// All rounds the desk knows.
#[derive(Default)]
pub(crate) struct Rounds {
    known: HashMap<RoundId, Round>,
    /// In the order in which they were closed.
    closed: VecDeque<RoundId>,
    past: Past,
}

/// What is known of rounds that are not among the known ones.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Past {
    /// Nothing.
    #[default]
    Unknown,
    /// They may be opened again.
    CatchingUp,
    /// They are over.
    Over,
}

struct Round {
    start: Instant,
    deadline: Instant,
    state: State,
    parts: HashMap<AgentId, Part>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Cancelled,
    Closed,
}

/// One agent's part of a round.
struct Part {
    /// None where it is not known any more.
    targets: Option<usize>,
    /// None when it need never be handed out (again).
    assignment: Option<Assignment>,
    hand_outs: u8,
    is_cancel_told: bool,
    is_closed_told: bool,
    result: Holding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holding {
    Nothing,
    BeingKept,
    Kept,
}

impl Rounds {
    pub(crate) fn open(
        &mut self,
        id: RoundId,
        start: Instant,
        deadline: Instant,
        assignments: Vec<Assignment>,
    ) -> Result<(), DeskError> {
        if self.known.contains_key(&id) {
            return Err(DeskError::Known { id });
        }
        if self.known.len() - self.closed.len() >= ROUNDS_OPEN_MAX {
            return Err(DeskError::TooMany { id });
        }
        if deadline <= start {
            return Err(DeskError::NoTime { id });
        }
        let mut parts = HashMap::with_capacity(assignments.len());
        for assignment in assignments {
            let agent = assignment.agent.clone();
            let fits = assignment.round == id && assignment.targets.len() <= TARGETS_PER_AGENT_MAX;
            if !fits || parts.insert(agent.clone(), Part::new(assignment)).is_some() {
                return Err(DeskError::Assignment { id, agent });
            }
        }
        self.known.insert(id, Round { start, deadline, state: State::Open, parts });
        Ok(())
    }

    /// Rounds of before are still to be opened again.
    pub(crate) fn begin_catching_up(&mut self) {
        self.past = Past::CatchingUp;
    }

    /// All of them are open again.
    pub(crate) fn catch_up(&mut self) {
        self.past = Past::Over;
    }

    /// Takes note of a round that was closed before there was this desk, and of its agents: with how many targets the result is in its
    /// report, or none where there was no result.
    pub(crate) fn recall(&mut self, id: RoundId, agents: impl IntoIterator<Item = (AgentId, Option<usize>)>) {
        if self.known.contains_key(&id) {
            return;
        }
        let parts = agents.into_iter().map(|(agent, targets)| (agent, Part::past(targets))).collect();
        let now = Instant::now();
        self.known.insert(id.clone(), Round { start: now, deadline: now, state: State::Closed, parts });
        self.remember(id);
    }

    /// Tells the round's agents to end it and submit as far as they got.
    pub(crate) fn cancel(&mut self, id: &RoundId) -> Result<(), DeskError> {
        let round = self.known.get_mut(id).ok_or_else(|| DeskError::Unknown { id: id.clone() })?;
        if round.state == State::Open {
            round.state = State::Cancelled;
        }
        Ok(())
    }

    /// From now on results are late.
    pub(crate) fn close(&mut self, id: &RoundId) -> Result<(), DeskError> {
        let round = self.known.get_mut(id).ok_or_else(|| DeskError::Unknown { id: id.clone() })?;
        if round.state == State::Closed {
            return Ok(());
        }
        round.state = State::Closed;
        round.parts.values_mut().for_each(|part| part.assignment = None);
        self.remember(id.clone());
        Ok(())
    }

    /// Remembers that a round is closed, for as long as not too many others are.
    fn remember(&mut self, id: RoundId) {
        self.closed.push_back(id);
        if self.closed.len() > ROUNDS_CLOSED_MAX
            && let Some(oldest) = self.closed.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Who has a part in the round.
    pub(crate) fn agents(&self, id: &RoundId) -> impl Iterator<Item = &AgentId> {
        self.known.get(id).into_iter().flat_map(|round| round.parts.keys())
    }

    /// What there is to tell an agent; none when there is nothing. `told_lost`: rounds that nobody knows any more, and that it was told
    /// to end. `is_last_word`: the poll ends now.
    pub(crate) fn news(
        &mut self,
        agent: &AgentId,
        poll: &Poll,
        told_lost: &mut Vec<RoundId>,
        now: Instant,
        is_last_word: bool,
    ) -> Option<PollReply> {
        let mut closed = self.settled(agent, poll, is_last_word);
        closed.extend(poll.held.iter().filter(|id| self.may_be_forgotten(agent, id)).cloned());
        let mut cancel = self.cancelled(agent, poll, is_last_word);
        cancel.extend(self.lost(poll, told_lost, is_last_word));
        let assignment = self.hand_out(agent, poll, now);
        let reply = PollReply { version: VERSION, assignment, cancel, closed, answer: Vec::new() };
        (!reply.is_empty()).then_some(reply)
    }

    /// Takes note that a result has come and says what its agent will be told. Unless that is a duplicate, the
    /// caller owes [`Self::end_keeping`].
    pub(crate) fn begin_keeping(
        &mut self,
        agent: &AgentId,
        id: &RoundId,
        targets: usize,
        now: Instant,
    ) -> Result<Receipt, Refused> {
        let unknown = match self.past {
            Past::CatchingUp => Refused::NotYet { round: id.clone() },
            Past::Unknown | Past::Over => not_assigned(agent, id),
        };
        let round = self.known.get_mut(id).ok_or(unknown)?;
        let is_late = round.state == State::Closed || now > round.deadline;
        let part = round.parts.get_mut(agent).ok_or_else(|| not_assigned(agent, id))?;
        if let Some(assigned) = part.targets.filter(|assigned| *assigned != targets) {
            return Err(Refused::Targets { round: id.clone(), found: targets, assigned });
        }
        match part.result {
            Holding::Kept => return Ok(Receipt::Duplicate),
            Holding::BeingKept => return Err(Refused::BeingKept { round: id.clone() }),
            Holding::Nothing => part.result = Holding::BeingKept,
        }
        Ok(if is_late { Receipt::Late } else { Receipt::OnTime })
    }

    pub(crate) fn end_keeping(&mut self, agent: &AgentId, id: &RoundId, is_kept: bool) {
        // None when the round has been forgotten meanwhile.
        let Some(part) = self.known.get_mut(id).and_then(|round| round.parts.get_mut(agent)) else { return };
        part.result = if is_kept { Holding::Kept } else { Holding::Nothing };
        if is_kept {
            part.assignment = None;
        }
    }

    /// Whether of any result of the round it is open whether it is kept.
    pub(crate) fn is_keeping(&self, id: &RoundId) -> bool {
        let parts = self.known.get(id).into_iter().flat_map(|round| round.parts.values());
        parts.into_iter().any(|part| part.result == Holding::BeingKept)
    }

    /// The assignment with the nearest start that the agent has not got; of two alike the one with the lower id.
    fn hand_out(&mut self, agent: &AgentId, poll: &Poll, now: Instant) -> Option<Assignment> {
        let lacks = |id: &RoundId| !poll.probing.contains(id) && !poll.held.contains(id);
        let open = self
            .known
            .iter_mut()
            .filter(|(id, round)| round.state == State::Open && now < round.deadline && lacks(id));
        let (start, _, deadline, part) = open
            .filter_map(|(id, round)| Some((round.start, id, round.deadline, round.parts.get_mut(agent)?)))
            .filter(|(start, .., part)| part.is_due(now < *start))
            .min_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)))?;
        let assignment = part.assignment.clone()?;
        part.hand_outs += 1;
        Some(Assignment {
            start_in_us: micros(start.saturating_duration_since(now)),
            deadline_us: micros(deadline.saturating_duration_since(start.max(now))),
            ..assignment
        })
    }

    /// Rounds the agent should end. Said once, and again only as the last word of a poll: an agent that is ending a
    /// round asks on meanwhile, and would be answered without a pause.
    fn cancelled(&mut self, agent: &AgentId, poll: &Poll, is_last_word: bool) -> Vec<RoundId> {
        let mut cancelled = Vec::new();
        for id in &poll.probing {
            // A closed round is over too, for whoever still probes.
            let Some(round) = self.known.get_mut(id).filter(|round| round.state != State::Open) else {
                continue;
            };
            // Nor does it probe whose result is just being kept.
            let Some(part) = round.parts.get_mut(agent).filter(|part| part.result == Holding::Nothing) else {
                continue;
            };
            let was_told = std::mem::replace(&mut part.is_cancel_told, true);
            if is_last_word || !was_told {
                cancelled.push(id.clone());
            }
        }
        cancelled
    }

    /// The same of rounds that were lost, or deleted while no desk was there: nobody will ask for their results. `told` are those
    /// of which the agent has heard.
    fn lost(&self, poll: &Poll, told: &mut Vec<RoundId>, is_last_word: bool) -> Vec<RoundId> {
        let is_lost = |id: &&RoundId| !self.known.contains_key(id) && self.is_over(id);
        let lost: Vec<_> = poll.probing.iter().filter(is_lost).cloned().collect();
        let told = std::mem::replace(told, lost.clone());
        lost.into_iter().filter(|id| is_last_word || !told.contains(id)).collect()
    }

    /// Closed rounds whose results have come in since the poll was sent, which calls them probed still. Said once like
    /// a cancel, for the agent asks on until it has its receipt.
    fn settled(&mut self, agent: &AgentId, poll: &Poll, is_last_word: bool) -> Vec<RoundId> {
        let mut settled = Vec::new();
        for id in poll.probing.iter().filter(|id| !poll.held.contains(id)) {
            let closed = self.known.get_mut(id).filter(|round| round.state == State::Closed);
            let part = closed.and_then(|round| round.parts.get_mut(agent));
            let Some(part) = part.filter(|part| part.result == Holding::Kept) else { continue };
            let was_told = std::mem::replace(&mut part.is_closed_told, true);
            if is_last_word || !was_told {
                settled.push(id.clone());
            }
        }
        settled
    }

    /// A held round may be forgotten when it is closed and its result is kept.
    fn may_be_forgotten(&self, agent: &AgentId, id: &RoundId) -> bool {
        match self.known.get(id) {
            Some(round) => {
                let is_owed = round.parts.get(agent).is_some_and(|part| part.result != Holding::Kept);
                round.state == State::Closed && !is_owed
            }
            None => self.is_over(id),
        }
    }

    /// Whether a round that is not known is over. Rounds of one NetReach are numbered in their order, so one the desk has
    /// forgotten is closed if a later one is; and once all rounds of before are open again, whatever is not known is over.
    fn is_over(&self, id: &RoundId) -> bool {
        let is_before = |later: &RoundId| later.uid == id.uid && later.number > id.number;
        self.past == Past::Over || self.closed.iter().any(is_before)
    }
}

impl Part {
    fn new(assignment: Assignment) -> Self {
        Self {
            targets: Some(assignment.targets.len()),
            assignment: Some(assignment),
            hand_outs: 0,
            is_cancel_told: false,
            is_closed_told: false,
            result: Holding::Nothing,
        }
    }

    /// Of a round that is over: what it had, where its result is kept.
    fn past(targets: Option<usize>) -> Self {
        let result = if targets.is_some() { Holding::Kept } else { Holding::Nothing };
        Self { targets, assignment: None, hand_outs: 0, is_cancel_told: false, is_closed_told: false, result }
    }

    /// Handed out once; and again while there is time, if the agent shows by asking that the reply never reached it.
    fn is_due(&self, is_before_start: bool) -> bool {
        let is_lost = is_before_start && self.hand_outs < HAND_OUTS_MAX;
        self.assignment.is_some() && self.result == Holding::Nothing && (self.hand_outs == 0 || is_lost)
    }
}

fn not_assigned(agent: &AgentId, round: &RoundId) -> Refused {
    Refused::NotAssigned { round: round.clone(), agent: agent.clone() }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
