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
    /// The resource: always cluster-scoped, never a subresource.
    pub resource: &'static str,
    /// The verb.
    pub verb: Verb,
    /// Of which object; none of all.
    pub name: Option<String>,
}

/// What can be done with a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Read one.
    Get,
    /// Read all.
    List,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// They may.
    Allowed,
    /// They may not, and why where there is more to say.
    Denied(Option<String>),
}

impl Access {
    /// To the reports.
    pub(crate) fn to_reports(verb: Verb, name: Option<&str>) -> Self {
        Self { group: REPORT_GROUP, version: VERSION, resource: PLURAL, verb, name: name.map(str::to_owned) }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::List => "list",
        })
    }
}
