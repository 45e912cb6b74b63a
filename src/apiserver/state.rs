//! What every request is answered from.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_lock::{Semaphore, SemaphoreGuardArc};
use event_listener::Event;
use netreach_serve::Stop;

use crate::clock::{Clock, SystemClock};
use crate::limits::{EVENTS_AT_ONCE_MAX, WATCH_FOR_MAX, WATCH_FOR_MIN, WATCHERS_MAX, WHOLE_AT_ONCE_MAX};
use crate::refused::Refused;
use crate::tally::Tally;
use crate::{Authorizer, FrontProxy, Log, Reports};

/// Which reports there are, who opens them, who knows the rights, and whom to believe who is asking. Clones are the same.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    log: Log,
    reports: Box<dyn Reports>,
    authorizer: Box<dyn Authorizer>,
    clock: Box<dyn Clock>,
    front_proxy: RwLock<Option<Arc<FrontProxy>>>,
    believes: Event,
    answers: Arc<Semaphore>,
    events: Arc<Semaphore>,
    end: Stop,
    tally: Tally,
    /// Watches there have been.
    watches: AtomicU64,
}

/// A watcher's place among all; dropping it gives it back.
pub(crate) struct Seat(State);

impl State {
    /// A state that believes nobody yet.
    #[must_use]
    pub fn new(log: Log, reports: impl Reports + 'static, authorizer: impl Authorizer + 'static) -> Self {
        Self::with_clock(log, reports, authorizer, SystemClock)
    }

    /// [`State::new`] that goes by this clock.
    #[must_use]
    pub fn with_clock(
        log: Log,
        reports: impl Reports + 'static,
        authorizer: impl Authorizer + 'static,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            log,
            reports: Box::new(reports),
            authorizer: Box::new(authorizer),
            clock: Box::new(clock),
            front_proxy: RwLock::default(),
            believes: Event::new(),
            answers: Arc::new(Semaphore::new(WHOLE_AT_ONCE_MAX)),
            events: Arc::new(Semaphore::new(EVENTS_AT_ONCE_MAX)),
            end: Stop::new(),
            tally: Tally::default(),
            watches: AtomicU64::new(0),
        }))
    }

    /// Believes this front proxy from now on. Its CA is the TLS server's to know, and should be set there first.
    pub fn set_front_proxy(&self, front_proxy: FrontProxy) {
        let mut known = self.0.front_proxy.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::new(front_proxy));
        drop(known);
        self.0.believes.notify(usize::MAX);
    }

    /// Whether it is known whom to believe: until then everybody is refused.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.front_proxy().is_some()
    }

    /// Waits until it is known whom to believe.
    pub async fn ready(&self) {
        loop {
            let believes = self.0.believes.listen();
            if self.is_ready() {
                return;
            }
            believes.await;
        }
    }

    /// Lets watches come to their end, each after the event it is at, and begins none any more: their watchers go on with
    /// another server where they have been. Everything else is answered as before.
    pub fn end(&self) {
        self.0.end.stop();
    }

    pub(crate) fn front_proxy(&self) -> Option<Arc<FrontProxy>> {
        self.0.front_proxy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What there is to tell.
    pub(crate) fn log(&self) -> Result<&Log, Refused> {
        if self.0.log.has_begun() { Ok(&self.0.log) } else { Err(Refused::NotBegun) }
    }

    pub(crate) fn reports(&self) -> &dyn Reports {
        &*self.0.reports
    }

    pub(crate) fn authorizer(&self) -> &dyn Authorizer {
        &*self.0.authorizer
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.0.tally
    }

    /// Thrown when watches are to end.
    pub(crate) fn ending(&self) -> &Stop {
        &self.0.end
    }

    /// Waits until an answer with whole objects may be written: whoever opens them may hold a lot for it.
    pub(crate) async fn turn(&self) -> SemaphoreGuardArc {
        self.0.answers.acquire_arc().await
    }

    /// Waits until a whole object may be sent to a watcher.
    pub(crate) async fn event_turn(&self) -> SemaphoreGuardArc {
        self.0.events.acquire_arc().await
    }

    /// A place for another watcher.
    pub(crate) fn seat(&self) -> Result<Seat, Refused> {
        if self.0.end.is_stopped() {
            return Err(Refused::Ending);
        }
        if self.tally().watchers.add_below(WATCHERS_MAX as u64) {
            Ok(Seat(self.clone()))
        } else {
            Err(Refused::TooManyWatchers)
        }
    }

    /// How long the next watch lasts that does not say it: never two after another alike, so that watchers who came together do
    /// not come back together.
    pub(crate) fn watch_for(&self) -> Duration {
        const STEP_S: u64 = 997;
        let span_s = (WATCH_FOR_MAX - WATCH_FOR_MIN).as_secs();
        let nth = self.0.watches.fetch_add(1, Ordering::Relaxed);
        WATCH_FOR_MIN + Duration::from_secs(nth.wrapping_mul(STEP_S) % span_s)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.tally().watchers.subtract_one();
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("front_proxy", &self.front_proxy()).finish_non_exhaustive()
    }
}
