//! How many times fell into each bucket of an HDR histogram: the filled buckets alone while those are few, which spares most of its room.

use hdrhistogram::Histogram;

use crate::Digits;

/// Filled buckets above which all are kept, filled or not: 2 KiB, where a histogram of times up to a second takes 6 with two digits.
const FEW_MAX: usize = 256;

/// How often each time was counted, to its digits.
#[derive(Debug, Clone)]
pub(crate) enum Counts {
    /// The smallest time of each filled bucket and how many there are, rising.
    Few(Digits, Vec<(u64, u32)>),
    Many(Box<Histogram<u32>>),
}

impl Counts {
    pub(crate) fn new(digits: Digits) -> Self {
        Self::Few(digits, Vec::new())
    }

    /// Counts a time so often.
    pub(crate) fn add(&mut self, us: u64, count: u32) {
        match self {
            Self::Few(digits, few) => {
                let bucket = digits.bucket(us);
                match few.binary_search_by_key(&bucket, |&(bucket, _)| bucket) {
                    Ok(at) => few[at].1 = few[at].1.saturating_add(count),
                    Err(at) if few.len() < FEW_MAX => few.insert(at, (bucket, count)),
                    Err(_) => {
                        let mut many = Box::new(all(*digits, few));
                        add_to(&mut many, us, count);
                        *self = Self::Many(many);
                    }
                }
            }
            Self::Many(many) => add_to(many, us, count),
        }
    }

    /// Adds all of another's, to the digits of this one.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Few(_, few)) => few.iter().for_each(|&(us, count)| self.add(us, count)),
            (Self::Many(many), Self::Many(other)) => {
                many.add(&**other).expect("an auto-resizing histogram takes in any other");
            }
            (Self::Few(digits, few), Self::Many(_)) => {
                *self = Self::Many(Box::new(all(*digits, few)));
                self.merge(other);
            }
        }
    }

    /// How many there are in all.
    pub(crate) fn total(&self) -> u64 {
        match self {
            Self::Few(_, few) => few.iter().map(|&(_, count)| u64::from(count)).sum(),
            Self::Many(many) => many.len(),
        }
    }

    /// The largest time of the bucket that the quantile (0 to 1) falls into, as [`Histogram::value_at_quantile`] has it, and of the
    /// quantile 0 the smallest; 0 where there is none.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank among at most 2^32 times is exact as a float"
    )]
    pub(crate) fn at_quantile(&self, quantile: f64) -> u64 {
        let (digits, few) = match self {
            Self::Few(digits, few) => (digits, few),
            Self::Many(many) => return many.value_at_quantile(quantile),
        };
        let quantile = quantile.min(1.0);
        let mut left = ((quantile * self.total() as f64).ceil() as u64).max(1);
        for &(bucket, count) in few {
            if left <= u64::from(count) {
                return if quantile == 0.0 { bucket } else { digits.top(bucket) };
            }
            left -= u64::from(count);
        }
        0
    }

    /// The filled buckets as (their largest time, how many), rising.
    pub(crate) fn filled(&self) -> Box<dyn Iterator<Item = (u64, u32)> + '_> {
        match self {
            Self::Few(digits, few) => {
                Box::new(few.iter().map(|&(bucket, count)| (digits.top(bucket), count)))
            }
            Self::Many(many) => {
                let recorded = many.iter_recorded();
                Box::new(recorded.map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value())))
            }
        }
    }
}

/// A histogram of what the filled buckets hold.
fn all(digits: Digits, few: &[(u64, u32)]) -> Histogram<u32> {
    let mut made = Histogram::new(digits.count()).expect("2 and 3 digits are within HDR's 0 to 5");
    few.iter().for_each(|&(us, count)| add_to(&mut made, us, count));
    made
}

fn add_to(histogram: &mut Histogram<u32>, us: u64, count: u32) {
    histogram.record_n(us, count).expect("an auto-resizing histogram takes any value up to the bound");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::LATENCY_US_MAX;

    fn counts(digits: Digits, times: &[(u64, u32)]) -> Counts {
        let mut counts = Counts::new(digits);
        times.iter().for_each(|&(us, count)| counts.add(us, count));
        counts
    }

    /// Of few times and of many, near each other and far apart.
    fn times() -> impl Strategy<Value = Vec<(u64, u32)>> {
        let time = prop_oneof![0..3_000_u64, 0..=LATENCY_US_MAX];
        prop::collection::vec((time, 1..4_u32), 0..3 * FEW_MAX)
    }

    proptest! {
        #[test]
        fn few_and_many_are_what_a_histogram_is(times in times(), others in times(), quantile in 0.0..=1.0) {
            for (digits, others_digits) in [
                (Digits::Two, Digits::Two), (Digits::Three, Digits::Three), (Digits::Two, Digits::Three),
            ] {
                let mut made = counts(digits, &times);
                let mut histogram = Histogram::<u32>::new(digits.count()).unwrap();
                times.iter().for_each(|&(us, count)| add_to(&mut histogram, us, count));
                for merged in [false, true] {
                    if merged {
                        made.merge(&counts(others_digits, &others));
                        others.iter().for_each(|&(us, count)| add_to(&mut histogram, us, count));
                    }
                    prop_assert_eq!(made.total(), histogram.len());
                    for quantile in [0.0, quantile, 0.5, 0.99, 1.0] {
                        prop_assert_eq!(made.at_quantile(quantile), histogram.value_at_quantile(quantile));
                    }
                    let recorded = histogram.iter_recorded();
                    let recorded: Vec<_> =
                        recorded.map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value())).collect();
                    prop_assert_eq!(made.filled().collect::<Vec<_>>(), recorded);
                }
            }
        }
    }

    #[test]
    fn only_many_times_far_apart_take_a_histograms_room() {
        let far = |number: u64| (number * number * 50, 1);
        let few = counts(Digits::Two, &(0..60).map(far).collect::<Vec<_>>());
        assert!(matches!(few, Counts::Few(_, few) if few.capacity() <= 64));
        let many = counts(Digits::Two, &(0..1_000).map(far).collect::<Vec<_>>());
        assert!(matches!(many, Counts::Many(_)));
    }
}
