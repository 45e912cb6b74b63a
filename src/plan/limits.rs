//! Every bound of planning, checked against each other.

pub use netreach_api::limits::AGENT_QPS_MAX;
use netreach_wire::limits::TARGETS_PER_AGENT_MAX;

/// Most agents in one round: the largest cluster Kubernetes is tested with.
pub const AGENTS_MAX: usize = 5_000;
/// Probes per second all agents together may send to one destination, unless the rate asked of a single target is
/// higher by itself.
pub const DESTINATION_QPS_MAX: u64 = 5_000;
/// Connection-tracking entries one round may hold on a node: the smallest table kube-proxy sets up
/// (`--conntrack-min`). A full table drops everybody's packets, so nothing lifts this one.
pub const CONNTRACK_ENTRIES_MAX: u64 = 131_072;
/// How long the kernel keeps the entry of a closed connection, seconds (`nf_conntrack_tcp_timeout_time_wait`).
pub const CONNTRACK_HELD_S: u64 = 120;
/// Most pairs of agent and target in one round: each costs an assigned target on the way out and a tally back.
pub const CELLS_PER_ROUND_MAX: usize = 1 << 20;
/// Most rounds one decision counts as missed when they have to be walked through: a month of minutes.
pub const MISSED_WALK_MAX: u64 = 50_000;
/// Most pods or nodes a gap names; the rest is a number.
pub const NAMED_MAX: usize = 5;

const _: () = assert!(AGENT_QPS_MAX <= DESTINATION_QPS_MAX, "an agent alone never overloads a destination");
const _: () = assert!(AGENT_QPS_MAX as usize <= TARGETS_PER_AGENT_MAX, "one probe a second fits the list");
const _: () =
    assert!(CELLS_PER_ROUND_MAX / AGENTS_MAX >= 2, "the largest cluster still has its own pod and a peer");
const _: () = assert!(MISSED_WALK_MAX >= 31 * 24 * 60);
const _: () = assert!(netreach_api::limits::PEERS_PER_ROUND_MAX as usize <= AGENTS_MAX);
const _: () = assert!(netreach_api::limits::QPS_MAX as u32 <= netreach_wire::limits::RATE_QPS_MAX);
const _: () = assert!(netreach_api::limits::DURATION_S_MAX as u32 <= netreach_wire::limits::DURATION_S_MAX);
