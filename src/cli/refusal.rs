//! What it means when the aggregated API of reports does not answer with a report, and the way out.

use kube::Error;

use crate::connect::plain;

/// Why there is no answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nobody has ever heard of such a path.
    #[error("the aggregated API of reports is not installed; kubectl apply -k config/default installs it")]
    NotInstalled,
    /// What is asked for is not there, in the API's words.
    #[error("{0}")]
    Absent(String),
    /// No right to.
    #[error("{0}; the role netreach-viewer gives the right to")]
    Denied(String),
    /// Nobody whom the cluster knows.
    #[error("{0}; the credentials in the kubeconfig are wrong or have expired")]
    Stranger(String),
    /// It will not have the question.
    #[error("the aggregated API of reports refuses what is asked of it: {0}")]
    Unfit(String),
    /// It cannot tell now.
    #[error(
        "the aggregated API of reports does not answer: {0}; kubectl get apiservice v1beta1.system.kdoctor.io and \
         kubectl -n netreach-system get pods tell more"
    )]
    Away(String),
    /// No way to the cluster.
    #[error("could not ask for it: {0}")]
    Unreached(String),
}

impl Refusal {
    /// Of what kube's client has come back with.
    pub(crate) fn of(error: &Error) -> Self {
        let why = plain(error).trim().to_owned();
        let Error::Api(status) = error else { return Self::Unreached(why) };
        match status.code {
            // Ours says what it is that is not there; an API server that knows nobody to ask says no more than 404.
            404 if status.details.as_ref().is_some_and(|details| !details.name.is_empty()) => {
                Self::Absent(why)
            }
            404 => Self::NotInstalled,
            401 => Self::Stranger(why),
            403 => Self::Denied(why),
            400 | 405 | 406 | 410 | 415 | 422 => Self::Unfit(why),
            _ => Self::Away(why),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use kube::core::Status;
    use kube::core::response::StatusDetails;

    use super::*;

    /// An API server's refusal, about what is called `name`.
    pub(crate) fn refused(code: u16, reason: &str, name: &str) -> Error {
        let details = StatusDetails {
            name: name.to_owned(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 0,
        };
        let status = Status { details: Some(details), ..Status::failure("so it is", reason).with_code(code) };
        Error::Api(status.boxed())
    }

    #[track_caller]
    fn check(code: u16, reason: &str, name: &str, words: &str) {
        let said = Refusal::of(&refused(code, reason, name)).to_string();
        assert!(said.contains(words), "{said}");
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        check(404, "NotFound", "netreach-task", "so it is");
        check(404, "NotFound", "", "kubectl apply -k config/default");
        check(404, "Failed to parse error data", "", "kubectl apply -k config/default");
        check(403, "Forbidden", "", "so it is; the role netreach-viewer");
        check(401, "Unauthorized", "", "so it is; the credentials");
        check(422, "Invalid", "", "refuses what is asked of it: so it is");
        check(503, "ServiceUnavailable", "", "does not answer: so it is; kubectl get apiservice");
        check(429, "TooManyRequests", "", "does not answer: so it is");
        let unreached = Refusal::of(&Error::ReadEvents(std::io::Error::other("no way")));
        assert_eq!(unreached, Refusal::Unreached("no way".to_owned()));
    }
}
