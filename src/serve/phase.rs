//! What a connection is doing, and since when: one word that the connection writes and the watch reads.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{LINGER_MS, Limits};

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Silent: no byte of a request has come.
    Waiting,
    /// TLS has begun.
    Handshake,
    /// A head has begun.
    Head,
    /// The head is whole, the body is not.
    Body,
    /// The app is at work. How long that may take is the app's affair.
    Answering,
    /// The peer is slow to take the answer.
    Writing,
    /// Refused, and given a moment to notice.
    Lingering,
}

/// A phase and its beginning, microseconds since the server's.
#[derive(Debug)]
pub(crate) struct PhaseCell(AtomicU64);

/// The low bits hold the phase, the others the microseconds: 73,000 years of them.
const PHASE_BITS: u32 = 3;

impl Phase {
    pub(crate) const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Handshake,
        Self::Head,
        Self::Body,
        Self::Answering,
        Self::Writing,
        Self::Lingering,
    ];

    /// How long it may last, milliseconds.
    pub(crate) fn limit_ms(self, limits: &Limits) -> Option<u64> {
        match self {
            Self::Waiting => Some(limits.idle_ms),
            Self::Handshake => Some(limits.handshake_ms),
            Self::Head => Some(limits.head_ms),
            Self::Body => Some(limits.request_ms),
            Self::Answering => None,
            Self::Writing => Some(limits.write_ms),
            Self::Lingering => Some(LINGER_MS),
        }
    }

    /// Whether it may be ended to make room: nobody is owed an answer yet, or has been given it.
    pub(crate) fn is_expendable(self) -> bool {
        self.is_unasked() || self == Self::Lingering
    }

    /// Whether something has come, and more must before anybody can be answered.
    pub(crate) fn is_unfinished(self) -> bool {
        matches!(self, Self::Handshake | Self::Head | Self::Body)
    }

    /// Whether no whole request has come yet.
    pub(crate) fn is_unasked(self) -> bool {
        matches!(self, Self::Waiting | Self::Handshake | Self::Head)
    }
}

impl PhaseCell {
    pub(crate) fn new(phase: Phase, since_us: u64) -> Self {
        Self(AtomicU64::new(pack(phase, since_us)))
    }

    pub(crate) fn enter(&self, phase: Phase, since_us: u64) {
        // Sequentially consistent: a drain sets its flag and then looks here, a connection writes here and then
        // looks at the flag, so that at least one of them sees the other.
        self.0.store(pack(phase, since_us), Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> (Phase, u64) {
        let word = self.0.load(Ordering::SeqCst);
        let index = (word & ((1 << PHASE_BITS) - 1)) as usize;
        (Phase::ALL[index], word >> PHASE_BITS)
    }

    /// Whether the phase has lasted longer than it may.
    pub(crate) fn is_overdue(&self, now_us: u64, limits: &Limits) -> bool {
        let (phase, since_us) = self.get();
        phase
            .limit_ms(limits)
            .is_some_and(|limit_ms| now_us.saturating_sub(since_us) > limit_ms.saturating_mul(1_000))
    }
}

fn pack(phase: Phase, since_us: u64) -> u64 {
    since_us << PHASE_BITS | phase as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_comes_back_as_it_was_put_and_is_overdue_past_its_limit_only() {
        let limits = Limits { head_ms: 7, ..Limits::default() };
        for phase in Phase::ALL {
            let cell = PhaseCell::new(Phase::Waiting, 0);
            cell.enter(phase, 1_000);
            assert_eq!(cell.get(), (phase, 1_000));
            let bounded = phase.limit_ms(&limits);
            assert_eq!(cell.is_overdue(u64::MAX >> PHASE_BITS, &limits), bounded.is_some());
        }
        let cell = PhaseCell::new(Phase::Head, 1_000);
        assert!(!cell.is_overdue(8_000, &limits));
        assert!(cell.is_overdue(8_001, &limits));
    }
}
