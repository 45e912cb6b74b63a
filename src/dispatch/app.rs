//! The desk as a tide app: transport only, what is decided is decided by the desk.

use async_std::task;
use futures_lite::AsyncReadExt;
use http_types::Body;
use netreach_wire::limits::{POLL_BYTES_MAX, RESULT_BYTES_MAX};
use netreach_wire::{AgentResult, POLL_PATH, Poll, RESULTS_PATH, understood};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tide::{Request, Response, Server};

use crate::Desk;
use crate::identity::identify;
use crate::refused::Refused;

impl Desk {
    /// `POST` of a [`Poll`] and of an [`AgentResult`] at their paths, to be served with [`crate::limits::server_limits`].
    #[must_use]
    pub fn app(&self) -> Server<Self> {
        let mut app = tide::with_state(self.clone());
        app.at(POLL_PATH).post(|request| async { Ok(reply(poll(request).await)) });
        app.at(RESULTS_PATH).post(|request| async { Ok(reply(results(request).await)) });
        app
    }
}

async fn poll(mut request: Request<Desk>) -> Result<Body, Refused> {
    let desk = request.state().clone();
    let agent = identify(desk.identity(), &request).await?;
    let poll: Poll = decode(&read(&mut request, POLL_BYTES_MAX).await?)?;
    understood(poll.version)?;
    encode(&desk.poll(&agent, poll).await?)
}

async fn results(mut request: Request<Desk>) -> Result<Body, Refused> {
    let desk = request.state().clone();
    // First of all: a stranger's body is never read.
    let agent = identify(desk.identity(), &request).await?;
    let result = {
        let _turn = desk.reading_turn().await;
        let bytes = read(&mut request, RESULT_BYTES_MAX).await?;
        // Megabytes of numbers take a while, and other connections of this thread must not wait for them.
        task::spawn_blocking(move || checked(&bytes)).await?
    };
    encode(&desk.submit(agent, result).await?)
}

fn checked(bytes: &[u8]) -> Result<Box<AgentResult>, Refused> {
    let result: Box<AgentResult> = decode(bytes)?;
    understood(result.version)?;
    match result.check() {
        Ok(()) => Ok(result),
        Err(source) => Err(Refused::Result { round: result.round, source }),
    }
}

/// The body, if it is not too large.
async fn read(request: &mut Request<Desk>, max: usize) -> Result<Vec<u8>, Refused> {
    let too_large = Refused::TooLarge { max };
    if request.len().is_some_and(|length| length > max) {
        return Err(too_large);
    }
    let mut bytes = Vec::new();
    request.take(max as u64 + 1).read_to_end(&mut bytes).await.map_err(|_| Refused::Cut)?;
    if bytes.len() > max { Err(too_large) } else { Ok(bytes) }
}

/// What cannot be read may be readable in another version: then that is what the agent should hear.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u16,
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let version = serde_json::from_slice::<Versioned>(bytes).map(|spoken| understood(spoken.version));
        match version {
            Ok(Err(version)) => Refused::Version(version),
            _ => Refused::Json(error),
        }
    })
}

fn encode(words: &impl Serialize) -> Result<Body, Refused> {
    Ok(Body::from(serde_json::to_vec(words)?)).map(|mut body| {
        body.set_mime(http_types::mime::JSON);
        body
    })
}

fn reply(outcome: Result<Body, Refused>) -> Response {
    match outcome {
        Ok(body) => Response::builder(200).body(body).build(),
        Err(refused) => {
            tracing::debug!(%refused, "refused an agent");
            refused.into()
        }
    }
}
