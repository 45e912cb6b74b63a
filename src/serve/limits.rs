//! How much of anything a caller may take.

/// Bounds of one server. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all. At the bound the one that has been waiting longest makes room for a new one.
    pub connections_max: usize,
    /// Connections from one address. Agents behind one translated address share it, so it is generous.
    pub connections_per_peer_max: usize,
    /// What a head may be of a request by somebody whose certificate a CA vouches for. Everybody else's is bounded by
    /// [`HeadLimits::default`].
    pub vouched_head: HeadLimits,
    /// Largest request body, bytes. An app may ask for less of it.
    pub body_bytes_max: u64,
    /// What all requests that are not whole yet may take together, bytes: handshakes, heads, and of bodies what has
    /// been given to the app. At the bound those that began first are ended, so it should hold several bodies. Heads that
    /// are larger than most may take as much again until they are answered; the next one is refused then.
    pub unfinished_bytes_max: usize,
    /// From a connection's first byte to the end of the TLS handshake.
    pub handshake_ms: u64,
    /// From a request's first byte to the end of its head.
    pub head_ms: u64,
    /// From a request's first byte to the end of its body, however often something trickles in.
    pub request_ms: u64,
    /// How long a connection may be silent between requests, or before the first.
    pub idle_ms: u64,
    /// How long the peer may take to accept an answer, or a chunk of an answer without an end.
    pub write_ms: u64,
    /// For how long after the stop connections are still taken, and kept until each has heard with an answer that it is
    /// its last: callers learn of the stop later than the server, and a request that meets the end of its connection is lost.
    pub lame_duck_ms: u64,
    /// How long answers in progress may take after that.
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 8_192,
            connections_per_peer_max: 4_096,
            vouched_head: HeadLimits::default(),
            body_bytes_max: 1 << 20,
            unfinished_bytes_max: 16 << 20,
            handshake_ms: 5_000,
            head_ms: 10_000,
            request_ms: 30_000,
            idle_ms: 60_000,
            write_ms: 30_000,
            lame_duck_ms: 0,
            drain_ms: 10_000,
        }
    }
}

/// Bounds of one request's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Its bytes.
    pub bytes_max: usize,
    /// Its headers.
    pub headers_max: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { bytes_max: HEAD_BYTES_MAX, headers_max: HEADERS_MAX }
    }
}

/// Largest request head of anybody, bytes.
pub const HEAD_BYTES_MAX: usize = 16 << 10;
/// Most headers of anybody's request.
pub(crate) const HEADERS_MAX: usize = 256;
/// Longest line that opens a chunk, bytes: its size and whatever extensions somebody may send.
pub(crate) const CHUNK_LINE_BYTES_MAX: usize = 256;
/// Largest trailer after the last chunk, bytes. Nobody reads it.
pub(crate) const TRAILER_BYTES_MAX: usize = 4 << 10;
/// Taken by a TLS handshake before it has read anything, bytes, about.
#[cfg(feature = "tls")]
pub(crate) const HANDSHAKE_BYTES: usize = 8 << 10;
/// Read at once while a head is awaited, bytes: most requests are one such read.
pub(crate) const HEAD_READ_BYTES: usize = 4 << 10;
/// Read at once within a body, bytes.
pub(crate) const BODY_READ_BYTES: usize = 16 << 10;
/// Collected before it is written, bytes: an answer up to this size is one write.
pub(crate) const WRITE_BYTES: usize = 32 << 10;
/// What an idle connection may keep of each of its two buffers, bytes.
pub(crate) const IDLE_BUFFER_BYTES_MAX: usize = 1 << 10;
/// How long a refused peer may go on sending, milliseconds: closed at once, it might never see the refusal.
pub(crate) const LINGER_MS: u64 = 500;
/// How much a refused peer may go on sending, bytes.
pub(crate) const LINGER_BYTES_MAX: usize = 1 << 20;
/// Connections the kernel holds for us until they are accepted (it caps this at `net.core.somaxconn`).
pub(crate) const BACKLOG: i32 = 4_096;
/// One in so many of all connections may have been ended for others and not be gone yet; then nobody else is let in before some are.
pub(crate) const ENDING_PART: usize = 8;
/// Pause after the machine ran out of something that an accepted connection needs, milliseconds.
pub(crate) const ACCEPT_PAUSE_MS: u64 = 50;

const _: () = assert!(HEAD_READ_BYTES <= HEAD_BYTES_MAX);
const _: () = assert!(CHUNK_LINE_BYTES_MAX <= BODY_READ_BYTES);
