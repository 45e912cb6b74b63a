//! The bounds of a judgement.

/// An agent whose slots begin later than this is never called punctual, microseconds: the floor under the share below.
pub const LATENESS_US_P99_MIN: u64 = 5_000;
/// Above the floor: the part of the expected mean delay that an agent's own lateness may reach, one in so many.
pub const LATENESS_PART: u64 = 10;
/// How sure the detection power is of itself.
pub const DETECTION_CONFIDENCE: f64 = 0.95;
/// Most characters of an agent's own words that are told on.
pub const TROUBLE_CHARS_MAX: usize = 300;
/// Most reasons of a verdict that are kept and shown in a list: the others stand at their targets.
pub const REASONS_MAX: usize = 1_000;
/// How much of what went well the object of a round shows: entries of agents and of targets together, each 1.5 to 2 KB of
/// JSON. What did not go well is shown always.
pub const PASSING_ENTRIES_MAX: usize = 800;
/// Largest status of a NetReach, bytes of its JSON.
pub const STATUS_BYTES_MAX: usize = 16 << 10;
/// Most rounds a status tells of, the one under way or to come included.
pub const HISTORY_MAX: usize = 10;
/// Largest number of a round that is believed: one a minute would come to it in thousands of millions of years.
pub const ROUND_NUMBER_MAX: i64 = 1 << 53;
/// Most bytes, as JSON, of why the newest round failed; characters are never more than bytes.
pub const FAILURE_REASON_BYTES_MAX: usize = 600;
/// The same of each older round.
pub const OLD_REASON_BYTES_MAX: usize = 300;
/// Most bytes, as JSON, of a condition's message.
pub const MESSAGE_BYTES_MAX: usize = 300;
/// Most bytes of a condition's reason, and of a duration.
pub const WORD_BYTES_MAX: usize = 40;
/// Most numbers of failed rounds that are told.
pub const FAILED_ROUNDS_MAX: usize = 100;

/// One round without names and reason, at its longest.
const ROUND_BYTES_MAX: usize = 700;
/// One condition without its message, at its longest.
const CONDITION_BYTES_MAX: usize = 240;
/// The rest of a status, five names of 253 characters among it.
const REST_BYTES_MAX: usize = 2_000;

// Names of nodes may be left out, nothing else: all the rest fits at its longest.
const _: () = assert!(
    HISTORY_MAX * (ROUND_BYTES_MAX + OLD_REASON_BYTES_MAX)
        + FAILURE_REASON_BYTES_MAX
        + 4 * (CONDITION_BYTES_MAX + MESSAGE_BYTES_MAX)
        + REST_BYTES_MAX
        <= STATUS_BYTES_MAX
);
