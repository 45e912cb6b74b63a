//! What can go wrong with keeping.

use std::path::PathBuf;

/// Why something could not be kept or read back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A text that names no place.
    #[error(
        "could not understand the location {text:?}: {why}; name a directory, file:///DIR or s3://BUCKET/PREFIX"
    )]
    Location {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: String,
    },
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
    /// A bucket's settings, or the rights they give, are not enough. Trying again changes nothing.
    #[error("could not {attempt} in {place}: {why}")]
    Bucket {
        /// `open the store`, or `read`, `write`, `list` or `remove` and a key.
        attempt: String,
        /// The bucket.
        place: String,
        /// What is wrong, and what to set.
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
    #[error("could not {attempt} {key}: {source}; the disk may be gone, later calls may succeed")]
    Disk {
        /// `read`, `write`, `list` or `remove`.
        attempt: &'static str,
        /// The object or folder.
        key: String,
        /// What the object store said.
        source: object_store::Error,
    },
    /// No space is left. Nothing of the object is there.
    #[error(
        "could not {attempt} {key}: no space is left in {place}; make room there, later calls will succeed"
    )]
    Full {
        /// `write` as a rule.
        attempt: &'static str,
        /// The object.
        key: String,
        /// The directory or bucket.
        place: String,
    },
    /// The store does not answer, or says that it cannot just now. Whether a write has come about is not known:
    /// to make it again is safe.
    #[error("could not {attempt} {key}: the store is away ({place}: {why}); later calls may succeed")]
    Away {
        /// `read`, `write`, `list` or `remove`.
        attempt: &'static str,
        /// The object or folder.
        key: String,
        /// The bucket.
        place: String,
        /// What was seen of it.
        why: String,
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
    /// A report of which no record can be made.
    #[error("could not close a round with {key}: {source}")]
    Record {
        /// The object.
        key: String,
        /// Why not.
        source: crate::record::RecordError,
    },
    /// An object that is torn, altered, or not ours.
    #[error("could not understand {key}: {why}; {}", left(moved_to.as_deref()))]
    Corrupt {
        /// The object.
        key: String,
        /// What is wrong with it.
        why: String,
        /// The key under which its bytes lie now; none when they lie where they did.
        moved_to: Option<String>,
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
    /// Every epoch there can be is taken.
    #[error("could not take an epoch: {last} was taken, and none is higher; begin a new store")]
    Epochs {
        /// The last one.
        last: u32,
    },
}

fn left(moved_to: Option<&str>) -> String {
    match moved_to {
        Some(key) => format!("its bytes are kept as {key}"),
        None => "remove the object or restore it from a copy".to_owned(),
    }
}

impl StoreError {
    /// Whether the store is away: the same call may succeed a little later, and is safe to make again.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// Whether no space is left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    /// Whether it is the object that is damaged, or of another release: reading it again would not help.
    #[must_use]
    pub fn is_the_objects(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Form { .. })
    }
}
