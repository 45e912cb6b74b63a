//! Who waits for what: registered sockets by key, and the bits raised for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;

/// Data, the peer's close, or an error can be read.
pub(super) const READABLE: u32 = 1;
/// The connection stands (or failed), or there is room to write.
pub(super) const WRITABLE: u32 = 2;
/// The deadline passed.
pub(super) const EXPIRED: u32 = 4;
/// The peer sends nothing more.
pub(super) const HUNG_UP: u32 = 8;

/// Index and generation: an event or a deadline of a socket that is gone finds nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    index: u32,
    generation: u32,
}

/// What has happened to one socket, and who wants to know.
#[derive(Debug, Default)]
pub(super) struct Signal {
    bits: AtomicU32,
    waker: AtomicWaker,
}

/// All registered sockets.
#[derive(Debug, Default)]
pub(super) struct Sources {
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

impl Key {
    /// The key of descriptors that only end a wait.
    pub(super) const NOBODY: Self = Self { index: u32::MAX, generation: u32::MAX };

    pub(super) fn pack(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    #[allow(clippy::cast_possible_truncation, reason = "takes apart what pack put together")]
    pub(super) fn unpack(packed: u64) -> Self {
        Self { index: packed as u32, generation: (packed >> 32) as u32 }
    }
}

impl Signal {
    pub(super) fn raise(&self, bits: u32) {
        self.bits.fetch_or(bits, Ordering::AcqRel);
        self.waker.wake();
    }

    pub(super) fn clear(&self, bits: u32) {
        self.bits.fetch_and(!bits, Ordering::AcqRel);
    }

    pub(super) fn has(&self, bits: u32) -> bool {
        self.bits.load(Ordering::Acquire) & bits != 0
    }

    /// Ready when a bit of `interest` was raised, which this takes; an error when the deadline passed before.
    pub(super) fn poll(&self, interest: u32, cx: &Context<'_>) -> Poll<Result<(), ()>> {
        if let Some(outcome) = self.look(interest) {
            return Poll::Ready(outcome);
        }
        self.waker.register(cx.waker());
        self.look(interest).map_or(Poll::Pending, Poll::Ready)
    }

    /// Readiness wins over the deadline: an answer that is there was not late because we were.
    fn look(&self, interest: u32) -> Option<Result<(), ()>> {
        let before = self.bits.fetch_and(!interest, Ordering::AcqRel);
        if before & interest != 0 { Some(Ok(())) } else { (before & EXPIRED != 0).then_some(Err(())) }
    }
}

impl Sources {
    /// A free entry, its signal down.
    pub(super) fn take(&mut self) -> (Key, Arc<Signal>) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry { generation: 0, taken: false, exchange: 0, signal: Arc::default() });
            u32::try_from(self.entries.len() - 1).expect("descriptors are fewer than 2^32")
        });
        let entry = &mut self.entries[index as usize];
        entry.taken = true;
        entry.signal.clear(u32::MAX);
        (Key { index, generation: entry.generation }, Arc::clone(&entry.signal))
    }

    pub(super) fn give_back(&mut self, key: Key) {
        let entry = &mut self.entries[key.index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.taken = false;
        entry.signal.waker.take();
        self.free.push(key.index);
    }

    pub(super) fn find(&self, key: Key) -> Option<&Signal> {
        let entry = self.entries.get(key.index as usize)?;
        (entry.taken && entry.generation == key.generation).then_some(&*entry.signal)
    }

    pub(super) fn next_exchange(&mut self, key: Key) -> u32 {
        let exchange = &mut self.entries[key.index as usize].exchange;
        *exchange = exchange.wrapping_add(1);
        *exchange
    }

    /// The signal of this very exchange, unless that is over.
    pub(super) fn waiting(&self, key: Key, exchange: u32) -> Option<&Signal> {
        let signal = self.find(key)?;
        (self.entries[key.index as usize].exchange == exchange).then_some(signal)
    }
}
