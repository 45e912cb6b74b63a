//! Numbers as they are written: as what they differ by from one that stands there already, for small numbers are short.

use jiff::Timestamp;
use netreach_report::Figures;
use serde::{Deserialize, Serialize};

/// An instant: microseconds since 1970, and nanoseconds beyond them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Moment {
    us: i64,
    ns: u16,
}

/// [`Figures`], each percentile as its distance from the one below.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct FiguresRow {
    count: u64,
    /// The sum's distance from what it were if all times were the median.
    sum_us: i64,
    min_us: u64,
    p50_us: u64,
    p90_us: u64,
    p95_us: u64,
    p99_us: u64,
    max_us: u64,
}

impl Moment {
    /// Counted from that instant; 1970 when none.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the calendar ends far below")]
    pub(super) fn of(at: Timestamp, since: Option<Timestamp>) -> Self {
        let [at, since] = [at, since.unwrap_or(Timestamp::UNIX_EPOCH)].map(Timestamp::as_nanosecond);
        let (us, ns) = (at.div_euclid(1_000) - since.div_euclid(1_000), at.rem_euclid(1_000));
        Self { us: us as i64, ns: ns as u16 }
    }

    /// None when it is no instant of the calendar.
    pub(super) fn instant(self, since: Option<Timestamp>) -> Option<Timestamp> {
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH).as_nanosecond().div_euclid(1_000);
        let ns = (since + i128::from(self.us)) * 1_000 + i128::from(self.ns);
        Timestamp::from_nanosecond(ns).ok().filter(|_| self.ns < 1_000)
    }
}

// Whatever the numbers are, they come back: sums and differences go round.
impl From<&Figures> for FiguresRow {
    fn from(figures: &Figures) -> Self {
        let Figures { count, sum_us, min_us, max_us, p50_us, p90_us, p95_us, p99_us } = *figures;
        Self {
            count,
            sum_us: sum_us.wrapping_sub(count.wrapping_mul(p50_us)).cast_signed(),
            min_us,
            p50_us: p50_us.wrapping_sub(min_us),
            p90_us: p90_us.wrapping_sub(p50_us),
            p95_us: p95_us.wrapping_sub(p90_us),
            p99_us: p99_us.wrapping_sub(p95_us),
            max_us: max_us.wrapping_sub(p99_us),
        }
    }
}

impl From<FiguresRow> for Figures {
    fn from(row: FiguresRow) -> Self {
        let FiguresRow { count, sum_us, min_us, .. } = row;
        let p50_us = min_us.wrapping_add(row.p50_us);
        let p90_us = p50_us.wrapping_add(row.p90_us);
        let p95_us = p90_us.wrapping_add(row.p95_us);
        let p99_us = p95_us.wrapping_add(row.p99_us);
        let max_us = p99_us.wrapping_add(row.max_us);
        let sum_us = count.wrapping_mul(p50_us).wrapping_add_signed(sum_us);
        Self { count, sum_us, min_us, max_us, p50_us, p90_us, p95_us, p99_us }
    }
}
