//! Agents that probe nothing: they have their parts at the desk, hand in what a good probe would have, each a while after the round's end, and
//! take note of every receipt, and of every round that they are told to end.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_channel::{Receiver, Sender, unbounded};
use async_std::future::timeout;
use async_std::task::{block_on, spawn};
use fastrand::Rng;
use jiff::Timestamp;
use netreach_agent::desk::{Client, Desk, Token, Trust};
use netreach_serve::Stop;
use netreach_wire::limits::KEYS_MAX;
use netreach_wire::{AgentId, Assignment, KeyId, Poll, Receipt, RoundId, VERSION};

use super::agent::{PORT, Post};
use super::ground::Ground;
use super::quick::quick_result;

/// How long a poll is held.
const POLL_WAIT_MS: u64 = 2_000;
/// From a call that failed to the next: far shorter than an agent's own, so that there is always something under way.
const PAUSE: Duration = Duration::from_millis(50);
/// How long after a round's end its results come in.
const HANDED_IN_WITHIN_MS: u64 = 2_000;

/// What agents were told.
#[derive(Default)]
struct Book {
    /// Whose results are kept.
    kept: BTreeSet<(RoundId, AgentId)>,
    /// Which rounds to end, for nobody wants their results any more.
    ended: BTreeSet<RoundId>,
}

/// All of them; they end when dropped.
pub(crate) struct Farm {
    book: Arc<Mutex<Book>>,
    talks: Mutex<Vec<Arc<Talk>>>,
    stop: Stop,
    tell: Sender<()>,
    told: Receiver<()>,
}

/// What one of them is at.
#[derive(Default)]
struct State {
    /// Newest last.
    keys: Vec<KeyId>,
    probing: Vec<RoundId>,
    held: Vec<RoundId>,
    /// What it has handed in last.
    handed_in: Vec<u8>,
}

struct Talk {
    desk: Desk,
    me: AgentId,
    listening: SocketAddr,
    book: Arc<Mutex<Book>>,
    tell: Sender<()>,
    stop: Stop,
    state: Mutex<State>,
}

impl Farm {
    /// A ground with so many of them.
    pub(crate) fn on_ground(count: u16) -> (Ground, Self) {
        let (tell, told) = unbounded();
        let farm = Self { book: Arc::default(), talks: Mutex::default(), stop: Stop::new(), tell, told };
        let ground = Ground::of(count, |post| farm.start(post));
        (ground, farm)
    }

    fn start(&self, post: &Post<'_>) {
        let Post { me, token, ip, desk, ca } = post;
        let client = Client::new(Some(Trust::new(ca.to_path_buf())));
        let desk = Desk::new(client, &desk.parse().unwrap(), Token::Given(token.clone())).unwrap();
        let listening = SocketAddr::new((*ip).into(), PORT);
        let (book, tell, stop) = (Arc::clone(&self.book), self.tell.clone(), self.stop.clone());
        let (me, state) = (me.clone(), Mutex::default());
        let talk = Arc::new(Talk { desk, me, listening, book, tell, stop, state });
        self.talks.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&talk));
        spawn(talk.run());
    }

    /// What each of them is told that hands in its last result once more, as one that has not heard its receipt.
    pub(crate) fn hand_in_again(&self) -> Vec<Receipt> {
        let talks = self.talks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        talks.into_iter().map(|talk| block_on(talk.hand_in_again())).collect()
    }

    /// Those who were told so far that their results of a round are kept.
    pub(crate) fn told_kept(&self, round: &RoundId) -> BTreeSet<AgentId> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.kept.iter().filter(|(of, _)| of == round).map(|(_, agent)| agent.clone()).collect()
    }

    /// The rounds that any of them was told to end.
    pub(crate) fn told_to_end(&self) -> BTreeSet<RoundId> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).ended.clone()
    }

    /// Waits until the next of them is told that its result is kept.
    pub(crate) fn hear(&self) {
        while self.told.try_recv().is_ok() {}
        block_on(self.told.recv()).expect("it tells for as long as there is a farm");
    }

    /// Waits until so many of them were told that their results of a round are kept.
    pub(crate) fn hear_all(&self, round: &RoundId, count: usize) {
        while self.told_kept(round).len() < count {
            block_on(self.told.recv()).expect("it tells for as long as there is a farm");
        }
    }

    /// Lets it work for so long.
    pub(crate) fn work_for(&self, time: Duration) {
        let _ = block_on(timeout(time, self.stop.stopped()));
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl Talk {
    async fn run(self: Arc<Self>) {
        while !self.stop.is_stopped() {
            let Ok(reply) = self.desk.poll(&self.question()).await else {
                self.pause(PAUSE).await;
                continue;
            };
            self.state().held.retain(|round| !reply.closed.contains(round));
            self.state().keys.extend(reply.answer.iter().map(|round| round.key.id()));
            if let Some(assignment) = reply.assignment {
                self.state().probing.push(assignment.round.clone());
                spawn(Arc::clone(&self).take_part(assignment));
            }
            self.state().probing.retain(|round| !reply.cancel.contains(round));
            self.book().ended.extend(reply.cancel);
        }
    }

    fn question(&self) -> Poll {
        let state = self.state();
        Poll {
            version: VERSION,
            clock_us: Timestamp::now().as_microsecond(),
            wait_ms: POLL_WAIT_MS,
            listening: vec![self.listening],
            probing: state.probing.clone(),
            held: state.held.clone(),
            keys: state.keys.iter().rev().take(KEYS_MAX).copied().collect(),
        }
    }

    async fn take_part(self: Arc<Self>, assignment: Assignment) {
        let result = serde_json::to_vec(&quick_result(&assignment)).unwrap();
        let lasts_ms = u64::from(assignment.load.duration_s) * 1_000 + assignment.start_in_us / 1_000;
        self.pause(Duration::from_millis(lasts_ms + Rng::new().u64(..HANDED_IN_WITHIN_MS))).await;
        while !self.stop.is_stopped() && self.state().probing.contains(&assignment.round) {
            if self.desk.submit(result.clone()).await.is_ok() {
                self.book().kept.insert((assignment.round.clone(), self.me.clone()));
                let mut state = self.state();
                state.handed_in = result;
                state.probing.retain(|round| *round != assignment.round);
                state.held.push(assignment.round);
                drop(state);
                let _ = self.tell.try_send(());
                return;
            }
            self.pause(PAUSE).await;
        }
    }

    async fn hand_in_again(&self) -> Receipt {
        let result = self.state().handed_in.clone();
        loop {
            match self.desk.submit(result.clone()).await {
                Ok(receipt) => return receipt,
                Err(error) => assert!(error.may_pass(), "{}: {error}", self.me),
            }
            self.pause(PAUSE).await;
        }
    }

    /// For so long, or until there is nothing more to do.
    async fn pause(&self, time: Duration) {
        let _ = timeout(time, self.stop.stopped()).await;
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
