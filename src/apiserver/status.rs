//! `Status` of `v1`: how Kubernetes says no. Pure.

use netreach_api::names::REPORT_GROUP;
use serde::Serialize;

use crate::PLURAL;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    kind: &'static str,
    api_version: &'static str,
    metadata: Nothing,
    status: &'static str,
    message: String,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    pub(crate) code: u16,
}

/// `{}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Nothing {}

/// What it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<Cause>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Cause {
    message: String,
}

impl Status {
    pub(crate) fn failure(
        code: u16,
        reason: &'static str,
        message: String,
        details: Option<Details>,
    ) -> Self {
        let metadata = Nothing {};
        Self {
            kind: "Status",
            api_version: "v1",
            metadata,
            status: "Failure",
            message,
            reason,
            details,
            code,
        }
    }
}

impl Details {
    /// About a report, or all of them.
    pub(crate) fn report(name: Option<&str>) -> Self {
        let name = name.map(str::to_owned);
        Self { name, group: Some(REPORT_GROUP), kind: Some(PLURAL), causes: Vec::new() }
    }

    /// About what went wrong.
    pub(crate) fn cause(message: String) -> Self {
        Self { causes: vec![Cause { message }], ..Self::default() }
    }
}
