//! What a bucket's errors mean: that it is away, or that it does not do this for us.

use std::io;

use object_store::Error;
use object_store::client::HttpError;
use object_store::path::Path;

use crate::StoreError;
use crate::trouble::{causes, said};

const CREDENTIALS: &str =
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role gives credentials";

pub(crate) fn explain(place: &str, attempt: &'static str, key: &Path, error: &Error) -> StoreError {
    match refusal(error) {
        Some(why) => StoreError::Bucket { attempt: format!("{attempt} {key}"), place: place.to_owned(), why },
        None => {
            StoreError::Away { attempt, key: key.to_string(), place: place.to_owned(), why: short(error) }
        }
    }
}

/// Why a bucket cannot be used by these settings.
pub(crate) fn of_settings(error: &Error) -> String {
    let said = said(error);
    if said.contains("Missing AccessKeyId") || said.contains("Missing SecretAccessKey") {
        format!("only one of two is set: {CREDENTIALS}")
    } else if said.contains("No CA certificates") {
        "this system knows no certificates; name a file of some in AWS_CA_BUNDLE or SSL_CERT_FILE".to_owned()
    } else {
        format!("{}; look at the AWS_… variables", short(error))
    }
}

/// Why it is refused, and what to set; none where it may come about later.
fn refusal(error: &Error) -> Option<String> {
    let (said, short) = (said(error), short(error));
    if said.contains("169.254.169.254") {
        // Nobody named any, and there is no machine of a cloud to ask for some.
        return Some(format!("there are no credentials ({short}): {CREDENTIALS}"));
    }
    if said.contains("NoSuchBucket") {
        return Some("there is no such bucket: make it, or look at AWS_ENDPOINT and AWS_REGION".to_owned());
    }
    if said.contains("invalid peer certificate") {
        return Some(format!(
            "its certificate is not believed ({short}): name a file with that of its authority in AWS_CA_BUNDLE"
        ));
    }
    if matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) {
        return Some(format!(
            "it is refused ({short}): see what its credentials may do (list the bucket; get, put and delete its \
             objects), and look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ));
    }
    match status(&said) {
        Some(408 | 429 | 500..) => None,
        Some(_) => Some(format!("it is refused ({short}): look at AWS_ENDPOINT and AWS_REGION")),
        None if is_transport(error) => None,
        None => Some(short),
    }
}

/// Whether it is the road that failed.
fn is_transport(error: &Error) -> bool {
    matches!(error, Error::JoinError { .. })
        || causes(error).any(|cause| {
            cause.downcast_ref::<HttpError>().is_some()
                || cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
        })
}

/// The status in an answer that is no success: the object store tells it in words alone.
fn status(said: &str) -> Option<u16> {
    said.split("status code: ").nth(1)?.get(..3)?.parse().ok()
}

/// What it comes to: the server's own code and message, else the root of it.
fn short(error: &Error) -> String {
    let said = said(error);
    let tag = |tag: &str| {
        let text = said.split(&format!("<{tag}>")).nth(1)?.split("</").next()?;
        Some(text.chars().take(200).collect::<String>())
    };
    match (tag("Code"), tag("Message"), status(&said)) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (_, _, Some(status)) => format!("status {status}"),
        _ => causes(error).last().map(ToString::to_string).unwrap_or_default().chars().take(300).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(said: &str) -> Error {
        Error::Generic { store: "S3", source: said.into() }
    }

    fn check(error: &Error, expected: &str) {
        let explained = explain("s3://reports", "write", &Path::from("u/first"), error);
        let kind = if explained.is_away() { "away" } else { "refused" };
        let explained = format!("{kind}: {explained}");
        assert!(explained.starts_with(expected), "{explained}");
    }

    #[test]
    fn what_may_pass_is_away() {
        let late = io::Error::new(io::ErrorKind::TimedOut, "no answer within 30 s");
        check(
            &Error::Generic { store: "S3", source: Box::new(late) },
            "away: could not write u/first: the store is away (s3://reports: no answer within 30 s); later calls may",
        );
        check(
            &generic(
                "Error performing PUT: Server returned non-2xx status code: 503 Service Unavailable: <Error><Code>SlowDown</Code><Message>wait</Message></Error>",
            ),
            "away: could not write u/first: the store is away (s3://reports: SlowDown: wait)",
        );
    }

    #[test]
    fn what_will_not_pass_says_what_to_set() {
        check(
            &generic("Error performing PUT http://169.254.169.254/latest/api/token"),
            "refused: could not write u/first in s3://reports: there are no credentials",
        );
        check(
            &Error::NotFound { path: String::new(), source: "<Code>NoSuchBucket</Code>".into() },
            "refused: could not write u/first in s3://reports: there is no such bucket: make it, or look at AWS_ENDPOINT",
        );
        check(
            &Error::PermissionDenied { path: String::new(), source: "status code: 403 Forbidden: ".into() },
            "refused: could not write u/first in s3://reports: it is refused (status 403): see what its credentials may do",
        );
        check(
            &generic(
                "status code: 400 Bad Request: <Code>AuthorizationHeaderMalformed</Code><Message>wrong region</Message>",
            ),
            "refused: could not write u/first in s3://reports: it is refused (AuthorizationHeaderMalformed: wrong region): look at AWS_ENDPOINT",
        );
    }
}
