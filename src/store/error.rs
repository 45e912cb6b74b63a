//! What can go wrong with keeping.

use std::path::PathBuf;

/// Why something could not be kept or read back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be used.
    #[error(
        "could not keep reports in {} ({why}); name a directory that this user may create and write to",
        dir.display()
    )]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A name that no key can hold.
    #[error(
        "could not make a key of the name {name:?} (at most {} bytes once escaped)",
        crate::limits::NAME_BYTES_MAX
    )]
    Name {
        /// The name, cut where it is very long.
        name: String,
    },
    /// The disk failed.
    #[error("could not {attempt} {key}: {source}; the disk may be full or gone, later calls may succeed")]
    Disk {
        /// `read`, `write`, `list` or `remove`.
        attempt: &'static str,
        /// The object or folder.
        key: String,
        /// What the object store said.
        source: object_store::Error,
    },
    /// Something that would not fit into the bounds for reading it back.
    #[error(
        "could not pack {key}: {why} (at most {} bytes packed, {} unpacked)",
        crate::limits::PACKED_BYTES_MAX,
        crate::limits::UNPACKED_BYTES_MAX
    )]
    TooLarge {
        /// The object.
        key: String,
        /// Which bound, in words.
        why: String,
    },
    /// An object that is torn, altered, or not ours.
    #[error("could not understand {key}: {why}; remove the object or restore it from a copy")]
    Corrupt {
        /// The object.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// An object in a form that only another release knows.
    #[error(
        "could not read {key}: it has form {found} (this build knows {}); use the release that wrote it",
        netreach_report::VERSION
    )]
    Form {
        /// The object.
        key: String,
        /// Its form.
        found: u16,
    },
}
