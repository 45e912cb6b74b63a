//! Time that passes only when it is told to, and the last things that happened in it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use netreach_dispatch::Clock;

/// When every simulated NetReach was created: on the minute, so that crontabs are easy to foretell.
const CREATED_S: i64 = 1_772_366_400;
/// How many of the last events a failure shows.
const TOLD_MAX: usize = 40;

/// One time for everybody, in milliseconds since the NetReach was created.
#[derive(Debug, Clone)]
pub(crate) struct VirtualClock {
    began: Instant,
    passed_ms: Arc<AtomicU64>,
}

/// What happened last, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chronicle(Rc<RefCell<VecDeque<String>>>);

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), passed_ms: Arc::default() }
    }

    pub(crate) fn created() -> Timestamp {
        Timestamp::from_second(CREATED_S).unwrap()
    }

    pub(crate) fn at(&self) -> Timestamp {
        let passed = SignedDuration::from_millis(self.passed_ms.load(Ordering::Relaxed).try_into().unwrap());
        Self::created() + passed
    }

    pub(crate) fn advance(&self, to: Timestamp) {
        let passed_ms: u64 = to.duration_since(Self::created()).as_millis().try_into().unwrap();
        assert!(passed_ms >= self.passed_ms.swap(passed_ms, Ordering::Relaxed), "time ran backwards");
    }

    /// The same instant on the desk's monotonic clock.
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        self.began + Duration::try_from(at.duration_since(Self::created())).unwrap()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        self.instant(self.at())
    }

    fn wall_us(&self) -> i64 {
        self.at().as_microsecond()
    }
}

impl Chronicle {
    pub(crate) fn tell(&self, at: Timestamp, event: impl std::fmt::Display) {
        let mut events = self.0.borrow_mut();
        if events.len() == TOLD_MAX {
            events.pop_front();
        }
        let seconds = at.duration_since(VirtualClock::created()).as_secs_f64();
        events.push_back(format!("{seconds:>9.3} s  {event}"));
    }

    pub(crate) fn all(&self) -> String {
        self.0.borrow().iter().map(|event| format!("  {event}\n")).collect()
    }
}
