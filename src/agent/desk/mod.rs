//! The agent's side of the talk with the desk: two requests and what can come of them.

mod client;
mod trust;

use std::time::Duration;

use http_types::{Method, StatusCode};
use netreach_wire::{POLL_PATH, Poll, PollReply, RESULTS_PATH, Receipt, Refusal, VersionError, understood};
use tide::http::Url;

pub use crate::config::Token;

pub use client::Client;
use client::Within;
pub use trust::Trust;

/// Beyond the time the desk may hold a poll: connecting, and an answer that is on its way.
const POLL_SLACK: Duration = Duration::from_secs(10);
/// How long handing in a result may take.
const SUBMIT_WITHIN: Duration = Duration::from_secs(30);

/// Talks to one desk as one agent.
#[derive(Debug)]
pub struct Desk {
    client: surf::Client,
    poll: Url,
    results: Url,
    token: Token,
}

/// Why the desk's answer is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The token cannot be read.
    #[error("could not read the token for the desk")]
    Token(#[source] std::io::Error),
    /// No answer, or one that says to come again.
    #[error("desk did not answer {url} ({why})")]
    Away {
        /// What was asked.
        url: Url,
        /// What went wrong.
        why: String,
    },
    /// It understood and said no.
    #[error("desk refused {url} with status {status} ({why})")]
    Refused {
        /// What was asked.
        url: Url,
        /// Its status.
        status: StatusCode,
        /// Its words.
        why: String,
    },
    /// It speaks another version.
    #[error(transparent)]
    Version(#[from] VersionError),
}

impl DeskError {
    /// Whether the same words may be taken later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Away { .. } | Self::Token(_) => true,
            // A token that is not known yet, or not any more, may be followed by a better one; a body that took too
            // long may be quicker next time.
            Self::Refused { status, .. } => {
                matches!(
                    status,
                    StatusCode::Unauthorized | StatusCode::Forbidden | StatusCode::RequestTimeout
                )
            }
            Self::Version(_) => false,
        }
    }
}

impl Desk {
    /// Talks by `client` to the desk at this URL.
    ///
    /// # Errors
    /// When the URL takes no path.
    pub fn new(client: Client, desk: &Url, token: Token) -> Result<Self, http_types::url::ParseError> {
        let client = surf::Client::with_http_client(client);
        Ok(Self { client, poll: desk.join(POLL_PATH)?, results: desk.join(RESULTS_PATH)?, token })
    }

    /// Asks for news and waits for as long as the poll says.
    ///
    /// # Errors
    /// When the desk is away or refuses.
    pub async fn poll(&self, poll: &Poll) -> Result<PollReply, DeskError> {
        let body = serde_json::to_vec(poll).expect("a poll has no key that is not a string");
        let within = Duration::from_millis(poll.wait_ms) + POLL_SLACK;
        let answer = self.post(&self.poll, body, within).await?;
        let reply: PollReply = self.parse(&self.poll, &answer)?;
        understood(reply.version)?;
        Ok(reply)
    }

    /// Hands in an encoded result.
    ///
    /// # Errors
    /// When the desk is away or refuses.
    pub async fn submit(&self, result: Vec<u8>) -> Result<Receipt, DeskError> {
        let answer = self.post(&self.results, result, SUBMIT_WITHIN).await?;
        self.parse(&self.results, &answer)
    }

    async fn post(&self, url: &Url, body: Vec<u8>, within: Duration) -> Result<Vec<u8>, DeskError> {
        let away = |why: String| DeskError::Away { url: url.clone(), why };
        let token = self.token.read().map_err(DeskError::Token)?;
        let mut request = http_types::Request::new(Method::Post, url.clone());
        request.insert_header("authorization", format!("Bearer {token}").as_str());
        request.insert_header("content-type", "application/json");
        request.set_body(body);
        request.ext_mut().insert(Within(within));
        let response = self.client.send(surf::Request::from(request)).await;
        let mut response = response.map_err(|error| away(error.to_string()))?;
        let body = response.body_bytes().await.map_err(|error| away(error.to_string()))?;
        let status = response.status();
        if status.is_success() {
            return Ok(body);
        }
        let why = serde_json::from_slice(&body)
            .map_or_else(|_| "no reason given".to_owned(), |Refusal { error }| error);
        if status.is_server_error() || status == StatusCode::TooManyRequests {
            return Err(away(format!("status {status}: {why}")));
        }
        Err(DeskError::Refused { url: url.clone(), status, why })
    }

    fn parse<T: serde::de::DeserializeOwned>(&self, url: &Url, body: &[u8]) -> Result<T, DeskError> {
        let unclear = |error: serde_json::Error| DeskError::Away { url: url.clone(), why: error.to_string() };
        serde_json::from_slice(body).map_err(unclear)
    }
}
