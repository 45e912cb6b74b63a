//! How much one answer may hold, how long it may take, and what the server of the API may be asked for.

use std::time::Duration;

use netreach_api::limits::NAME_CHARS_MAX as TASK_CHARS_MAX;
use netreach_api::names::REPORT_NAME_PREFIX;
use netreach_serve::{HeadLimits, Limits};

/// Collected before it is handed on, bytes: an answer is written in pieces of this size, and no more of it is held.
pub const CHUNK_BYTES: usize = 32 << 10;
/// Answers above this size, bytes, are compressed for callers that take gzip, and sent as they are made. Smaller ones are
/// made whole first, so that whatever goes wrong with them can still be told.
pub const WHOLE_BYTES_MAX: usize = 128 << 10;
/// Largest answer that is laid out for people when that is asked for, bytes; a larger one stays on its line.
pub const PRETTY_BYTES_MAX: usize = 1 << 20;
/// Answers with whole objects that are written at the same time; the others wait in their connections.
pub const WHOLE_AT_ONCE_MAX: usize = 4;
/// Watchers that are sent a whole object at the same time, beside those answers; the others wait.
pub const EVENTS_AT_ONCE_MAX: usize = 4;
/// Watchers in all: connections are left to whoever wants to read.
pub const WATCHERS_MAX: usize = 768;
/// Changes that can still be told to whoever has missed them.
pub const CHANGES_MAX: usize = 8_192;
/// What these may take together, bytes.
pub const CHANGES_BYTES_MAX: usize = 16 << 20;
/// Changes that a watcher takes up at once: so many it holds, at the most, that are no longer kept.
pub const CHANGES_AT_ONCE_MAX: usize = 64;
/// How long an answer may take that is no watch, from its request to its last byte, as in any API server.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How long a watch lasts at least that does not say how long it should.
pub const WATCH_FOR_MIN: Duration = Duration::from_secs(30 * 60);
/// How long a watch lasts at the most.
pub const WATCH_FOR_MAX: Duration = Duration::from_secs(60 * 60);
/// How long a watcher may take over one event. Slower than that, it is ended.
pub const EVENT_WITHIN: Duration = Duration::from_secs(60);
/// How often watchers that want to know hear where they are.
pub const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// After how many seconds somebody who could not be served should ask again.
pub const RETRY_AFTER_S: u32 = 1;
/// Longest name of a report, characters: longer than those of Kubernetes' own objects, because a NetReach whose name is as long
/// as can be has a report as well.
pub const NAME_CHARS_MAX: usize = REPORT_NAME_PREFIX.len() + TASK_CHARS_MAX;
/// Of a name in the log of requests, characters.
pub(crate) const LOGGED_CHARS_MAX: usize = 300;
/// Longest `Audit-ID` that is sent back, characters: an API server's own have 36.
pub(crate) const AUDIT_ID_CHARS_MAX: usize = 64;
/// Largest head of a request by the front proxy, bytes, and most headers: it sends one for each group of a user, and may send as
/// much as Go reads of a head by default.
const HEAD: HeadLimits = HeadLimits { bytes_max: 1 << 20, headers_max: 4_096 };
/// Body that is let pass, bytes: it is never read, but its sender should hear in Kubernetes' words that nothing can be written.
const BODY_BYTES_MAX: u64 = 1 << 20;
/// Connections in all: each API server keeps some dozens, and one for each watcher.
const CONNECTIONS_MAX: usize = 1_024;
/// Connections from one address: often there is but one API server.
const CONNECTIONS_PER_PEER_MAX: usize = 1_024;
/// For how long after its stop a replica is there for those who have not heard of it, milliseconds: as the webhook.
const LAME_DUCK_MS: u64 = 5_000;

/// The limits of a server that serves the API.
#[must_use]
pub fn server_limits() -> Limits {
    Limits {
        connections_max: CONNECTIONS_MAX,
        connections_per_peer_max: CONNECTIONS_PER_PEER_MAX,
        vouched_head: HEAD,
        body_bytes_max: BODY_BYTES_MAX,
        lame_duck_ms: LAME_DUCK_MS,
        ..Limits::default()
    }
}

const _: () = assert!(HEAD.bytes_max >= netreach_serve::HEAD_BYTES_MAX);
const _: () = assert!(CHUNK_BYTES <= WHOLE_BYTES_MAX);
const _: () = assert!(WHOLE_BYTES_MAX <= PRETTY_BYTES_MAX);
const _: () = assert!(CONNECTIONS_PER_PEER_MAX <= CONNECTIONS_MAX);
const _: () = assert!(WATCHERS_MAX < CONNECTIONS_PER_PEER_MAX);
const _: () = assert!(CHANGES_AT_ONCE_MAX <= CHANGES_MAX);
const _: () = assert!(WATCH_FOR_MIN.as_secs() < WATCH_FOR_MAX.as_secs());
