//! Edge-triggered readiness and deadlines for many sockets behind one reactor entry.
//!
//! Every socket is registered once with an epoll instance of our own, which nests in async-io's reactor as a single
//! source: no re-arming per wait, which would cost two system calls per request. Deadlines of all exchanges share
//! one timer.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use async_io::{Async, Timer};
use atomic_waker::AtomicWaker;
use futures_lite::FutureExt;
use rustix::buffer::spare_capacity;
use rustix::event::epoll;

/// Data, the peer's close, or an error can be read.
pub(super) const READABLE: u32 = 1;
/// The connection stands (or failed), or there is room to write.
pub(super) const WRITABLE: u32 = 2;
/// The deadline passed.
const EXPIRED: u32 = 4;
/// The peer sends nothing more.
const HUNG_UP: u32 = 8;

/// How many events one look at the kernel takes.
const EVENTS_PER_LOOK: usize = 256;

/// Sockets and deadlines of one prober.
#[derive(Debug)]
pub(super) struct Engine {
    epoll: OwnedFd,
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

#[derive(Debug, Default)]
struct Signal {
    bits: AtomicU32,
    waker: AtomicWaker,
}

/// Index and generation: an event or deadline of a socket that is gone finds nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    index: u32,
    generation: u32,
}

#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: Instant,
    key: Key,
    exchange: u32,
}

#[derive(Debug, Default)]
struct Sources {
    entries: Vec<Entry>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    generation: u32,
    taken: bool,
    /// Counted up when an exchange begins and when it ends: a deadline of an exchange that is over finds nobody.
    exchange: u32,
    signal: Arc<Signal>,
}

/// Rising instants. Timeouts within a round are equal, so a deadline is nearly always the last.
#[derive(Debug, Default)]
struct Deadlines {
    queue: VecDeque<Deadline>,
    /// What the driver's timer is set to.
    armed: Option<Instant>,
    driver: Option<Waker>,
}

impl Engine {
    pub(super) fn new() -> io::Result<Arc<Self>> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Arc::new(Self { epoll, sources: Mutex::default(), deadlines: Mutex::default() }))
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

    /// Carries events from the kernel to the waiting exchanges, for as long as it is polled.
    ///
    /// # Errors
    /// When the reactor or epoll itself fails.
    pub(super) async fn drive(self: Arc<Self>) -> io::Result<()> {
        let ready = Async::new_nonblocking(self.epoll.try_clone()?)?;
        let mut events = Vec::with_capacity(EVENTS_PER_LOOK);
        let mut timer = Timer::never();
        loop {
            let expired = {
                let readable = async {
                    ready.readable().await?;
                    Ok::<bool, io::Error>(false)
                };
                let armed = std::future::poll_fn(|cx| self.poll_deadline(&mut timer, cx));
                readable.or(async {
                    armed.await;
                    Ok(true)
                })
            }
            .await?;
            if expired {
                self.expire(Instant::now());
                continue;
            }
            loop {
                events.clear();
                let seen = epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&NO_WAIT))?;
                self.wake(&events);
                if seen < EVENTS_PER_LOOK {
                    break;
                }
            }
        }
    }

    fn wake(&self, events: &[epoll::Event]) {
        let sources = lock(&self.sources);
        for event in events {
            let Some(signal) = sources.find(Key::unpack(event.data.u64())) else { continue };
            signal.raise(bits(event.flags));
        }
    }

    /// Ready when the earliest deadline has passed. A timer once armed is left alone until it fires: deadlines
    /// only get later, so at a steady rate there is one timer event per timeout, not one per probe.
    fn poll_deadline(&self, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<()> {
        let mut deadlines = lock(&self.deadlines);
        match &mut deadlines.driver {
            Some(driver) => driver.clone_from(cx.waker()),
            driver => *driver = Some(cx.waker().clone()),
        }
        let front = deadlines.queue.front().map(|deadline| deadline.at);
        match (deadlines.armed, front) {
            (Some(armed), Some(front)) if front < armed => deadlines.arm(timer, front),
            (None, Some(front)) => deadlines.arm(timer, front),
            (None, None) => return Poll::Pending,
            _ => {}
        }
        drop(deadlines);
        timer.poll(cx).map(|_| ())
    }

    fn expire(&self, now: Instant) {
        let mut deadlines = lock(&self.deadlines);
        deadlines.armed = None;
        let sources = lock(&self.sources);
        deadlines.forget_met(&sources);
        while let Some(deadline) = deadlines.queue.pop_front_if(|deadline| deadline.at <= now) {
            if let Some(signal) = sources.waiting(&deadline) {
                signal.raise(EXPIRED);
            }
        }
    }
}

