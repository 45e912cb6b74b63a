//! What can go wrong with a record.

use std::{fmt, io};

use super::VERSION;

/// Why a record could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Its bytes cannot be had.
    #[error("could not read {part} of the record: {source}; later calls may succeed")]
    Read {
        /// Which part.
        part: Part,
        /// What the disk or the network said.
        source: io::Error,
    },
    /// It is torn, or no record at all.
    #[error("could not find the end of a record (it is torn, or is none); restore it from a copy")]
    Foreign,
    /// It is in a form that only another release knows.
    #[error(
        "could not read the record: it has form {found} (this build knows {VERSION}); use the release that wrote it"
    )]
    Form {
        /// Its form.
        found: u16,
    },
    /// A part of it is torn or altered.
    #[error("could not understand {part} of the record: {why}; restore it from a copy")]
    Corrupt {
        /// Which part.
        part: Part,
        /// What is wrong with it.
        why: String,
    },
    /// A part of it that cannot be written.
    #[error("could not write {part} of the record: {why}")]
    Unwritable {
        /// Which part.
        part: Part,
        /// Why not.
        why: String,
    },
    /// Something that would not fit into the bounds for reading it back.
    #[error("could not write {part} of the record: it takes {bytes} bytes (at most {bytes_max})")]
    TooLarge {
        /// Which part.
        part: Part,
        /// How large it is.
        bytes: u64,
        /// How large it may be.
        bytes_max: u64,
    },
}

/// A part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Its first bytes.
    Opening,
    /// Its last bytes, by which everything else is found.
    End,
    /// The head.
    Head,
    /// The names of targets and backends.
    Names,
    /// The agents of these lines of the head, the last one included.
    Agents {
        /// The first, counted from 0.
        first: usize,
        /// The last.
        last: usize,
    },
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("all"),
            Self::Opening => f.write_str("the beginning"),
            Self::End => f.write_str("the end"),
            Self::Head => f.write_str("the head"),
            Self::Names => f.write_str("the names"),
            Self::Agents { first, last } => write!(f, "agents {first} to {last}"),
        }
    }
}
