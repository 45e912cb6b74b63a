//! A distribution as JSON: only the filled buckets, so that a hostile one cannot ask for more memory than it sends.

use netreach_measure::{Digits, Spread, TallyError};
use serde::{Deserialize, Serialize};

use crate::limits::BUCKETS_MAX;

/// A [`Spread`] as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireSpread {
    min_us: u64,
    max_us: u64,
    sum_us: u64,
    /// (microseconds, how many), rising.
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

impl From<&Spread> for WireSpread {
    fn from(spread: &Spread) -> Self {
        Self {
            min_us: spread.min_us().unwrap_or_default(),
            max_us: spread.max_us().unwrap_or_default(),
            sum_us: spread.sum_us(),
            buckets: spread.buckets().collect(),
        }
    }
}

impl WireSpread {
    pub(crate) fn decode(&self, what: &'static str, digits: Digits) -> Result<Spread, Malformed> {
        if self.buckets.len() > BUCKETS_MAX {
            return Err(Malformed::Spread { what });
        }
        Spread::from_buckets(digits, &self.buckets, self.min_us, self.max_us, self.sum_us)
            .ok_or(Malformed::Spread { what })
    }
}
