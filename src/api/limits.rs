//! The bounds of what a spec may ask for and of what is said about a wrong one, checked against each other.

/// Most probes per second at one target.
pub const QPS_MAX: i64 = 10_000;
/// Longest load of one round, seconds.
pub const DURATION_S_MAX: i64 = 3_600;
/// Longest time a round may take to its deadline, minutes: a week.
pub const ROUND_TIMEOUT_MIN_MAX: i64 = 7 * 24 * 60;
/// Most peers an agent may be told to probe in a round: the largest cluster there is.
pub const PEERS_PER_ROUND_MAX: i64 = 5_000;
/// Most agents one Deployment may have: one for each node of the largest cluster there is.
pub const REPLICAS_MAX: i64 = 5_000;
/// Longest time agents may outlive their work, minutes: a year.
pub const GRACE_MIN_MAX: i64 = 366 * 24 * 60;
/// Probes per second one agent may send, unless the rate asked of a single target is higher by itself.
pub const AGENT_QPS_MAX: u64 = 2_000;
/// Smallest and largest status code there is.
pub const STATUS_CODES: (i64, i64) = (100, 599);
/// Longest name of an object: a DNS subdomain.
pub const NAME_CHARS_MAX: usize = 253;
/// Most faults told of one object.
pub const ERRORS_MAX: usize = 64;
/// Most characters of a wrong value, or of a wrong field's name, that are quoted back.
pub const QUOTE_CHARS_MAX: usize = 60;

/// Milliseconds of a minute.
pub(crate) const MINUTE_MS: i64 = 60_000;

/// Left of a round after its last request, milliseconds: agents begin a moment after the round does, and
/// hand in their results before its deadline.
pub const ROUND_MARGIN_MS: i64 = 2_000;

// A checked load is carried in 32 bits each, and the longest timeout is the longest round.
const _: () = assert!(QPS_MAX <= u32::MAX as i64);
const _: () = assert!(DURATION_S_MAX <= u32::MAX as i64);
const _: () = assert!(ROUND_TIMEOUT_MIN_MAX * MINUTE_MS <= u32::MAX as i64);
const _: () = assert!(PEERS_PER_ROUND_MAX <= u32::MAX as i64);
// The longest load fits into the longest round.
const _: () = assert!(DURATION_S_MAX * 1_000 <= ROUND_TIMEOUT_MIN_MAX * MINUTE_MS);
