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
    metadata: Metadata,
    status: &'static str,
    message: String,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    pub(crate) code: u16,
}

/// Where a list that cannot go on as it was may go on nevertheless.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    r#continue: Option<String>,
}

/// What it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u32>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    /// For machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    /// For people.
    pub(crate) message: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<&'static str>,
}

impl Status {
    pub(crate) fn failure(
        code: u16,
        reason: &'static str,
        message: String,
        details: Option<Details>,
    ) -> Self {
        Self {
            kind: "Status",
            api_version: "v1",
            metadata: Metadata::default(),
            status: "Failure",
            message,
            reason,
            details,
            code,
        }
    }

    /// With where a list may go on nevertheless.
    pub(crate) fn going_on_at(mut self, r#continue: Option<String>) -> Self {
        self.metadata.r#continue = r#continue;
        self
    }

    /// When to ask again, seconds.
    pub(crate) fn retry_after_s(&self) -> Option<u32> {
        self.details.as_ref().and_then(|details| details.retry_after_seconds)
    }
}

impl Details {
    /// About a report, or all of them.
    pub(crate) fn report(name: Option<&str>) -> Self {
        let name = name.map(str::to_owned);
        Self { name, group: Some(REPORT_GROUP), kind: Some(PLURAL), ..Self::default() }
    }

    /// About what went wrong.
    pub(crate) fn cause(message: String) -> Self {
        Self::causes(vec![Cause { reason: None, message, field: None }])
    }

    /// About several things at once.
    pub(crate) fn causes(causes: Vec<Cause>) -> Self {
        Self { causes, ..Self::default() }
    }

    /// With when to ask again, seconds.
    pub(crate) fn retry_after_s(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// About what was asked for.
    pub(crate) fn options(causes: Vec<Cause>) -> Self {
        Self { group: Some("meta.k8s.io"), kind: Some("ListOptions"), causes, ..Self::default() }
    }
}
