//! What time it is, as an argument.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Tells the desk the time.
pub trait Clock: Send + Sync {
    /// For durations: never goes back.
    fn now(&self) -> Instant;
    /// For comparing with an agent's clock: microseconds since 1970.
    fn wall_us(&self) -> i64;
}

/// The machine's own clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall_us(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}
