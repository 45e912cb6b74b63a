//! The routes: `POST /mutate` and `POST /validate`.

use std::sync::{Arc, PoisonError, RwLock};

use netreach_api::ClusterFacts;
use tide::http::mime;
use tide::{Request, Response, Server, StatusCode};

use crate::decide::{Phase, review};
use crate::limits::REVIEW_BYTES_MAX;
use crate::metrics::{Counts, Verdict};
use crate::review::write;

/// What every request is answered from.
#[derive(Debug, Clone, Default)]
pub struct State {
    facts: Arc<RwLock<ClusterFacts>>,
    /// What has been answered so far.
    pub counts: Counts,
}

impl State {
    /// What is known of the cluster.
    #[must_use]
    pub fn facts(&self) -> ClusterFacts {
        *self.facts.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what is known from now on.
    pub fn set_facts(&self, facts: ClusterFacts) {
        *self.facts.write().unwrap_or_else(PoisonError::into_inner) = facts;
    }
}

/// The app.
#[must_use]
pub fn app(state: State) -> Server<State> {
    let mut app = tide::with_state(state);
    app.at("/mutate").post(|request| answer(Phase::Mutate, request));
    app.at("/validate").post(|request| answer(Phase::Validate, request));
    app
}

async fn answer(phase: Phase, mut request: Request<State>) -> tide::Result {
    if request.content_type().is_none_or(|kind| kind.essence() != mime::JSON.essence()) {
        return Ok(told(StatusCode::UnsupportedMediaType, "send application/json\n".to_owned()));
    }
    if request.len().is_some_and(|length| length as u64 > REVIEW_BYTES_MAX) {
        return Ok(told(StatusCode::PayloadTooLarge, format!("send at most {REVIEW_BYTES_MAX} bytes\n")));
    }
    let body = request.body_bytes().await?;
    let state = request.state();
    Ok(match review(phase, &body, &state.facts()) {
        Ok(answer) => {
            let verdict = if answer.allowed { Verdict::Allowed } else { Verdict::Refused };
            state.counts.reviewed(phase, verdict);
            Response::builder(StatusCode::Ok).content_type(mime::JSON).body(write(&answer)).build()
        }
        Err(error) => {
            state.counts.reviewed(phase, Verdict::Unreadable);
            tracing::debug!(%error, "was sent something that is no review");
            told(StatusCode::BadRequest, format!("{error}\n"))
        }
    })
}

fn told(status: StatusCode, text: String) -> Response {
    Response::builder(status).content_type(mime::PLAIN).body(text).build()
}
