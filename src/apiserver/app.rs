//! The API as a tide app: transport only, what is said is said by `answer`.

use netreach_serve::{PeerCertificate, add_health};
use tide::http::headers::{ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION};
use tide::http::{Body, Method, mime};
use tide::{Request, Response, Server, StatusCode};

use crate::State;
use crate::answer::{Asked, answer};
use crate::identity::{Vouched, identify};
use crate::refused::Refused;
use crate::route::route;

/// How to see the certificate that a caller has shown and the server has verified.
pub(crate) type See = for<'a> fn(&'a Request<State>) -> Option<Vouched<'a>>;

/// The app, to be served over TLS with [`crate::limits::server_limits`] by a server that asks callers for a certificate of the
/// front proxy's CA ([`netreach_serve::Callers::Asked`]). Without one there is `/healthz`, `/livez` and `/readyz`, and nothing
/// else.
#[must_use]
pub fn app(state: State) -> Server<State> {
    app_seeing(state, |request| {
        let certificate = request.ext::<PeerCertificate>()?;
        Some(Vouched { common_name: certificate.common_name() })
    })
}

/// [`app`] that sees certificates so.
pub(crate) fn app_seeing(state: State, see: See) -> Server<State> {
    let mut app = tide::with_state(state.clone());
    add_health(&mut app, move || state.is_ready());
    app.at("/livez").get(|_| async { Ok("ok\n") });
    for path in ["/", "/*"] {
        app.at(path).all(move |request| async move { Ok(reply(respond(&request, see).await)) });
    }
    app
}

async fn respond(request: &Request<State>, see: See) -> Result<Vec<u8>, Refused> {
    let state = request.state();
    let front_proxy = state.front_proxy();
    let caller = identify(see(request), request.as_ref(), front_proxy.as_deref())?;
    if request.method() != Method::Get {
        return Err(Refused::Method);
    }
    if request.is_empty() != Some(true) {
        return Err(Refused::Body);
    }
    let accept: Vec<&str> = request
        .header(ACCEPT)
        .into_iter()
        .flat_map(|values| values.iter())
        .map(|value| value.as_str())
        .collect();
    let accept = accept.join(",");
    let query: Vec<(String, String)> = request.url().query_pairs().into_owned().collect();
    let asked = Asked { caller: &caller, route: route(request.url().path()), query: &query, accept: &accept };
    answer(state, &asked).await
}

fn reply(outcome: Result<Vec<u8>, Refused>) -> Response {
    let (code, body) = match outcome {
        Ok(body) => (200, body),
        Err(refused) => {
            tell(&refused);
            let status = refused.status();
            let body = serde_json::to_vec(&status).expect("texts and numbers are always JSON");
            (status.code, body)
        }
    };
    let mut response = Response::new(StatusCode::try_from(code).unwrap_or(StatusCode::InternalServerError));
    let mut body = Body::from(body);
    body.set_mime(mime::JSON);
    response.set_body(body);
    response.insert_header(CACHE_CONTROL, "no-cache, private");
    response.insert_header("x-content-type-options", "nosniff");
    if code == 401 {
        // Whom to believe is settled by the handshake: an API server that came too early for that, and kept the connection, would be
        // a stranger on it for ever.
        response.insert_header(CONNECTION, "close");
    }
    if code == 405 {
        response.insert_header(ALLOW, "GET");
    }
    response
}

fn tell(refused: &Refused) {
    match refused {
        Refused::Authorizer(_) | Refused::Reports(_) | Refused::Json(_) => {
            tracing::warn!(error = %refused, "could not answer");
        }
        Refused::Stranger(why) => tracing::debug!(%why, "refused a stranger"),
        _ => tracing::debug!(%refused, "refused a request"),
    }
}
