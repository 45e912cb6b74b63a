//! What an object store's errors mean for whoever keeps something in it.

use std::error::Error as StdError;
use std::io;

use object_store::Error;
use object_store::path::Path;

use crate::StoreError;

/// Where the objects are.
#[derive(Debug)]
pub(crate) struct Place {
    /// As a user would write it.
    pub(crate) name: String,
    /// Whether it is reached over a network.
    pub(crate) is_remote: bool,
}

impl Place {
    /// Whether there is no such object: not that the place itself is gone.
    pub(crate) fn is_absence(error: &Error) -> bool {
        matches!(error, Error::NotFound { .. }) && !said(error).contains("NoSuchBucket")
    }

    pub(crate) fn explain(&self, attempt: &'static str, key: &Path, error: Error) -> StoreError {
        if is_full(&error) || (self.is_remote && is_full_there(&error)) {
            return StoreError::Full { attempt, key: key.to_string(), place: self.name.clone() };
        }
        #[cfg(feature = "s3")]
        if self.is_remote {
            return crate::s3::trouble::explain(&self.name, attempt, key, &error);
        }
        StoreError::Disk { attempt, key: key.to_string(), source: error }
    }

    pub(crate) fn explain_io(&self, attempt: &'static str, key: &Path, error: io::Error) -> StoreError {
        self.explain(attempt, key, Error::Generic { store: "LocalFileSystem", source: Box::new(error) })
    }
}

/// Whether it failed for want of space, on a disk or within a quota.
fn is_full(error: &Error) -> bool {
    let of_disk = |cause: &(dyn StdError + 'static)| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|io| matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    };
    causes(error).any(of_disk)
}

/// Whether a bucket's server said that its own disk is full.
fn is_full_there(error: &Error) -> bool {
    let said = said(error);
    ["<Code>XMinioStorageFull</Code>", "status code: 507"].iter().any(|word| said.contains(word))
}

/// An error and what it stems from, the root last.
pub(crate) fn causes<'a>(error: &'a Error) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error as &(dyn StdError + 'static)), |cause| (*cause).source())
}

/// All that an error and its causes say.
pub(crate) fn said(error: &Error) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: io::Error, expected: &str) {
        let place = Place { name: "/reports".to_owned(), is_remote: false };
        let error = place.explain_io("write", &Path::from("u/first"), error).to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        check(
            io::Error::from_raw_os_error(28),
            "could not write u/first: no space is left in /reports; make room there, later calls will succeed",
        );
        check(io::Error::from_raw_os_error(122), "no space is left in /reports");
        check(io::Error::from_raw_os_error(5), "Input/output error");
    }
}
