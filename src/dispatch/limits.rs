//! How much the desk holds, and what its server may be asked for.

use netreach_serve::Limits;
use netreach_wire::limits::{HELD_ROUNDS_MAX, POLL_BYTES_MAX, RESULT_BYTES_MAX};

/// Most rounds open at once.
pub const ROUNDS_OPEN_MAX: usize = 256;
/// Closed rounds that are remembered, so that late results find them and agents hear that they are closed.
pub const ROUNDS_CLOSED_MAX: usize = 128;
/// Agents that are remembered; past it the one that has been silent longest is forgotten.
pub const AGENTS_MAX: usize = 16_384;
/// How often an assignment is handed out, or a key told, to an agent that shows it never got it.
pub const HAND_OUTS_MAX: u8 = 3;
/// Results that are read and checked at the same time; the others wait in their connections.
pub const RESULTS_AT_ONCE_MAX: usize = 4;
/// Polls from which an agent's clock offset is estimated.
pub const OFFSET_POLLS: usize = 8;
/// Events the composer may be behind before agents are made to wait.
pub const EVENTS_MAX: usize = 256;
/// Longest bearer token, bytes: Kubernetes' are about 1,200.
pub const TOKEN_BYTES_MAX: usize = 8 << 10;

/// The limits of a server that serves the desk: an agent polls for up to a minute and submits up to
/// [`RESULT_BYTES_MAX`].
#[must_use]
pub fn server_limits() -> Limits {
    Limits { body_bytes_max: RESULT_BYTES_MAX as u64, request_ms: 60_000, ..Limits::default() }
}

const _: () = assert!(POLL_BYTES_MAX <= RESULT_BYTES_MAX);
const _: () = assert!(HELD_ROUNDS_MAX <= ROUNDS_CLOSED_MAX);
const _: () = assert!(TOKEN_BYTES_MAX < netreach_serve::HEAD_BYTES_MAX);
