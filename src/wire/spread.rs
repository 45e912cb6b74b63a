//! A distribution as JSON: only the filled buckets, so that a hostile one cannot ask for more memory than it sends.

use netreach_measure::{Digits, Spread, TallyError};
use serde::{Deserialize, Serialize};

use crate::limits::BUCKETS_MAX;
use crate::steps;

/// A [`Spread`] as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireSpread {
    min_us: u64,
    max_us: u64,
    sum_us: u64,
    /// (microseconds, how many), rising.
    #[serde(with = "steps")]
    buckets: Vec<(u64, u32)>,
}

/// What an agent sent cannot be a result.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Malformed {
    /// More targets than an assignment can hold.
    #[error("result holds {found} targets (at most {})", crate::limits::TARGETS_PER_AGENT_MAX)]
    TooManyTargets {
        /// How many it holds.
        found: usize,
    },
    /// Buckets that no distribution has.
    #[error(
        "distribution {what} contradicts itself (buckets must rise, hold the extremes and allow the sum)"
    )]
    Spread {
        /// Which one.
        what: &'static str,
    },
    /// A failure this build does not know.
    #[error("failure {key:?} is not in the taxonomy")]
    UnknownFailure {
        /// As sent.
        key: String,
    },
    /// No HTTP status.
    #[error("status {status} is no HTTP status (100 to 999)")]
    Status {
        /// As sent.
        status: u16,
    },
    /// A name of a backend that is no pod's.
    #[error("a backend's name has {bytes} bytes (at most {})", crate::limits::NAME_BYTES_MAX)]
    BackendName {
        /// How long it is.
        bytes: usize,
    },
    /// More backends than any cluster has.
    #[error("result names {found} backends (at most {})", crate::limits::BACKENDS_PER_RESULT_MAX)]
    TooManyBackends {
        /// How many it names.
        found: usize,
    },
    /// A count no round can reach.
    #[error("a count passes {}", u32::MAX)]
    CountTooLarge,
    /// A target's instants are not in order.
    #[error("target {index} began, ended and the round ended in another order")]
    Instants {
        /// Which target.
        index: usize,
    },
    /// CPU shares that are no numbers.
    #[error("CPU share is negative or no number")]
    Usage,
    /// Distributions and outcomes disagree.
    #[error(transparent)]
    Tally(#[from] TallyError),
}

impl WireSpread {
    /// All of the distribution but for the last binary digits of its times: neighbours that differ in nothing else are
    /// one bucket, which has the latest one's time. So percentiles are never told too short, and too long by less
    /// than 2^(1 - bits) of them. Count, extremes and sum stay exact.
    pub(crate) fn of(spread: &Spread, bits: u32) -> Self {
        Self {
            min_us: spread.min_us().unwrap_or_default(),
            max_us: spread.max_us().unwrap_or_default(),
            sum_us: spread.sum_us(),
            buckets: joined(spread, bits),
        }
    }

    /// Length of the buckets as JSON.
    pub(crate) fn steps_bytes(&self) -> usize {
        steps::bytes(&self.buckets)
    }

    pub(crate) fn decode(&self, what: &'static str, digits: Digits) -> Result<Spread, Malformed> {
        if self.buckets.len() > BUCKETS_MAX {
            return Err(Malformed::Spread { what });
        }
        Spread::from_buckets(digits, &self.buckets, self.min_us, self.max_us, self.sum_us)
            .ok_or(Malformed::Spread { what })
    }
}

fn joined(spread: &Spread, bits: u32) -> Vec<(u64, u32)> {
    let leading = |us: u64| us & u64::MAX << (u64::BITS - us.leading_zeros()).saturating_sub(bits);
    let mut buckets: Vec<(u64, u32)> = Vec::new();
    for (us, count) in spread.buckets() {
        let is_second = buckets.len() == 1;
        match buckets.last_mut() {
            // The first bucket stays by itself: the smallest time must lie in it.
            Some(last) if !is_second && leading(last.0) == leading(us) => {
                *last = (us, last.1.saturating_add(count));
            }
            _ => buckets.push((us, count)),
        }
    }
    buckets
}
