//! How much one answer may hold, and what the server of the API may be asked for.

use netreach_api::limits::NAME_CHARS_MAX as TASK_CHARS_MAX;
use netreach_api::names::REPORT_NAME_PREFIX;
use netreach_serve::Limits;

/// Largest list of whole objects, bytes: what is above it comes in pages, or, where pages were not asked for, not at all. One
/// object alone may be larger, or nobody could read it.
pub const LIST_BYTES_MAX: usize = 16 << 20;
/// Largest answer that is laid out for people when that is asked for, bytes; a larger one stays on its line.
pub const PRETTY_BYTES_MAX: usize = 1 << 20;
/// Answers with whole objects that are put together at the same time; the others wait in their connections.
pub const WHOLE_AT_ONCE_MAX: usize = 4;
/// Longest name of a report, characters: longer than those of Kubernetes' own objects, because a NetReach whose name is as long
/// as can be has a report as well.
pub const NAME_CHARS_MAX: usize = REPORT_NAME_PREFIX.len() + TASK_CHARS_MAX;
/// Body that is let pass, bytes: it is never read, but its sender should hear in Kubernetes' words that nothing can be written.
const BODY_BYTES_MAX: u64 = 1 << 20;
/// Connections in all: each API server keeps some dozens.
const CONNECTIONS_MAX: usize = 1_024;
/// Connections from one address.
const CONNECTIONS_PER_PEER_MAX: usize = 512;
/// For how long after its stop a replica is there for those who have not heard of it, milliseconds: as the webhook.
const LAME_DUCK_MS: u64 = 5_000;

/// The limits of a server that serves the API.
#[must_use]
pub fn server_limits() -> Limits {
    Limits {
        connections_max: CONNECTIONS_MAX,
        connections_per_peer_max: CONNECTIONS_PER_PEER_MAX,
        body_bytes_max: BODY_BYTES_MAX,
        lame_duck_ms: LAME_DUCK_MS,
        ..Limits::default()
    }
}

const _: () = assert!(PRETTY_BYTES_MAX <= LIST_BYTES_MAX);
const _: () = assert!(CONNECTIONS_PER_PEER_MAX <= CONNECTIONS_MAX);
