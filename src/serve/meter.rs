//! What has come of connections and requests, in counts. Counting is one addition; who is connected is looked up when
//! somebody asks, so that a connection pays nothing for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::phase::Phase;
use crate::seats::Seats;

/// What has come of a TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handshake {
    Done,
    /// The caller left within it.
    Left,
    /// It took too long.
    Late,
    /// It is no TLS.
    Garbage,
    /// A version, cipher or protocol of another time.
    Incompatible,
    /// The caller showed no certificate where one is required, or one that nobody vouches for.
    Certificate,
    /// The caller refused ours: most likely it does not trust the CA.
    Refused,
    /// Something else, told in the log.
    Other,
}

/// Counts of one server.
#[derive(Debug)]
pub(crate) struct Meter {
    /// By status code, from the lowest there is.
    answers: [AtomicU64; STATUSES],
    handshakes: [AtomicU64; Handshake::ALL.len()],
    /// Closed at once, for the peer had as many connections as it may.
    pub(crate) over_peer_bound: Count,
    /// Ended while waiting, to make room for another.
    pub(crate) made_room: Count,
    /// Ended within a request, for all such took too much memory.
    pub(crate) shed: Count,
    /// Certificates or CA bundles that were of no use.
    pub(crate) reload_failures: Count,
    seats: Mutex<Vec<Weak<Seats>>>,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

const STATUS_MIN: u16 = 100;
const STATUSES: usize = 500;

impl Handshake {
    pub(crate) const ALL: [Self; 8] = [
        Self::Done,
        Self::Left,
        Self::Late,
        Self::Garbage,
        Self::Incompatible,
        Self::Certificate,
        Self::Refused,
        Self::Other,
    ];
}

impl Count {
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            answers: [const { AtomicU64::new(0) }; STATUSES],
            handshakes: [const { AtomicU64::new(0) }; Handshake::ALL.len()],
            over_peer_bound: Count::default(),
            made_room: Count::default(),
            shed: Count::default(),
            reload_failures: Count::default(),
            seats: Mutex::default(),
        }
    }
}

impl Meter {
    /// Counts who sits here, too.
    pub(crate) fn watch(&self, seats: &Arc<Seats>) {
        let mut watched = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|seats| seats.strong_count() > 0);
        watched.push(Arc::downgrade(seats));
    }

    pub(crate) fn answered(&self, status: u16) {
        let index = status.checked_sub(STATUS_MIN).map(usize::from);
        if let Some(count) = index.and_then(|index| self.answers.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn shook_hands(&self, end: Handshake) {
        self.handshakes[end as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Status codes that have been answered, and how often.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (u16, u64)> {
        (STATUS_MIN..)
            .zip(&self.answers)
            .map(|(status, count)| (status, count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
    }

    pub(crate) fn handshakes(&self) -> impl Iterator<Item = (Handshake, u64)> {
        Handshake::ALL
            .into_iter()
            .zip(&self.handshakes)
            .map(|(end, count)| (end, count.load(Ordering::Relaxed)))
    }

    /// How many connections there are by phase, and the bound on all of them.
    pub(crate) fn connections(&self) -> ([u64; Phase::ALL.len()], u64) {
        let (mut phases, mut bound) = ([0; Phase::ALL.len()], 0);
        let watched = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        for seats in watched.iter().filter_map(Weak::upgrade) {
            bound += seats.census(&mut phases);
        }
        (phases, bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_their_code_and_codes_that_are_none_are_not() {
        let meter = Meter::default();
        for status in [200, 200, 599, 100, 0, 99, 600, u16::MAX] {
            meter.answered(status);
        }
        assert_eq!(meter.answers().collect::<Vec<_>>(), [(100, 1), (200, 2), (599, 1)]);
    }
}
