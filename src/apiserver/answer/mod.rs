//! What somebody who is known asks for → what they are told.

mod get;
mod item;
mod list;
mod page;
mod rounds;
mod there;
mod watch;

use std::time::Instant;

use futures_lite::future;

use crate::body::{Flow, Pen};
use crate::refused::Refused;
use crate::route::Route;
use crate::{Access, Caller, PLURAL, Ruling, State};

/// What is asked for.
pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) route: Route<'a>,
    pub(crate) query: &'a [(String, String)],
    pub(crate) accept: &'a str,
    /// The tag of what the caller has already read; empty when it says none.
    pub(crate) known_tag: &'a str,
    /// When the request came.
    pub(crate) came: Instant,
}

/// The answer.
pub(crate) struct Answer {
    pub(crate) media_type: &'static str,
    /// By which it is known again.
    pub(crate) tag: Option<&'static str>,
    /// Whether it will never be another one under this very address.
    pub(crate) is_immutable: bool,
    /// Whether a person will read it as it is.
    pub(crate) pretty: bool,
    pub(crate) said: Said,
}

/// What is said.
pub(crate) enum Said {
    /// This, always.
    Fixed(&'static [u8]),
    /// What the caller has already read.
    Unchanged,
    /// What this comes to.
    Made(Flow),
    /// Events, as they come.
    Watched(Flow),
}

pub(crate) const JSON: &str = "application/json";

/// Answers.
///
/// What there is to ask for may be read by everybody: the API server has already seen to it that the caller may read that path,
/// and its own aggregator comes as a user whom no role knows. Reports are read by those who may.
pub(crate) async fn answer(state: &State, asked: &Asked<'_>) -> Result<Answer, Refused> {
    match asked.route {
        Route::Reports => list::all(state, asked).await,
        Route::Report(name) => get::one(state, asked, name).await,
        Route::Rounds(name) => rounds::all(state, asked, name).await,
        Route::Round(name, which) => rounds::one(state, asked, name, which).await,
        _ => there::is(asked),
    }
}

impl Answer {
    fn made(pretty: bool, flow: Flow) -> Self {
        Self { media_type: JSON, tag: None, is_immutable: false, pretty, said: Said::Made(flow) }
    }
}

async fn allow(state: &State, asked: &Asked<'_>, access: Access) -> Result<(), Refused> {
    match state.authorizer().rule(asked.caller, &access).await.map_err(Refused::Authorizer)? {
        Ruling::Allowed => Ok(()),
        Ruling::Denied(reason) => {
            let Access { subresource, verb, name, .. } = access;
            let resource = match subresource {
                Some(part) => format!("{PLURAL}/{part}"),
                None => PLURAL.to_owned(),
            };
            Err(Refused::Forbidden { user: asked.caller.user.clone(), verb, resource, name, reason })
        }
    }
}

/// A flow that must have come to its end by then.
fn flow_until<F>(state: &State, until: Instant, write: impl FnOnce(Pen) -> F + Send + 'static) -> Flow
where
    F: Future<Output = Result<Pen, Refused>> + Send + 'static,
{
    let late = state.clock().until(until);
    Flow::new(move |pen| {
        future::or(write(pen), async {
            late.await;
            Err(Refused::Late)
        })
    })
}
