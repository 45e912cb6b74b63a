//! The bounds of what is said, checked against each other.

/// Most targets in one assignment.
pub const TARGETS_PER_AGENT_MAX: usize = 2_048;
/// Largest encoded tally, bytes.
pub const TALLY_BYTES_MAX: usize = 8 << 10;
/// Largest body of a result, bytes.
pub const RESULT_BYTES_MAX: usize = 16 << 20;
/// Largest body of a poll, bytes.
pub const POLL_BYTES_MAX: usize = 64 << 10;
/// Largest reply to a poll, bytes: an assignment names each target in about 400.
pub const REPLY_BYTES_MAX: usize = 4 << 20;
/// Longest wait of a long poll, milliseconds.
pub const POLL_WAIT_MS_MAX: u64 = 60_000;
/// Most rounds an agent may keep results of.
pub const HELD_ROUNDS_MAX: usize = 16;
/// Most addresses one agent may say it listens on.
pub const LISTENING_MAX: usize = 32;
/// Most filled buckets of one distribution on the wire.
pub const BUCKETS_MAX: usize = 20_000;
/// Largest body of an echo, bytes: two Kubernetes names of 253 characters and an address.
pub const ECHO_BYTES_MAX: usize = 1 << 10;

const _: () = assert!(TARGETS_PER_AGENT_MAX * TALLY_BYTES_MAX <= RESULT_BYTES_MAX);
