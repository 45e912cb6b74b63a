//! Edge-triggered readiness and deadlines for many sockets behind one epoll instance and one timer.
//!
//! Every socket is registered once, for its whole life: no re-arming per wait, which would cost two system calls per
//! request. The load loop turns it: that has a thread to itself and blocks in the kernel until something is due.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use super::deadlines::{Deadline, Deadlines};
use super::sources::{EXPIRED, HUNG_UP, Key, READABLE, Signal, Sources, WRITABLE};

/// How many events one look at the kernel takes.
const EVENTS_PER_LOOK: usize = 256;
const NO_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
const NEVER: Timespec = NO_WAIT;

/// Sockets and deadlines of one prober.
#[derive(Debug)]
pub(super) struct Engine {
    epoll: OwnedFd,
    timer: OwnedFd,
    sources: Mutex<Sources>,
    deadlines: Mutex<Deadlines>,
}

/// One registered socket's readiness.
#[derive(Debug)]
pub(super) struct Source {
    engine: Arc<Engine>,
    key: Key,
    signal: Arc<Signal>,
}

/// The deadline passed before the socket was ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expired;

impl Engine {
    pub(super) fn new() -> io::Result<Arc<Self>> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        let engine = Self { epoll, timer, sources: Mutex::default(), deadlines: Mutex::default() };
        engine.watch(&engine.timer)?;
        Ok(Arc::new(engine))
    }

    /// Lets a descriptor that becomes readable end a wait.
    pub(super) fn watch(&self, descriptor: &impl AsFd) -> io::Result<()> {
        let data = epoll::EventData::new_u64(Key::NOBODY.pack());
        Ok(epoll::add(&self.epoll, descriptor, data, epoll::EventFlags::IN | epoll::EventFlags::ET)?)
    }

    /// Registers a socket for its whole life.
    pub(super) fn register(self: &Arc<Self>, socket: &impl AsFd) -> io::Result<Source> {
        let (key, signal) = lock(&self.sources).take();
        let source = Source { engine: Arc::clone(self), key, signal };
        let flags =
            epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        epoll::add(&self.epoll, socket, epoll::EventData::new_u64(key.pack()), flags)?;
        Ok(source)
    }

    /// Blocks until a socket is ready, a deadline or `until` has come, or a watched descriptor is readable; carries what
    /// happened to the waiting exchanges. Does not block when `until` is past, and may end before anything has happened.
    ///
    /// # Errors
    /// When epoll or the timer fails.
    pub(super) fn turn(&self, until: Instant) -> io::Result<()> {
        let now = Instant::now();
        let front = lock(&self.deadlines).front();
        let wake = front.map_or(until, |front| front.min(until));
        if wake > now {
            self.arm(wake, now)?;
        }
        self.look((wake <= now).then_some(&NO_WAIT))?;
        self.expire(Instant::now());
        Ok(())
    }

    fn look(&self, mut wait: Option<&Timespec>) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS_PER_LOOK);
        loop {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), wait) {
                Ok(_) => self.wake(&events),
                // A signal ends the wait; the caller looks at the clock and turns again.
                Err(rustix::io::Errno::INTR) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
            if events.len() < EVENTS_PER_LOOK {
                return Ok(());
            }
            wait = Some(&NO_WAIT);
        }
    }

    fn wake(&self, events: &[epoll::Event]) {
        let sources = lock(&self.sources);
        for event in events {
            if let Some(signal) = sources.find(Key::unpack(event.data.u64())) {
                signal.raise(bits(event.flags));
            }
        }
    }

    /// Sets the timer, unless it ends the wait in time as it is: most deadlines are met, and the timer that was set for one that
    /// was met goes off once for all that came after it.
    fn arm(&self, at: Instant, now: Instant) -> io::Result<()> {
        let mut deadlines = lock(&self.deadlines);
        if deadlines.armed.is_some_and(|armed| armed <= at) {
            return Ok(());
        }
        let after = at.saturating_duration_since(now).max(Duration::from_nanos(1));
        let it_value = Timespec::try_from(after).map_err(io::Error::other)?;
        timerfd_settime(
            &self.timer,
            TimerfdTimerFlags::empty(),
            &Itimerspec { it_interval: NEVER, it_value },
        )?;
        deadlines.armed = Some(at);
        Ok(())
    }

    fn expire(&self, now: Instant) {
        let mut deadlines = lock(&self.deadlines);
        if deadlines.armed.is_some_and(|armed| armed <= now) {
            deadlines.armed = None;
        }
        let sources = lock(&self.sources);
        let waiting = |deadline: &Deadline| sources.waiting(deadline.key, deadline.exchange);
        deadlines.expire(now, waiting, |signal| signal.raise(EXPIRED));
    }
}

impl Source {
    /// An exchange begins that must be over at `at`. One at a time per socket.
    pub(super) fn begin(&self, at: Instant) {
        let mut deadlines = lock(&self.engine.deadlines);
        let mut sources = lock(&self.engine.sources);
        let exchange = sources.next_exchange(self.key);
        self.signal.clear(EXPIRED);
        deadlines.add(Deadline { at, key: self.key, exchange }, |one| {
            sources.waiting(one.key, one.exchange).is_some()
        });
    }

    /// The exchange is over; its deadline no longer matters.
    pub(super) fn end(&self) {
        lock(&self.engine.sources).next_exchange(self.key);
    }

    /// Waits until the socket is ready for `interest` since the last look, or the deadline passes.
    pub(super) async fn ready(&self, interest: u32) -> Result<(), Expired> {
        std::future::poll_fn(|cx| self.signal.poll(interest, cx)).await.map_err(|()| Expired)
    }

    /// Whether the peer has closed, or anything unasked has come, since the last exchange.
    pub(super) fn is_stale(&self) -> bool {
        self.signal.has(HUNG_UP | READABLE)
    }
}

impl Drop for Source {
    // The kernel forgets the registration when the socket is closed.
    fn drop(&mut self) {
        lock(&self.engine.sources).give_back(self.key);
    }
}

fn bits(flags: epoll::EventFlags) -> u32 {
    let failed = flags.intersects(epoll::EventFlags::ERR | epoll::EventFlags::HUP);
    let hung_up = flags.contains(epoll::EventFlags::RDHUP) || failed;
    let mut bits = 0;
    if flags.contains(epoll::EventFlags::IN) || hung_up {
        bits |= READABLE;
    }
    if flags.contains(epoll::EventFlags::OUT) || failed {
        bits |= WRITABLE;
    }
    if hung_up {
        bits |= HUNG_UP;
    }
    bits
}

/// Nothing panics while these are held; a poisoned lock still guards whole data.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
