//! What is written down of every request: who asked for what, and what came of it.

use std::time::Instant;

use tide::Request;

use crate::limits::{AUDIT_ID_CHARS_MAX, LOGGED_CHARS_MAX};
use crate::{Caller, State};

/// The header by which one request is found in the logs of every server that it has passed.
pub(crate) const AUDIT_ID: &str = "audit-id";

/// One request on its way. It is written down when its answer is out, or given up.
pub(crate) struct Trail {
    state: State,
    began: Instant,
    path: String,
    audit_id: Option<String>,
    user: Option<String>,
    verb: &'static str,
    is_about_reports: bool,
    code: u16,
    bytes: u64,
    is_cut: bool,
}

impl Trail {
    pub(crate) fn begin(state: &State, request: &Request<State>) -> Self {
        let audit_id = request.header(AUDIT_ID).map(|values| values.last().as_str().to_owned());
        Self {
            state: state.clone(),
            began: state.clock().now(),
            // Never what stands behind it: a query may hold anything, and is no part of what was done.
            path: shortened(request.url().path()),
            audit_id: audit_id.filter(|id| is_id(id)),
            user: None,
            verb: "other",
            is_about_reports: false,
            code: 0,
            bytes: 0,
            is_cut: false,
        }
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    pub(crate) fn audit_id(&self) -> Option<&str> {
        self.audit_id.as_deref()
    }

    pub(crate) fn asked_by(&mut self, caller: &Caller) {
        self.user = Some(shortened(&caller.user));
    }

    /// What is to be done: a verb of Kubernetes where it is about reports, else the method.
    pub(crate) fn does(&mut self, verb: &'static str, is_about_reports: bool) {
        (self.verb, self.is_about_reports) = (verb, is_about_reports);
    }

    /// The answer has begun.
    pub(crate) fn answers(&mut self, code: u16) {
        self.code = code;
        self.state.tally().answered(self.verb, code);
    }

    pub(crate) fn sends(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// The answer ends before its end.
    pub(crate) fn cut(&mut self) {
        self.is_cut = true;
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let tally = self.state.tally();
        tally.bytes.add(self.bytes);
        if self.is_cut {
            tally.cut.add(1);
        }
        let Self { path, verb, code, bytes, is_cut, .. } = self;
        let ms = self.state.clock().now().saturating_duration_since(self.began).as_millis() as u64;
        let user = self.user.as_deref().unwrap_or_default();
        let audit_id = self.audit_id.as_deref().unwrap_or_default();
        // API servers look at what there is several times a minute.
        if self.is_about_reports || *code >= 400 {
            tracing::info!(user, verb, path, code, ms, bytes, cut = is_cut, audit_id, "answered");
        } else {
            tracing::debug!(user, verb, path, code, ms, bytes, cut = is_cut, audit_id, "answered");
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LOGGED_CHARS_MAX).collect()
}

fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.len() <= AUDIT_ID_CHARS_MAX && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_an_id_is_sent_back() {
        assert!(is_id("7f0c6b3e-0c3e-4f6d-9d55-0a6d0f2b9c11"));
        for other in ["", "a b", "a\"b", "é", &"a".repeat(65)] {
            assert!(!is_id(other), "{other}");
        }
        assert_eq!(shortened(&"é".repeat(400)).chars().count(), LOGGED_CHARS_MAX);
    }
}
