//! Why the desk says no, in words for the agent's log.

use http_types::headers::WWW_AUTHENTICATE;
use http_types::{Body, StatusCode};
use netreach_wire::{AgentId, Malformed, Refusal, RoundId, VersionError};
use tide::Response;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("could not tell who is asking (send the agent's token as `authorization: Bearer`)")]
    NoToken,
    #[error("could not tell who is asking (the token is unknown or no longer good: get a new one)")]
    UnknownToken,
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error("could not read the body (it exceeds {max} bytes)")]
    TooLarge { max: usize },
    #[error("could not read the body to its end")]
    Cut,
    #[error("could not understand the body: {0}")]
    Json(#[from] serde_json::Error),
    #[error("could not take the poll ({found} {what}, at most {max})")]
    TooMany { what: &'static str, found: usize, max: usize },
    #[error("could not take the result of round {round}: {source}")]
    Result { round: RoundId, source: Malformed },
    #[error(
        "could not take the result (round {round} was not assigned to {agent}, or is long over: forget it)"
    )]
    NotAssigned { round: RoundId, agent: AgentId },
    #[error(
        "could not take the result of round {round} (rounds of before are still being opened again: submit again)"
    )]
    NotYet { round: RoundId },
    #[error("could not take the result of round {round} ({found} targets, {assigned} were assigned)")]
    Targets { round: RoundId, found: usize, assigned: usize },
    #[error("could not take the result of round {round} (an earlier copy is being kept: submit again)")]
    BeingKept { round: RoundId },
    #[error("could not keep the result of round {round}: submit again")]
    NotKept { round: RoundId },
    #[error("could not wait for news (the desk is closing: ask again)")]
    Ended,
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::UnknownToken => StatusCode::Unauthorized,
            Self::Version(_) => StatusCode::UpgradeRequired,
            Self::TooLarge { .. } => StatusCode::PayloadTooLarge,
            Self::Cut | Self::Json(_) | Self::TooMany { .. } | Self::Result { .. } => StatusCode::BadRequest,
            Self::NotAssigned { .. } => StatusCode::NotFound,
            Self::Targets { .. } => StatusCode::Conflict,
            Self::NotYet { .. } | Self::BeingKept { .. } | Self::NotKept { .. } | Self::Ended => {
                StatusCode::ServiceUnavailable
            }
        }
    }
}

impl From<Refused> for Response {
    fn from(refused: Refused) -> Self {
        let status = refused.status();
        let refusal = Refusal { error: refused.to_string() };
        let mut response = Self::new(status);
        response.set_body(Body::from_json(&refusal).unwrap_or_else(|_| Body::from_string(refusal.error)));
        if status == StatusCode::Unauthorized {
            response.insert_header(WWW_AUTHENTICATE, "Bearer");
        }
        response
    }
}
