//! Figures in the document's units.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// A number that is written without a fraction where it has none, as Go does: `1`, not `1.0`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Number(pub f64);

/// Integers up to here are exact in a float.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

impl Number {
    /// Microseconds as milliseconds with at most three decimals.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "durations stay far below 2^53 µs (285 years)")]
    pub fn ms(us: u64) -> Self {
        Self(us as f64 / 1_000.0)
    }

    /// A mean of microseconds as milliseconds, rounded to the microsecond.
    #[must_use]
    pub fn mean_ms(us: f64) -> Self {
        Self(us.round() / 1_000.0)
    }
}

impl Serialize for Number {
    #[allow(clippy::cast_possible_truncation, reason = "only whole numbers within ±2^53 are cast")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() <= EXACT_MAX {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// A CPU share as the document has it: percent of one core, three decimals.
pub(crate) fn percent(share: f64) -> String {
    format!("{share:.3}%")
}

/// Memory as the document has it: its MB are 2^20 bytes.
#[allow(clippy::cast_precision_loss, reason = "two decimals of a MiB")]
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.2}MB", bytes as f64 / f64::from(1 << 20))
}

/// RFC 3339, whole seconds, UTC.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_the_documents_readers_know_them() {
        let json = |number: Number| serde_json::to_string(&number).unwrap();
        assert_eq!(json(Number(1.0)), "1");
        assert_eq!(json(Number(0.97)), "0.97");
        assert_eq!(json(Number::ms(23_080)), "23.08");
        assert_eq!(json(Number::ms(1)), "0.001");
        assert_eq!(json(Number::ms(68_000)), "68");
        assert_eq!(json(Number::mean_ms(44_049.6)), "44.05");
        assert_eq!(json(Number::mean_ms(1.0 / 3.0)), "0");
        assert_eq!(percent(26.203), "26.203%");
        assert_eq!(megabytes(101 << 20), "101.00MB");
        assert_eq!(megabytes(2_621_440), "2.50MB");
        assert_eq!(
            instant(Timestamp::from_microsecond(1_690_879_016_999_999).unwrap()),
            "2023-08-01T08:36:56Z"
        );
    }
}
