//! The bounds of what is kept.

use netreach_wire::limits::RESULT_BYTES_MAX;

/// Largest object on the disk, bytes: packed.
pub const PACKED_BYTES_MAX: u64 = 64 << 20;
/// Largest object in memory, bytes: unpacked. A thousand agents with two hundred targets each stay below it.
pub const UNPACKED_BYTES_MAX: u64 = 512 << 20;
/// Longest name in a key, bytes, once escaped: file systems take 255, and a file being written bears a suffix.
pub const NAME_BYTES_MAX: usize = 253;
/// zstd's memory when unpacking, as a power of two: 8 MiB. What we pack ourselves asks for 2 MiB.
pub const WINDOW_LOG_MAX: u32 = 23;

const _: () = assert!(UNPACKED_BYTES_MAX >= RESULT_BYTES_MAX as u64);
