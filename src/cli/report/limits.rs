//! How much is asked for and taken.

use std::time::Duration;

/// Most rounds that are listed at once: as many as anybody reads, and more than are kept by default.
pub(crate) const LAST_MAX: u32 = 10_000;
/// Most items of one answer: lists are asked for in parts.
pub(super) const PART_MAX: u32 = 500;
/// Largest answer that is held, bytes: a table needs the whole document. That of a round at 5,000 agents is about 100 MB.
pub(super) const HELD_BYTES_MAX: u64 = 512 << 20;
/// How long the cluster may take to begin an answer, or to go on with it: API servers themselves give up after a minute.
pub(super) const SILENT_MAX: Duration = Duration::from_secs(90);
/// Most names that are told to somebody who has given a wrong one.
pub(super) const NAMES_MAX: usize = 10;
/// Most spans of rounds that are told to somebody who has asked for one that is not kept.
pub(super) const SPANS_MAX: usize = 10;

const _: () = assert!(PART_MAX <= LAST_MAX);
