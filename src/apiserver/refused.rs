//! Why the API says no, in Kubernetes' words: kubectl shows them to users as they are.

use netreach_api::names::REPORT_GROUP;

use crate::ask::Unfit;
use crate::identity::Stranger;
use crate::limits::{ANSWER_WITHIN, EVENT_WITHIN, RETRY_AFTER_S, WATCHERS_MAX};
use crate::tell::status::{Cause, Details, Status};
use crate::{PLURAL, Trouble, Verb};

/// Why a request is not answered, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{}", unbelieved(.0))]
    Stranger(#[from] Stranger),
    #[error(
        "{} is forbidden: User {:?} cannot {verb} resource {resource:?} in API group {REPORT_GROUP:?} at the cluster scope{}",
        which(name.as_deref()), sanitized(user), why(reason.as_deref())
    )]
    Forbidden { user: String, verb: Verb, resource: String, name: Option<String>, reason: Option<String> },
    #[error("{} not found", which(Some(name)))]
    NotFound { name: String },
    #[error("{} not found: {what}", which(Some(name)))]
    PartNotFound { name: String, what: String },
    #[error("the server could not find the requested resource")]
    Nowhere,
    #[error("the server does not allow this method on the requested resource")]
    Method,
    #[error("the server does not take a body with this request")]
    Body,
    #[error("only the following media types are accepted: application/json{0}")]
    NotAcceptable(&'static str),
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("resourceVersion {version} is too old: changes are known since {oldest}")]
    Expired { version: u64, oldest: u64 },
    #[error(
        "this list began too long ago to go on as it was: begin anew without continue, or go on with the token of this answer, \
         where what has changed since may be missing or told twice"
    )]
    ContinueExpired { anew: String },
    #[error("resourceVersion {version} has not been (the newest is {newest}): list anew")]
    Unheard { version: u64, newest: u64 },
    #[error("Too large resource version: {version}, current: {newest}")]
    Ahead { version: u64, newest: u64 },
    #[error("the reports are being read in: ask again in {RETRY_AFTER_S} s")]
    NotBegun,
    #[error("the server is about to end: ask again in {RETRY_AFTER_S} s")]
    Ending,
    #[error("there are {WATCHERS_MAX} watchers, more are not served: ask again in {RETRY_AFTER_S} s")]
    TooManyWatchers,
    #[error("Timeout: the answer was not ready in time (at most {ANSWER_WITHIN:?})")]
    Late,
    #[error("the event was not read within {EVENT_WITHIN:?}")]
    SlowReader,
    #[error("the answer is no longer read")]
    Unread,
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
            Self::Stranger(Stranger::NotUtf8(_)) => (400, "BadRequest", None),
            Self::Stranger(_) => (401, "Unauthorized", None),
            Self::Forbidden { name, .. } => (403, "Forbidden", Some(Details::report(name.as_deref()))),
            Self::NotFound { name } | Self::PartNotFound { name, .. } => {
                (404, "NotFound", Some(Details::report(Some(name))))
            }
            Self::Nowhere => (404, "NotFound", Some(Details::default())),
            Self::Method => (405, "MethodNotAllowed", Some(Details::default())),
            Self::Body => (400, "BadRequest", None),
            Self::NotAcceptable(_) => (406, "NotAcceptable", None),
            Self::Unfit(Unfit::Malformed(_)) => (400, "BadRequest", None),
            Self::Unfit(Unfit::Invalid(faults)) => {
                (422, "Invalid", Some(Details::options(faults.iter().map(Into::into).collect())))
            }
            Self::Expired { .. } | Self::Unheard { .. } | Self::ContinueExpired { .. } => {
                (410, "Expired", None)
            }
            Self::Ahead { .. } => (504, "Timeout", Some(ahead())),
            Self::NotBegun | Self::Ending | Self::TooManyWatchers => (429, "TooManyRequests", Some(later())),
            // Without a word on when to come again: clients would do so many times, and make it worse.
            Self::Late => (504, "Timeout", None),
            Self::SlowReader | Self::Unread => internal(self),
            Self::Authorizer(source) | Self::Reports(source) => internal(source),
            Self::Json(source) => internal(source),
        };
        let anew = match self {
            Self::ContinueExpired { anew } => Some(anew.clone()),
            _ => None,
        };
        Status::failure(code, reason, self.to_string(), details).going_on_at(anew)
    }

    /// Whether it is our fault, or that of what we lean on.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::Authorizer(_) | Self::Reports(_) | Self::Json(_))
    }
}

