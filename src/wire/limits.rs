//! The bounds of what is said, checked against each other.

use netreach_measure::BACKENDS_MAX;

/// Most targets in one assignment.
pub const TARGETS_PER_AGENT_MAX: usize = 2_048;
/// Most probes a second at one target.
pub const RATE_QPS_MAX: u32 = 10_000;
/// Longest load, seconds.
pub const DURATION_S_MAX: u32 = 3_600;
/// Farthest start of a round, microseconds from its hand-out: one day.
pub const START_IN_US_MAX: u64 = 86_400_000_000;
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
/// Rounds whose probes an agent answers at one time: probes of a round that just ended may still be under way.
pub const KEYS_MAX: usize = 16;
/// Most addresses one agent may say it listens on.
pub const LISTENING_MAX: usize = 32;
/// Most filled buckets of one distribution on the wire: all there are, with three digits up to an hour.
pub const BUCKETS_MAX: usize = 2_048 + 21 * 1_024;
/// Longest name of a backend, bytes: a pod's.
pub const NAME_BYTES_MAX: usize = 253;
/// Most backends that a result may tell apart: twice as many as the largest cluster has nodes, for agents that are replaced.
pub const BACKENDS_PER_RESULT_MAX: usize = 2 * BACKENDS_MAX;
/// Largest body of an echo, bytes: two Kubernetes names of 253 characters and an address.
pub const ECHO_BYTES_MAX: usize = 1 << 10;

/// Beside the tallies, bytes: the result's own fields, of which only the uid's length may vary.
const RESULT_HEAD_BYTES: usize = 4 << 10;
/// Beside its tally, bytes: when a target began and ended.
const TARGET_HEAD_BYTES: usize = 80;

/// All encoded tallies of one result together, bytes.
pub const TALLIES_BYTES_MAX: usize =
    RESULT_BYTES_MAX - RESULT_HEAD_BYTES - TARGETS_PER_AGENT_MAX * TARGET_HEAD_BYTES;

const _: () = assert!(
    TALLIES_BYTES_MAX / TARGETS_PER_AGENT_MAX >= 8_000,
    "six distributions of a hundred probes need 3,000"
);
