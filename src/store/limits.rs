//! The bounds of what is kept, and of how long a call takes.

use std::time::Duration;

use netreach_wire::limits::{REPLY_BYTES_MAX, RESULT_BYTES_MAX};

/// Largest object on the disk, bytes: packed.
pub const PACKED_BYTES_MAX: u64 = 64 << 20;
/// Results that are asked for at the same time, and held: each is a request to a bucket.
pub const READS_AT_ONCE: usize = 16;
/// Largest object in memory, bytes: unpacked. A thousand agents with two hundred targets each stay below it.
pub const UNPACKED_BYTES_MAX: u64 = 512 << 20;
/// Longest name in a key, bytes, once escaped: file systems take 255, and a file being written bears a suffix.
pub const NAME_BYTES_MAX: usize = 253;
/// zstd's memory when unpacking, as a power of two: 8 MiB. What we pack ourselves asks for 2 MiB.
pub const WINDOW_LOG_MAX: u32 = 23;
/// How often an object is written that is refused as being there, and is not.
pub const CREATE_TRIES_MAX: u32 = 5;
/// Epochs that are remembered. Whoever takes one sees a higher one in time while fewer than these are taken as it looks.
pub const EPOCHS_KEPT: usize = 8;
/// Damaged objects of the same key that are kept.
pub const DAMAGED_KEPT_MAX: u32 = 16;
/// A file that was begun this long ago and never finished is nobody's any more.
pub const UNFINISHED_AFTER: Duration = Duration::from_secs(600);

/// How long a bucket's server may take to accept a connection.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How long a bucket's server may take for one request.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// How often a request is made again.
pub const RETRIES_MAX: usize = 3;
/// From when on no request is made again.
pub const RETRY_WITHIN: Duration = Duration::from_secs(15);
/// How long a call on a bucket may take in all, its retries with it.
pub const CALL_WITHIN: Duration = Duration::from_secs(30);

const _: () = assert!(UNPACKED_BYTES_MAX >= RESULT_BYTES_MAX as u64);
const _: () = assert!(CALL_WITHIN.as_secs() >= RETRY_WITHIN.as_secs() + REQUEST_WITHIN.as_secs());

/// How much of its agents a record holds in one frame, unpacked bytes: what is read to see one of them. An agent is never
/// split.
pub const FRAME_BYTES: usize = 64 << 10;
/// Largest part of one agent in a record, unpacked bytes. Two thousand targets take 300,000.
pub const AGENT_BYTES_MAX: usize = 8 << 20;
/// Most bytes of names in one agent's part, each counted where it stands: they came spelled out in the result or the
/// assignment.
pub const AGENT_TEXT_BYTES_MAX: usize = 32 << 20;
/// Largest table of names in a record, unpacked bytes: 5,000 agents by eight addresses each take 4 MB.
pub const NAMES_BYTES_MAX: usize = 16 << 20;
/// Largest head of a record, unpacked bytes: 5,000 agents with the longest of names and a thousand reasons take 6 MB.
pub const HEAD_BYTES_MAX: usize = 16 << 20;
/// Read from a record's end at once, bytes: with it the heads of all but very large rounds.
pub const RECORD_END_BYTES: u64 = 64 << 10;
/// Read of a record's agents at once, bytes, where many are wanted.
pub const RECORD_READ_BYTES: u64 = 1 << 20;
/// Largest record, bytes. 5,000 agents by twenty targets take 12 MB.
pub const RECORD_BYTES_MAX: u64 = 256 << 20;

const _: () = assert!(AGENT_TEXT_BYTES_MAX >= RESULT_BYTES_MAX + REPLY_BYTES_MAX);
