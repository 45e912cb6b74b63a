//! Every bound of the webhook.

/// Largest review, bytes. An object's annotations hold 256 KiB at most, and a review of a change holds it twice; a spec
/// of a NetReach is a few hundred bytes.
pub const REVIEW_BYTES_MAX: u64 = 1 << 20;
/// Longest uid that is given back; API servers write 36 characters.
pub const UID_CHARS_MAX: usize = 128;
/// Largest file of cluster facts, bytes.
pub const FACTS_BYTES_MAX: u64 = 64 << 10;
/// Connections in all: API servers keep some dozens each. Whoever is silent makes room for others.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Connections from one address.
pub const CONNECTIONS_PER_PEER_MAX: usize = 1_024;
/// For how long after its stop a replica is there for those who have not heard of it, milliseconds: endpoints take a second
/// or two to reach every node.
pub const LAME_DUCK_MS: u64 = 5_000;
