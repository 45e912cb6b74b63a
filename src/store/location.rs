//! Where a store is, as a user writes it.

use std::fmt;
use std::path::{Path as Directory, PathBuf};
use std::str::FromStr;

use object_store::path::Path;

use crate::StoreError;

/// Where a store is: `DIR`, `file:///DIR` or `s3://BUCKET/PREFIX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A directory of this machine.
    Directory(PathBuf),
    /// A part of a bucket of an S3-compatible store. Which one, and with whose rights, is said by the usual `AWS_*` variables.
    Bucket {
        /// Its name.
        bucket: String,
        /// What every key in it begins with; empty for the whole bucket. No `/` at either end.
        prefix: String,
    },
}

impl From<&Directory> for Location {
    fn from(dir: &Directory) -> Self {
        Self::Directory(dir.to_owned())
    }
}

impl FromStr for Location {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let wrong = |why: &str| StoreError::Location { text: text.to_owned(), why: why.to_owned() };
        match text.split_once(':') {
            _ if text.is_empty() => Err(wrong("it is empty")),
            Some(("s3", rest)) => bucket(rest).map_err(|why| wrong(&why)),
            Some(("file", rest)) => file(rest).map_err(|why| wrong(&why)),
            Some((scheme, rest)) if rest.starts_with("//") => {
                Err(wrong(&format!("nothing is known of {scheme}://")))
            }
            _ => Ok(Self::Directory(PathBuf::from(text))),
        }
    }
}

fn bucket(rest: &str) -> Result<Location, String> {
    let rest = rest.strip_prefix("//").ok_or("two slashes follow s3:")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err("it names no bucket".to_owned());
    }
    // What S3 takes; this also keeps out users, ports, queries and fragments.
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    if !bucket.bytes().all(is_plain) {
        return Err(format!("no bucket is called {bucket:?} (a-z, 0-9, '-', '.')"));
    }
    let prefix = Path::parse(prefix).map_err(|error| error.to_string())?;
    Ok(Location::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_string() })
}

fn file(rest: &str) -> Result<Location, String> {
    let path = rest.strip_prefix("//").ok_or("three slashes follow file:")?;
    if !path.starts_with('/') {
        return Err("it names another machine (three slashes follow file:)".to_owned());
    }
    let path = Path::from_url_path(path).map_err(|error| error.to_string())?;
    Ok(Location::Directory(PathBuf::from(format!("/{path}"))))
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(dir) => dir.display().fmt(f),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match text.parse::<Location>() {
            Ok(Location::Directory(dir)) => format!("directory {}", dir.display()),
            Ok(at @ Location::Bucket { .. }) => format!("bucket {at}"),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{text:?}: {found}");
    }

    #[test]
    fn directories() {
        check("/var/lib/netreach", "directory /var/lib/netreach");
        check("reports", "directory reports");
        check("./a:b", "directory ./a:b");
        check("file:///var/lib/netreach/", "directory /var/lib/netreach");
        check("file:///a%20b", "directory /a b");
    }

    #[test]
    fn buckets() {
        check("s3://reports", "bucket s3://reports");
        check("s3://reports/", "bucket s3://reports");
        check("s3://my-reports.eu/net/reach/", "bucket s3://my-reports.eu/net/reach");
    }

    #[test]
    fn what_is_neither_is_told_with_the_way_out() {
        check(
            "",
            "could not understand the location \"\": it is empty; name a directory, file:///DIR or s3://BUCKET/PREFIX",
        );
        check("s3:/reports", "two slashes follow s3:");
        check("s3:///prefix", "it names no bucket");
        check("s3://user:secret@reports", "no bucket is called");
        check("s3://Reports", "no bucket is called \"Reports\"");
        check("s3://reports/a//b", "could not understand the location");
        check("s3://reports/../x", "could not understand the location");
        check("file://host/dir", "it names another machine");
        check("file:dir", "three slashes follow file:");
        check("gs://reports", "nothing is known of gs://");
    }
}
