//! The bounds of a judgement.

/// An agent whose slots begin later than this is never called punctual, microseconds: the floor under the share below.
pub const LATENESS_US_P99_MIN: u64 = 5_000;
/// Above the floor: the part of the expected mean delay that an agent's own lateness may reach, one in so many.
pub const LATENESS_PART: u64 = 10;
/// How sure the detection power is of itself.
pub const DETECTION_CONFIDENCE: f64 = 0.95;
/// Most characters of an agent's own words that are told on.
pub const TROUBLE_CHARS_MAX: usize = 300;
