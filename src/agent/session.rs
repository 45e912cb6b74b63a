//! Asks the desk for work, has it done, hands in results; keeps each until the desk says that its round is closed.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_channel::{Receiver, Sender};
use async_io::Timer;
use event_listener::Event;
use futures_lite::FutureExt;
use netreach_serve::Stop;
use netreach_wire::limits::HELD_ROUNDS_MAX;
use netreach_wire::{AgentId, AgentResult, Assignment, Poll, PollReply, RoundId, VERSION};
use tracing::{debug, error, info, warn};

use crate::conduct;
use crate::desk::{Desk, DeskError};
use crate::keys::Keys;
use crate::load::{Cancel, LoadError};

/// How long one long poll may be held.
const POLL_WAIT_MS: u64 = 30_000;
/// First and longest pause after the desk did not answer.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long a stopped agent tries to hand in what it has.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Rounds probed at one time; more would starve each other.
const PROBING_MAX: usize = 4;

/// One agent's talk with its desk.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) desk: Desk,
    pub(crate) me: Arc<AgentId>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) listening: Vec<SocketAddr>,
    state: Mutex<State>,
    handed_in: Event,
}

#[derive(Debug, Default)]
struct State {
    probing: Vec<(RoundId, Cancel)>,
    /// Results the desk may still ask for: oldest first.
    held: Vec<(RoundId, Vec<u8>)>,
}

type Finished = (RoundId, Result<AgentResult, LoadError>);

impl Session {
    pub(crate) fn new(desk: Desk, me: Arc<AgentId>, keys: Arc<Keys>, listening: Vec<SocketAddr>) -> Self {
        Self { desk, me, keys, listening, state: Mutex::default(), handed_in: Event::new() }
    }

    /// Serves the desk until stopped; then ends what is being probed and hands in what there is.
    pub(crate) async fn run(&self, stop: &Stop) {
        let (finished, results) = async_channel::bounded(PROBING_MAX);
        let asking = self.ask(finished);
        let submitting = self.submit_all(results);
        let stopping = async {
            stop.stopped().await;
            self.end_all().await;
        };
        stopping.or(asking.or(submitting)).await;
    }

    /// Stops every round and gives its result time to be handed in (by the submitting side, which runs on).
    async fn end_all(&self) {
        for (_, cancel) in &self.state().probing {
            cancel.cancel();
        }
        let all_in = async {
            loop {
                let handed_in = self.handed_in.listen();
                if self.state().probing.is_empty() {
                    return;
                }
                handed_in.await;
            }
        };
        let too_long = async {
            Timer::after(LAST_WORDS).await;
        };
        all_in.or(too_long).await;
    }

    async fn ask(&self, finished: Sender<Finished>) {
        let mut pause = PAUSE_FIRST;
        loop {
            let poll = self.poll_words();
            match self.desk.poll(&poll).await {
                Ok(reply) => {
                    pause = PAUSE_FIRST;
                    self.heed(reply, Instant::now(), &finished);
                }
                Err(error) => {
                    tell("could not ask the desk for work", &error);
                    Timer::after(jitter(pause)).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    fn poll_words(&self) -> Poll {
        let state = self.state();
        Poll {
            version: VERSION,
            clock_us: conduct::wall_clock_us(Instant::now()),
            wait_ms: POLL_WAIT_MS,
            listening: self.listening.clone(),
            probing: state.probing.iter().map(|(round, _)| round.clone()).collect(),
            held: state.held.iter().map(|(round, _)| round.clone()).collect(),
        }
    }

    fn heed(&self, reply: PollReply, received: Instant, finished: &Sender<Finished>) {
        let PollReply { version: _, assignment, cancel, closed } = reply;
        let mut state = self.state();
        state.held.retain(|(round, _)| !closed.contains(round));
        for (round, switch) in &state.probing {
            if cancel.contains(round) {
                info!(%round, "round is cancelled by the desk");
                switch.cancel();
            }
        }
        drop(state);
        if let Some(assignment) = assignment {
            self.begin(assignment, received, finished.clone());
        }
    }

    fn begin(&self, assignment: Assignment, received: Instant, finished: Sender<Finished>) {
        let round = assignment.round.clone();
        if assignment.agent != *self.me {
            error!(%round, "the desk sent an assignment of {}: is a token used twice?", assignment.agent);
            return;
        }
        self.keys.add(&round, &assignment.key);
        let mut state = self.state();
        if state.probing.len() >= PROBING_MAX || state.probing.iter().any(|(probing, _)| *probing == round) {
            warn!(%round, "assignment is left alone (as many rounds as may be are being probed)");
            return;
        }
        info!(%round, targets = assignment.targets.len(), "round begins");
        let of = round.clone();
        let report = move |result| {
            // The session has ended when nobody listens any more; then there is nobody to tell either.
            let _ = finished.send_blocking((of, result));
        };
        let begun = Cancel::new().and_then(|cancel| {
            conduct::begin(assignment, received, cancel.clone(), report)?;
            Ok(cancel)
        });
        match begun {
            Ok(cancel) => state.probing.push((round, cancel)),
            Err(error) => error!(%round, %error, "could not begin the round (no thread or descriptor left)"),
        }
    }

    async fn submit_all(&self, results: Receiver<Finished>) {
        while let Ok((round, result)) = results.recv().await {
            match result {
                Ok(result) => {
                    let body = serde_json::to_vec(&result).expect("a result has no key that is not a string");
                    self.state().hold(round.clone(), body.clone());
                    self.submit(&round, body).await;
                }
                Err(error) => error!(%round, %error, "round could not be probed"),
            }
            self.state().probing.retain(|(probing, _)| *probing != round);
            self.handed_in.notify(usize::MAX);
        }
    }

    /// Tries until the desk has taken it, refuses it for good, or says that the round is closed.
    async fn submit(&self, round: &RoundId, body: Vec<u8>) {
        let mut pause = PAUSE_FIRST;
        while self.state().holds(round) {
            match self.desk.submit(body.clone()).await {
                Ok(receipt) => return info!(%round, ?receipt, bytes = body.len(), "result is handed in"),
                Err(error) if error.may_pass() => {
                    tell("could not hand in a result", &error);
                    Timer::after(jitter(pause)).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                Err(error) => {
                    error!(%round, %error, "result is dropped");
                    self.state().held.retain(|(held, _)| held != round);
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hold(&mut self, round: RoundId, body: Vec<u8>) {
        if self.held.len() == HELD_ROUNDS_MAX {
            let (oldest, _) = self.held.remove(0);
            warn!(round = %oldest, "result is forgotten: {HELD_ROUNDS_MAX} newer ones wait for their rounds to be closed");
        }
        self.held.push((round, body));
    }

    fn holds(&self, round: &RoundId) -> bool {
        self.held.iter().any(|(held, _)| held == round)
    }
}

fn tell(attempt: &str, error: &DeskError) {
    if error.may_pass() {
        debug!(%error, "{attempt}");
    } else {
        error!(%error, "{attempt}");
    }
}

/// Half to whole of the pause, so that agents that lost the desk together do not come back together.
fn jitter(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}
