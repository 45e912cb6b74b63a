//! A distribution of microseconds: an HDR histogram with the exact extremes and sum beside it.

use crate::counts::Counts;

/// Longest time told apart; anything longer is counted here. One hour, the longest round there is.
pub const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Significant digits of a histogram: three cost up to 70 KB at a minute's range, two up to 10 KB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// Values within 1 %.
    Two,
    /// Values within 0.1 %.
    Three,
}

/// Times in microseconds: percentiles within the histogram's digits; count, min, max and mean exact.
///
/// It grows with how many different values were seen, to their digits, and by no more than with the logarithm of the largest; never
/// with how many there were.
#[derive(Debug, Clone)]
pub struct Spread {
    counts: Counts,
    min_us: u64,
    max_us: u64,
    sum_us: u64,
}

impl Digits {
    pub(crate) fn count(self) -> u8 {
        match self {
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    /// The smallest time in the bucket of this one.
    pub(crate) fn bucket(self, us: u64) -> u64 {
        us >> self.shift(us) << self.shift(us)
    }

    /// The largest one.
    pub(crate) fn top(self, us: u64) -> u64 {
        self.bucket(us) + (1 << self.shift(us)) - 1
    }

    /// Binary digits of a time that its bucket does not tell apart: HDR keeps as many as it takes for twice the decimal ones, 8 for
    /// 200 and 11 for 2,000.
    fn shift(self, us: u64) -> u32 {
        let kept = match self {
            Self::Two => 8,
            Self::Three => 11,
        };
        (u64::BITS - us.leading_zeros()).saturating_sub(kept)
    }
}

impl Spread {
    /// An empty distribution.
    #[must_use]
    pub fn new(digits: Digits) -> Self {
        Self { counts: Counts::new(digits), min_us: u64::MAX, max_us: 0, sum_us: 0 }
    }

    /// Counts one time.
    pub fn record(&mut self, us: u64) {
        self.record_n(us, 1);
    }

    fn record_n(&mut self, us: u64, count: u32) {
        let us = us.min(LATENCY_US_MAX);
        self.counts.add(us, count);
        self.min_us = self.min_us.min(us);
        self.max_us = self.max_us.max(us);
        self.sum_us = self.sum_us.saturating_add(us * u64::from(count));
    }

    /// Adds another distribution; the order of merges does not matter.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
    }

    /// How many times were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.total()
    }

    /// Smallest time, exact; none when empty.
    #[must_use]
    pub fn min_us(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.min_us)
    }

    /// Largest time, exact; none when empty.
    #[must_use]
    pub fn max_us(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.max_us)
    }

    /// Sum of all times, exact.
    #[must_use]
    pub fn sum_us(&self) -> u64 {
        self.sum_us
    }

    /// Mean time, exact to a float's precision; none when empty.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "sums stay far below 2^53 µs (285 years)")]
    pub fn mean_us(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum_us as f64 / self.count() as f64)
    }

    /// The time that `quantile` (0 to 1) of all times do not pass; never outside min and max. None when empty.
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        (self.count() > 0).then(|| self.counts.at_quantile(quantile).clamp(self.min_us, self.max_us))
    }

    /// The filled buckets as (a time of the bucket, how many), rising: what goes over the wire. No time passes the
    /// largest one recorded.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let time = |bucket_top: u64| bucket_top.min(self.max_us);
        self.counts.filled().map(move |(top, count)| (time(top), count))
    }

    /// A distribution from its buckets and exact parts; none if they contradict each other. Who sent them may have
    /// kept fewer digits.
    ///
    /// Refused: times that do not rise or pass [`LATENCY_US_MAX`], empty buckets, more than `u32::MAX` times in
    /// all, a smallest time outside the first bucket as two digits have it, a largest one that is not the last bucket's,
    /// a sum no such times can have; and of no times at all, any extremes or sum but 0.
    #[must_use]
    pub fn from_buckets(
        digits: Digits,
        buckets: &[(u64, u32)],
        min_us: u64,
        max_us: u64,
        sum_us: u64,
    ) -> Option<Self> {
        let mut spread = Self::new(digits);
        if buckets.is_empty() {
            return (min_us == 0 && max_us == 0 && sum_us == 0).then_some(spread);
        }
        let rises = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let filled = buckets.iter().all(|&(us, count)| us <= LATENCY_US_MAX && count > 0);
        let total: u64 = buckets.iter().map(|&(_, count)| u64::from(count)).sum();
        if !rises || !filled || total > u64::from(u32::MAX) {
            return None;
        }
        buckets.iter().for_each(|&(us, count)| spread.record_n(us, count));
        let (first, last) = (buckets[0].0, buckets[buckets.len() - 1].0);
        let extremes_fit =
            min_us <= first && Digits::Two.bucket(min_us) == Digits::Two.bucket(first) && max_us == last;
        let sum_fits = min_us <= max_us
            && sum_us >= min_us.checked_mul(total)?
            && sum_us <= max_us.checked_mul(total)?;
        if !extremes_fit || !sum_fits {
            return None;
        }
        Some(Self { min_us, max_us, sum_us, ..spread })
    }
}