impl Source {
    /// An exchange begins that must be over at `at`. One at a time per socket.
    pub(super) fn begin(&self, at: Instant) {
        let mut deadlines = lock(&self.engine.deadlines);
        let mut sources = lock(&self.engine.sources);
        let exchange = sources.next_exchange(self.key);
        self.signal.bits.fetch_and(!EXPIRED, Ordering::AcqRel);
        deadlines.forget_met(&sources);
        let place = deadlines.queue.partition_point(|other| other.at <= at);
        deadlines.queue.insert(place, Deadline { at, key: self.key, exchange });
        if deadlines.armed.is_none_or(|armed| at < armed)
            && let Some(driver) = &deadlines.driver
        {
            driver.wake_by_ref();
        }
    }

    /// The exchange is over; its deadline no longer matters.
    pub(super) fn end(&self) {
        lock(&self.engine.sources).next_exchange(self.key);
    }

    /// Waits until the socket is ready for `interest` since the last look, or the deadline passes.
    pub(super) async fn ready(&self, interest: u32) -> Result<(), Expired> {
        std::future::poll_fn(|cx| {
            if let Some(outcome) = self.signal.look(interest) {
                return Poll::Ready(outcome);
            }
            self.signal.waker.register(cx.waker());
            self.signal.look(interest).map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Forgets that the socket was readable: what comes next answers what is sent next.
    pub(super) fn clear_readable(&self) {
        self.signal.bits.fetch_and(!READABLE, Ordering::AcqRel);
    }

    /// Whether the peer has closed, or anything unasked has come, since the last exchange.
    pub(super) fn is_stale(&self) -> bool {
        self.signal.bits.load(Ordering::Acquire) & (HUNG_UP | READABLE) != 0
    }
}

impl Drop for Source {
    // The kernel forgets the registration when the socket is closed.
    fn drop(&mut self) {
        lock(&self.engine.sources).give_back(self.key);
    }
}

impl Signal {
    fn raise(&self, bits: u32) {
        self.bits.fetch_or(bits, Ordering::AcqRel);
        self.waker.wake();
    }

    /// Readiness wins over the deadline: an answer that is there was not late because we were.
    fn look(&self, interest: u32) -> Option<Result<(), Expired>> {
        let before = self.bits.fetch_and(!interest, Ordering::AcqRel);
        if before & interest != 0 { Some(Ok(())) } else { (before & EXPIRED != 0).then_some(Err(Expired)) }
    }
}

impl Sources {
    fn take(&mut self) -> (Key, Arc<Signal>) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry { generation: 0, taken: false, exchange: 0, signal: Arc::default() });
            u32::try_from(self.entries.len() - 1).expect("descriptors are fewer than 2^32")
        });
        let entry = &mut self.entries[index as usize];
        entry.taken = true;
        entry.signal.bits.store(0, Ordering::Release);
        (Key { index, generation: entry.generation }, Arc::clone(&entry.signal))
    }

    fn give_back(&mut self, key: Key) {
        let entry = &mut self.entries[key.index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.taken = false;
        entry.signal.waker.take();
        self.free.push(key.index);
    }

    fn find(&self, key: Key) -> Option<&Arc<Signal>> {
        let entry = self.entries.get(key.index as usize)?;
        (entry.taken && entry.generation == key.generation).then_some(&entry.signal)
    }

    fn next_exchange(&mut self, key: Key) -> u32 {
        let exchange = &mut self.entries[key.index as usize].exchange;
        *exchange = exchange.wrapping_add(1);
        *exchange
    }

    fn waiting(&self, deadline: &Deadline) -> Option<&Arc<Signal>> {
        let signal = self.find(deadline.key)?;
        (self.entries[deadline.key.index as usize].exchange == deadline.exchange).then_some(signal)
    }
}

impl Deadlines {
    /// Drops what is over from the front, so that the queue holds little more than what is in flight.
    fn forget_met(&mut self, sources: &Sources) {
        while self.queue.pop_front_if(|deadline| sources.waiting(deadline).is_none()).is_some() {}
    }

    fn arm(&mut self, timer: &mut Timer, at: Instant) {
        timer.set_at(at);
        self.armed = Some(at);
    }
}

impl Key {
    fn pack(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    #[allow(clippy::cast_possible_truncation, reason = "takes apart what pack put together")]
    fn unpack(packed: u64) -> Self {
        Self { index: packed as u32, generation: (packed >> 32) as u32 }
    }
}

const NO_WAIT: rustix::event::Timespec = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };

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
