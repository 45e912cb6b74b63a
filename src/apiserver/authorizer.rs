//! What is asked before anybody is told anything: may they?

use std::fmt;

use async_trait::async_trait;
use netreach_api::names::{REPORT_GROUP, VERSION};

use crate::{Caller, PLURAL, Trouble};

/// Knows who may do what.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// Whether this caller may do that.
    ///
    /// # Errors
    /// When it cannot be told: then nothing is answered either.
    async fn rule(&self, caller: &Caller, access: &Access) -> Result<Ruling, Trouble>;
}

/// What somebody wants to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Access {
    /// API group.
    pub group: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The resource: always cluster-scoped.
    pub resource: &'static str,
    /// What of it; none where it is the object itself.
    pub subresource: Option<&'static str>,
    /// The verb.
    pub verb: Verb,
    /// Of which object; none of all.
    pub name: Option<String>,
}

/// What can be done with a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Read one.
    Get,
    /// Read all.
    List,
    /// Hear what becomes of them.
    Watch,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// They may.
    Allowed,
    /// They may not, and why where there is more to say.
    Denied(Option<String>),
}

impl Verb {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Get, Self::List, Self::Watch];

    /// As rights have it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
        }
    }
}

impl Access {
    /// To reports.
    pub(crate) fn to_reports(verb: Verb, name: Option<&str>) -> Self {
        Self {
            group: REPORT_GROUP,
            version: VERSION,
            resource: PLURAL,
            subresource: None,
            verb,
            name: name.map(str::to_owned),
        }
    }

    /// To what there is of one report beside itself.
    pub(crate) fn to_part(subresource: &'static str, name: &str) -> Self {
        Self { subresource: Some(subresource), ..Self::to_reports(Verb::Get, Some(name)) }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
