//! Why the API says no, in Kubernetes' words: kubectl shows them to users as they are.

use netreach_api::names::REPORT_GROUP;

use crate::identity::Stranger;
use crate::limits::LIST_BYTES_MAX;
use crate::query::Unfit;
use crate::status::{Details, Status};
use crate::{PLURAL, Trouble, Verb};

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("Unauthorized")]
    Stranger(#[from] Stranger),
    #[error(
        "{} is forbidden: User {:?} cannot {verb} resource {PLURAL:?} in API group {REPORT_GROUP:?} at the cluster scope{}",
        which(name.as_deref()), sanitized(user), why(reason.as_deref())
    )]
    Forbidden { user: String, verb: Verb, name: Option<String>, reason: Option<String> },
    #[error("{} not found", which(Some(name)))]
    NotFound { name: String },
    #[error("the server could not find the requested resource")]
    Nowhere,
    #[error("the server does not allow this method on the requested resource")]
    Method,
    #[error("the server does not take a body with this request")]
    Body,
    #[error("only the following media types are accepted: application/json")]
    NotAcceptable,
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(
        "the reports are more than {LIST_BYTES_MAX} bytes together: ask for them in pages, by limit and continue"
    )]
    TooLarge,
    #[error("Internal error occurred: could not ask whether it is allowed: {0}")]
    Authorizer(#[source] Trouble),
    #[error("Internal error occurred: could not read the reports: {0}")]
    Reports(#[source] Trouble),
    #[error("Internal error occurred: could not write the answer: {0}")]
    Json(#[from] serde_json::Error),
}

impl Refused {
    /// What is sent.
    pub(crate) fn status(&self) -> Status {
        let (code, reason, details) = match self {
            Self::Stranger(_) => (401, "Unauthorized", None),
            Self::Forbidden { name, .. } => (403, "Forbidden", Some(Details::report(name.as_deref()))),
            Self::NotFound { name } => (404, "NotFound", Some(Details::report(Some(name)))),
            Self::Nowhere => (404, "NotFound", Some(Details::default())),
            Self::Method => (405, "MethodNotAllowed", Some(Details::default())),
            Self::Body | Self::TooLarge => (400, "BadRequest", None),
            Self::NotAcceptable => (406, "NotAcceptable", None),
            Self::Unfit(Unfit::Watch) => (405, "MethodNotAllowed", Some(Details::report(None))),
            // About nothing, or kubectl would only say that "" is invalid.
            Self::Unfit(Unfit::Unsupported { .. }) => (422, "Invalid", Some(Details::default())),
            Self::Unfit(Unfit::Limit(_) | Unfit::Include(_)) => (400, "BadRequest", None),
            Self::Authorizer(source) | Self::Reports(source) => internal(source),
            Self::Json(source) => internal(source),
        };
        Status::failure(code, reason, self.to_string(), details)
    }
}

fn internal(source: &impl ToString) -> (u16, &'static str, Option<Details>) {
    (500, "InternalError", Some(Details::cause(source.to_string())))
}

fn which(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{PLURAL}.{REPORT_GROUP} {name:?}"),
        None => format!("{PLURAL}.{REPORT_GROUP}"),
    }
}

fn why(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

/// A name that cannot be taken for HTML, as Kubernetes does it.
fn sanitized(user: &str) -> String {
    user.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(refused: Refused, expected: Value) {
        assert_eq!(serde_json::to_value(refused.status()).unwrap(), expected);
    }

    fn status(code: u16, reason: &str, message: &str, details: Option<Value>) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        if let Some(details) = details {
            status["details"] = details;
        }
        status
    }

    #[test]
    fn users_hear_what_any_api_server_would_say() {
        let all = json!({"group": "system.kdoctor.io", "kind": "kdoctorreports"});
        let one = json!({"name": "x", "group": "system.kdoctor.io", "kind": "kdoctorreports"});
        check(Refused::Stranger(Stranger::NoUser), status(401, "Unauthorized", "Unauthorized", None));
        let not_found = "kdoctorreports.system.kdoctor.io \"x\" not found";
        check(
            Refused::NotFound { name: "x".to_owned() },
            status(404, "NotFound", not_found, Some(one.clone())),
        );
        let forbidden = |name: Option<&str>, verb, reason: Option<&str>| Refused::Forbidden {
            user: "y<z>".to_owned(),
            verb,
            name: name.map(str::to_owned),
            reason: reason.map(str::to_owned),
        };
        check(
            forbidden(Some("x"), Verb::Get, None),
            status(
                403,
                "Forbidden",
                "kdoctorreports.system.kdoctor.io \"x\" is forbidden: User \"y&lt;z&gt;\" cannot get resource \
                 \"kdoctorreports\" in API group \"system.kdoctor.io\" at the cluster scope",
                Some(one),
            ),
        );
        check(
            forbidden(None, Verb::List, Some("not today")),
            status(
                403,
                "Forbidden",
                "kdoctorreports.system.kdoctor.io is forbidden: User \"y&lt;z&gt;\" cannot list resource \
                 \"kdoctorreports\" in API group \"system.kdoctor.io\" at the cluster scope: not today",
                Some(all),
            ),
        );
        let message = "Internal error occurred: could not read the reports: no disk";
        let details = json!({"causes": [{"message": "no disk"}]});
        check(Refused::Reports("no disk".into()), status(500, "InternalError", message, Some(details)));
    }
}