/// Nobody hears why they are not believed; but a front proxy that is, hears what it has said wrong.
fn unbelieved(stranger: &Stranger) -> String {
    match stranger {
        Stranger::NotUtf8(_) => stranger.to_string(),
        _ => "Unauthorized".to_owned(),
    }
}

fn internal(source: &impl ToString) -> (u16, &'static str, Option<Details>) {
    (500, "InternalError", Some(Details::cause(source.to_string())))
}

fn later() -> Details {
    Details::default().retry_after_s(RETRY_AFTER_S)
}

/// By the cause clients know that they must not ask for that version again.
fn ahead() -> Details {
    let message = "Too large resource version".to_owned();
    let causes = vec![Cause { reason: Some("ResourceVersionTooLarge"), message, field: None }];
    Details::causes(causes).retry_after_s(RETRY_AFTER_S)
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
        let garbled = Stranger::NotUtf8("x-remote-group".to_owned());
        let message = "header x-remote-group of the user is not in UTF-8";
        check(Refused::Stranger(garbled), status(400, "BadRequest", message, None));
        let not_found = "kdoctorreports.system.kdoctor.io \"x\" not found";
        check(
            Refused::NotFound { name: "x".to_owned() },
            status(404, "NotFound", not_found, Some(one.clone())),
        );
        let forbidden = |name: Option<&str>, verb, resource: &str, reason: Option<&str>| Refused::Forbidden {
            user: "y<z>".to_owned(),
            verb,
            resource: resource.to_owned(),
            name: name.map(str::to_owned),
            reason: reason.map(str::to_owned),
        };
        check(
            forbidden(Some("x"), Verb::Get, "kdoctorreports/rounds", None),
            status(
                403,
                "Forbidden",
                "kdoctorreports.system.kdoctor.io \"x\" is forbidden: User \"y&lt;z&gt;\" cannot get resource \
                 \"kdoctorreports/rounds\" in API group \"system.kdoctor.io\" at the cluster scope",
                Some(one),
            ),
        );
        check(
            forbidden(None, Verb::Watch, PLURAL, Some("not today")),
            status(
                403,
                "Forbidden",
                "kdoctorreports.system.kdoctor.io is forbidden: User \"y&lt;z&gt;\" cannot watch resource \
                 \"kdoctorreports\" in API group \"system.kdoctor.io\" at the cluster scope: not today",
                Some(all),
            ),
        );
        let message = "Internal error occurred: could not read the reports: no disk";
        let details = json!({"causes": [{"message": "no disk"}]});
        check(Refused::Reports("no disk".into()), status(500, "InternalError", message, Some(details)));
    }

    #[test]
    fn clients_hear_what_makes_them_begin_anew_or_come_back() {
        let message = "resourceVersion 5 is too old: changes are known since 9";
        check(Refused::Expired { version: 5, oldest: 9 }, status(410, "Expired", message, None));
        let expired =
            serde_json::to_value(Refused::ContinueExpired { anew: "b".to_owned() }.status()).unwrap();
        assert_eq!((&expired["code"], &expired["reason"]), (&json!(410), &json!("Expired")));
        assert_eq!(expired["metadata"], json!({"continue": "b"}));
        let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        check(
            Refused::Ahead { version: 9, newest: 5 },
            status(
                504,
                "Timeout",
                "Too large resource version: 9, current: 5",
                Some(json!({"causes": [cause], "retryAfterSeconds": 1})),
            ),
        );
        for busy in [Refused::NotBegun, Refused::Ending, Refused::TooManyWatchers] {
            let status = busy.status();
            assert_eq!((status.code, status.retry_after_s()), (429, Some(1)));
        }
        assert_eq!(Refused::Late.status().code, 504);
    }
}
