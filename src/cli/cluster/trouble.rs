//! Why a run in a cluster could not be.

use kube::Error;

use crate::connect::{ConnectTrouble, plain};

/// What went wrong, and the way out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterTrouble {
    /// No kubeconfig, and no pod's credentials.
    #[error(
        "could not find a cluster: {why}; name a kubeconfig in KUBECONFIG, or add --local to run on this machine"
    )]
    NoCluster { why: String },
    /// No way to one.
    #[error(transparent)]
    Connect(ConnectTrouble),
    /// No CustomResourceDefinition.
    #[error(
        "could not create the NetReach: NetReach is not installed in this cluster; kubectl apply -k config/default installs it"
    )]
    NotInstalled,
    /// The name is taken.
    #[error(
        "could not create NetReach {name}: there is one of that name; delete it by kubectl delete netreach {name}, or \
         choose another name by --name"
    )]
    Exists { name: String },
    /// No right to.
    #[error("could not create the NetReach: {why}; the role netreach-editor gives the right to")]
    Forbidden { why: String },
    /// The API server or the webhook finds fault with it.
    #[error("the cluster refuses the NetReach: {why}")]
    Refused { why: String },
    /// Something else.
    #[error("could not create the NetReach: {why}")]
    NotCreated { why: String },
    /// No right to watch it, or too long without an answer.
    #[error("could not follow NetReach {name}: {why}")]
    NotFollowed { name: String, why: String },
    /// The manager finds fault with it.
    #[error("the manager refuses NetReach {name}: {why}")]
    Invalid { name: String, why: String },
}

impl ClusterTrouble {
    /// Whether it is what the user wrote that is wrong.
    pub(crate) fn is_of_input(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Invalid { .. })
    }

    /// Why a NetReach was not created.
    pub(super) fn of_creation(name: &str, error: &Error) -> Self {
        let why = plain(error);
        match error {
            Error::Api(status) if status.is_already_exists() => {
                // A generated name is known to the API server alone.
                let taken = status.details.as_ref().map(|details| details.name.clone());
                let name = taken.filter(|name| !name.is_empty()).unwrap_or_else(|| name.to_owned());
                Self::Exists { name }
            }
            // The answer may be no status of Kubernetes', and then has no reason.
            Error::Api(status) if status.code == 404 => Self::NotInstalled,
            Error::Api(status) if status.is_forbidden() => Self::Forbidden { why },
            Error::Api(status) if status.is_invalid() || status.code == 400 => Self::Refused { why },
            _ => Self::NotCreated { why },
        }
    }
}

impl From<ConnectTrouble> for ClusterTrouble {
    fn from(trouble: ConnectTrouble) -> Self {
        match trouble {
            // A run needs no cluster, which is the shorter way out.
            ConnectTrouble::NoCluster { why } => Self::NoCluster { why },
            other => Self::Connect(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[track_caller]
    fn check(code: u16, reason: &str, message: &str, words: &str, is_of_input: bool) {
        let error = Error::Api(Status::failure(message, reason).with_code(code).boxed());
        let trouble = ClusterTrouble::of_creation("task", &error);
        let text = trouble.to_string();
        assert!(text.contains(words), "{text}");
        assert_eq!(trouble.is_of_input(), is_of_input, "{text}");
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        check(409, "AlreadyExists", "", "kubectl delete netreach task", false);
        check(409, "AlreadyExists", "", "--name", false);
        check(
            404,
            "Failed to parse error data",
            "404 page not found",
            "kubectl apply -k config/default",
            false,
        );
        check(403, "Forbidden", "User \"x\" cannot", "User \"x\" cannot; the role netreach-editor", false);
        check(422, "Invalid", "spec.request.qps: must", "refuses the NetReach: spec.request.qps: must", true);
        check(500, "InternalError", "no webhook", "could not create the NetReach: no webhook", false);
    }
}
