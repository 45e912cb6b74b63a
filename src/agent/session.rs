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
use netreach_wire::{AgentId, AgentResult, Assignment, Poll, PollReply, RoundId, RoundKey, VERSION};
use tracing::{debug, error, info, warn};

use crate::conduct;
use crate::desk::{Desk, DeskError};
use crate::keys::Keys;
use crate::load::Cancel;

/// How long one long poll may be held.
const POLL_WAIT_MS: u64 = 30_000;
/// First and longest pause after the desk did not answer.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A poll without news should have been held longer than this.
const HASTY_WITHIN: Duration = Duration::from_secs(1);
/// How long a stopped agent tries to hand in what it has.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long a stopped agent waits for a desk that does not answer: together with everything else it may have been removed for good.
const DESK_AWAY_MAX: Duration = Duration::from_secs(15);
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
    /// A round was handed in or forgotten.
    changed: Event,
}

#[derive(Debug, Default)]
struct State {
    /// No round is begun any more.
    is_ending: bool,
    /// Since when the desk has not answered; none while it does.
    away_since: Option<Instant>,
    probing: Vec<(RoundId, Cancel)>,
    /// Results of rounds that are not known to be closed: oldest first.
    held: Vec<(RoundId, Vec<u8>)>,
}

impl Session {
    pub(crate) fn new(desk: Desk, me: Arc<AgentId>, keys: Arc<Keys>, listening: Vec<SocketAddr>) -> Self {
        Self { desk, me, keys, listening, state: Mutex::default(), changed: Event::new() }
    }

    /// Serves the desk until stopped. Then the rounds it has may go on to their end, for `finish_within` at most; what is
    /// still being probed by then is ended and handed in as far as it got.
    pub(crate) async fn run(&self, stop: &Stop, finish_within: Duration) {
        let (finished, results) = async_channel::bounded(HELD_ROUNDS_MAX);
        let asking = self.ask(finished);
        let submitting = self.submit_all(results);
        let stopping = async {
            stop.stopped().await;
            self.state().is_ending = true;
            self.finish_all(finish_within).await;
            self.end_all().await;
        };
        stopping.or(asking.or(submitting)).await;
    }

    /// Waits until the desk has closed every round: before that, others may still probe this agent.
    async fn finish_all(&self, within: Duration) {
        if !within.is_zero() {
            let finished = self.settle(within, |state| state.probing.is_empty() && state.held.is_empty());
            finished.or(self.abandoned()).await;
        }
    }

    /// Ends when nothing is probed any more and the desk has been away for too long to be waited for.
    async fn abandoned(&self) {
        loop {
            let changed = self.changed.listen();
            let since = {
                let state = self.state();
                state.away_since.filter(|_| state.probing.is_empty())
            };
            match since.map(|since| DESK_AWAY_MAX.saturating_sub(since.elapsed())) {
                Some(Duration::ZERO) => return,
                Some(left) => {
                    let waited = async {
                        Timer::after(left).await;
                    };
                    waited.or(changed).await;
                }
                None => changed.await,
            }
        }
    }

    /// Takes note of whether the desk answers.
    fn note_desk(&self, is_away: bool) {
        let mut state = self.state();
        if state.away_since.is_some() != is_away {
            state.away_since = is_away.then(Instant::now);
            drop(state);
            self.changed.notify(usize::MAX);
        }
    }

    /// Stops every round and gives its result time to be handed in (by the submitting side, which runs on).
    async fn end_all(&self) {
        self.state().probing.iter().for_each(|(_, cancel)| cancel.cancel());
        self.settle(LAST_WORDS, |state| state.probing.is_empty()).await;
    }

    /// Waits until the state is as wanted, or has had its time.
    async fn settle(&self, within: Duration, is_settled: impl Fn(&State) -> bool) {
        let settled = async {
            loop {
                let changed = self.changed.listen();
                if is_settled(&self.state()) {
                    return;
                }
                changed.await;
            }
        };
        let too_long = async {
            Timer::after(within).await;
        };
        settled.or(too_long).await;
    }

    async fn ask(&self, finished: Sender<AgentResult>) {
        let (mut pause, mut away) = (PAUSE_FIRST, false);
        loop {
            let poll = self.poll_words();
            let asked = Instant::now();
            let answer = self.desk.poll(&poll).await;
            self.note_desk(answer.is_err());
            match answer {
                Ok(reply) => {
                    if std::mem::take(&mut away) {
                        info!("the desk answers again");
                    }
                    // A desk that answers at once and has nothing to say is not to be asked as fast as it can answer.
                    let is_hasty = reply.is_empty() && asked.elapsed() < HASTY_WITHIN;
                    self.heed(reply, Instant::now(), &finished);
                    if !is_hasty {
                        pause = PAUSE_FIRST;
                        continue;
                    }
                }
                Err(error) if std::mem::replace(&mut away, true) => {
                    debug!(%error, "still no work from the desk")
                }
                Err(error) => warn!(%error, "could not ask the desk for work: trying again"),
            }
            Timer::after(jitter(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
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
            keys: self.keys.ids(),
        }
    }

    fn heed(&self, reply: PollReply, received: Instant, finished: &Sender<AgentResult>) {
        let PollReply { version: _, assignment, cancel, closed, answer } = reply;
        answer.iter().for_each(|RoundKey { round, key }| self.keys.add(round, key));
        let mut state = self.state();
        state.held.retain(|(round, _)| !closed.contains(round));
        for (round, switch) in &state.probing {
            if cancel.contains(round) {
                info!(%round, "round is cancelled by the desk");
                switch.cancel();
            }
        }
        drop(state);
        self.changed.notify(usize::MAX);
        if let Some(assignment) = assignment {
            self.begin(assignment, received, finished);
        }
    }

    fn begin(&self, assignment: Assignment, received: Instant, finished: &Sender<AgentResult>) {
        let round = assignment.round.clone();
        if assignment.agent != *self.me {
            error!(%round, "the desk sent an assignment of {}: is a token used twice?", assignment.agent);
            return;
        }
        self.keys.add(&round, &assignment.key);
        let mut state = self.state();
        if state.is_ending || state.probing.iter().any(|(probing, _)| *probing == round) {
            return;
        }
        info!(%round, targets = assignment.targets.len(), "round begins");
        let not_begun = conduct::not_begun(&assignment);
        let report = {
            let finished = finished.clone();
            // The session has ended when nobody listens any more; then there is nobody to tell either.
            move |result| drop(finished.send_blocking(result))
        };
        let begun = match state.probing.len() {
            PROBING_MAX.. => Err(format!("{PROBING_MAX} other rounds are being probed")),
            _ => conduct::begin(assignment, received, report).map_err(|error| error.to_string()),
        };
        match begun {
            Ok(cancel) => state.probing.push((round, cancel)),
            Err(why) => {
                error!(%round, %why, "could not begin the round");
                // Handed in like any other, so that nobody waits for it in vain.
                if finished.try_send(AgentResult { trouble: Some(why), ..not_begun }).is_err() {
                    error!(%round, "could not even say so: too many results wait");
                }
            }
        }
    }

    async fn submit_all(&self, results: Receiver<AgentResult>) {
        while let Ok(result) = results.recv().await {
            let round = result.round.clone();
            let body = serde_json::to_vec(&result).expect("a result has no key that is not a string");
            self.state().hold(round.clone(), body.clone());
            self.submit(&round, body).await;
            self.state().probing.retain(|(probing, _)| *probing != round);
            self.changed.notify(usize::MAX);
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
