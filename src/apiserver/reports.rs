//! What is shown.

use async_trait::async_trait;
use jiff::Timestamp;
use netreach_report::KdoctorReport;
use serde_json::value::{RawValue, to_raw_value};

use crate::Trouble;

/// Knows the reports.
#[async_trait]
pub trait Reports: Send + Sync {
    /// The heads of all of them, in any order. Asked for by every table, so no document should have to be opened for it.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn heads(&self) -> Result<Heads, Trouble>;

    /// One of them; none when there is none of that name, or none any more.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn get(&self, name: &str) -> Result<Option<Report>, Trouble>;
}

/// All reports at one moment, without their contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads {
    /// Rises with every change of any of them.
    pub resource_version: u64,
    /// One for each.
    pub heads: Vec<Head>,
}

/// What is known of a report without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `netreach-<task>`: a name as Kubernetes' objects have it, of its own.
    pub name: String,
    /// Another one when the name is used anew.
    pub uid: String,
    /// When the reported round was closed.
    pub created: Timestamp,
    /// Rises with every change.
    pub resource_version: u64,
}

/// A report.
#[derive(Debug, Clone)]
pub struct Report {
    pub(crate) head: Head,
    pub(crate) spec: Box<RawValue>,
}

impl Report {
    /// With what the document has beside its metadata, which is the head's to say. Writes the document out: a large one takes a
    /// while, during which an executor's thread should not be kept.
    ///
    /// # Errors
    /// When the document cannot be written as JSON.
    pub fn new(head: Head, document: &KdoctorReport) -> Result<Self, serde_json::Error> {
        Ok(Self { head, spec: to_raw_value(&document.spec)? })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A head of the seed's moment.
    pub(crate) fn head(name: &str) -> Head {
        Head {
            name: name.to_owned(),
            uid: format!("uid-of-{name}"),
            created: "2023-08-01T08:37:07.9Z".parse().unwrap(),
            resource_version: 7,
        }
    }

    /// A report that says no more than its name.
    pub(crate) fn report(name: &str) -> Report {
        let spec = to_raw_value(&serde_json::json!({"TaskName": name})).unwrap();
        Report { head: head(name), spec }
    }
}
