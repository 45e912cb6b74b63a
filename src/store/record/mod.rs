//! One closed round as it lies in the store, so that its head or one agent's part can be read without the rest.
//!
//! Bytes in, bytes out:
//! ```text
//! magic, version │ agents │ agents │ … │ names │ head │ how long names and head are, version, magic
//! ```
//! Agents, names and head are zstd frames with their checksums. The head says how long each frame of agents is and how many of
//! them it holds. Names of targets and backends stand in a table, for every agent repeats them.
//!
//! Whatever lies there may be torn, altered, or somebody else's.

mod agents;
mod error;
mod figures;
mod frame;
#[cfg(test)]
mod hostile;
mod names;
mod read;
mod row;
mod tail;
mod write;

use std::io;
use std::ops::Range;

use crate::limits::{AGENT_BYTES_MAX, FRAME_BYTES};

pub use agents::{Agents, read_agents};
pub use error::{Part, RecordError};
pub use read::{Head, read_all, read_head};
pub use write::encode;
pub(crate) use write::encode_with;

/// The form of record that this build writes.
pub const VERSION: u16 = 1;

/// Most content of a frame of agents, bytes: it is closed by the agent that fills it.
const GROUP_BYTES_MAX: usize = FRAME_BYTES + size_of::<u32>() + AGENT_BYTES_MAX;

/// Where a record lies, read in ranges.
pub trait Bytes {
    /// How many there are.
    fn size(&self) -> u64;

    /// Those of a range that lies within them.
    ///
    /// # Errors
    /// When they cannot be had.
    fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>>;
}

impl Bytes for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let at = |offset: u64| usize::try_from(offset).ok();
        let bytes = at(range.start).zip(at(range.end)).and_then(|(start, end)| self.get(start..end));
        bytes.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// That range, and not a byte less.
fn read_exactly(
    bytes: &(impl Bytes + ?Sized),
    range: Range<u64>,
    part: Part,
) -> Result<Vec<u8>, RecordError> {
    let expected = range.end - range.start;
    let read = bytes.read(range).map_err(|source| RecordError::Read { part, source })?;
    if read.len() as u64 == expected {
        return Ok(read);
    }
    let why = format!("{} of {expected} bytes are there", read.len());
    Err(RecordError::Corrupt { part, why })
}
