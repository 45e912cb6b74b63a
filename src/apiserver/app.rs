//! The API as a tide app: transport only, what is said is said by `answer`.

use futures_lite::future;
use netreach_serve::{PeerCertificate, add_health};
use tide::http::headers::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONNECTION, ETAG, IF_NONE_MATCH, VARY,
};
use tide::http::{Body, Method};
use tide::{Request, Response, Server, StatusCode};

use crate::answer::{Answer, Asked, JSON, Said, answer};
use crate::ask::options::is_watch;
use crate::body::gzip::{Gzip, takes_gzip};
use crate::body::{Collected, Flow, Sent};
use crate::identity::{Lines, Stranger, Vouched, identify};
use crate::limits::{ANSWER_WITHIN, PRETTY_BYTES_MAX, WHOLE_BYTES_MAX};
use crate::refused::Refused;
use crate::route::{Route, route};
use crate::trail::{AUDIT_ID, Trail};
use crate::{State, Verb};

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
        app.at(path).all(move |request| async move { Ok(handle(&request, see).await) });
    }
    app
}

/// An answer's bytes, as far as they are there.
enum Ready {
    Unchanged,
    Whole(Vec<u8>),
    Begun(Vec<Vec<u8>>, Flow),
}

async fn handle(request: &Request<State>, see: See) -> Response {
    let mut trail = Trail::begin(request.state(), request);
    let answered = match respond(request, see, &mut trail).await {
        Ok(answer) => prepare(answer).await,
        Err(refused) => Err(refused),
    };
    match answered {
        Ok((answer, ready)) => {
            let gzip = takes_gzip(&header(request, ACCEPT_ENCODING.as_str()));
            reply(answer, ready, gzip, trail)
        }
        Err(refused) => refuse(&refused, trail),
    }
}

async fn respond(request: &Request<State>, see: See, trail: &mut Trail) -> Result<Answer, Refused> {
    let state = request.state();
    let front_proxy = state.front_proxy();
    let caller = identify(see(request), &Lines::of(request.as_ref()), front_proxy.as_deref())?;
    trail.asked_by(&caller);
    if request.method() != Method::Get {
        return Err(Refused::Method);
    }
    let (accept, known_tag) = (header(request, ACCEPT.as_str()), header(request, IF_NONE_MATCH.as_str()));
    let query: Vec<(String, String)> = request.url().query_pairs().into_owned().collect();
    let route = route(request.url().path());
    trail.does(verb(route, &query), route.is_about_reports());
    if request.is_empty() != Some(true) {
        return Err(Refused::Body);
    }
    let came = trail.began();
    let asked = Asked { caller: &caller, route, query: &query, accept: &accept, known_tag: &known_tag, came };
    let late = async {
        state.clock().until(came + ANSWER_WITHIN).await;
        Err(Refused::Late)
    };
    future::or(answer(state, &asked), late).await
}

/// All values of a header.
fn header(request: &Request<State>, name: &str) -> String {
    let values = request.header(name).into_iter().flat_map(|values| values.iter());
    values.map(|value| value.as_str()).collect::<Vec<_>>().join(",")
}

/// The verb as the log and the counts have it.
fn verb(route: Route<'_>, query: &[(String, String)]) -> &'static str {
    match route {
        Route::Reports if is_watch(query) => Verb::Watch.word(),
        Route::Reports => Verb::List.word(),
        _ => Verb::Get.word(),
    }
}

/// Makes of an answer what is to be made before its first byte goes out: all of it when it is small, so that it can still be
/// refused.
async fn prepare(mut answer: Answer) -> Result<(Answer, Ready), Refused> {
    let most = if answer.pretty { PRETTY_BYTES_MAX } else { WHOLE_BYTES_MAX };
    let ready = match std::mem::replace(&mut answer.said, Said::Unchanged) {
        Said::Unchanged => Ready::Unchanged,
        Said::Fixed(bytes) => Ready::Whole(bytes.to_vec()),
        Said::Watched(flow) => Ready::Begun(Vec::new(), flow),
        Said::Made(mut flow) => match flow.collect(most).await? {
            Collected::Whole(bytes) if answer.pretty => Ready::Whole(laid_out(&bytes)?),
            Collected::Whole(bytes) => Ready::Whole(bytes),
            Collected::Begun(chunks) => Ready::Begun(chunks, flow),
        },
    };
    Ok((answer, ready))
}

fn laid_out(line: &[u8]) -> Result<Vec<u8>, Refused> {
    let read: serde_json::Value = serde_json::from_slice(line)?;
    Ok(serde_json::to_vec_pretty(&read)?)
}

fn reply(answer: Answer, ready: Ready, takes_gzip: bool, mut trail: Trail) -> Response {
    let code = if matches!(ready, Ready::Unchanged) { 304 } else { 200 };
    let mut response = Response::new(StatusCode::try_from(code).unwrap_or(StatusCode::Ok));
    trail.answers(code);
    add_headers(&mut response, &trail);
    if let Some(tag) = answer.tag {
        response.insert_header(ETAG, tag);
        response.append_header(VARY, "accept");
    }
    if answer.is_immutable {
        response.insert_header(CACHE_CONTROL, "public, immutable");
    }
    let mut body = match ready {
        Ready::Unchanged => return response,
        Ready::Whole(bytes) if takes_gzip && bytes.len() > WHOLE_BYTES_MAX => {
            add_coding(&mut response);
            let mut gzip = Gzip::new();
            let mut compressed = gzip.add(&bytes);
            compressed.extend(gzip.end());
            trail.sends(compressed.len());
            Body::from(compressed)
        }
        Ready::Whole(bytes) => {
            trail.sends(bytes.len());
            Body::from(bytes)
        }
        Ready::Begun(chunks, flow) => {
            // Nothing has been collected of a watch: its events should not wait in a compressor.
            let gzip = takes_gzip && !chunks.is_empty();
            if gzip {
                add_coding(&mut response);
            }
            Body::from_reader(Sent::new(chunks, flow, gzip, trail), None)
        }
    };
    body.set_mime(JSON);
    response.set_body(body);
    response.insert_header("content-type", answer.media_type);
    response
}

fn add_coding(response: &mut Response) {
    response.insert_header("content-encoding", "gzip");
    response.append_header(VARY, "accept-encoding");
}

fn add_headers(response: &mut Response, trail: &Trail) {
    // An API server that kept the connection would ask on it again after our node is gone, and wait for a minute, while another
    // manager leads. And whom to believe is settled by the handshake: one that came too early for that would be a stranger for ever.
    response.insert_header(CONNECTION, "close");
    response.insert_header(CACHE_CONTROL, "no-cache, private");
    response.insert_header("x-content-type-options", "nosniff");
    if let Some(id) = trail.audit_id() {
        response.insert_header(AUDIT_ID, id);
    }
}

fn refuse(refused: &Refused, mut trail: Trail) -> Response {
    tell(refused);
    let status = refused.status();
    let body = serde_json::to_vec(&status).expect("texts and numbers are always JSON");
    let mut response =
        Response::new(StatusCode::try_from(status.code).unwrap_or(StatusCode::InternalServerError));
    trail.answers(status.code);
    trail.sends(body.len());
    add_headers(&mut response, &trail);
    let mut body = Body::from(body);
    body.set_mime(JSON);
    response.set_body(body);
    if status.code == 405 {
        response.insert_header(ALLOW, "GET");
    }
    if let Some(seconds) = status.retry_after_s() {
        response.insert_header("retry-after", seconds.to_string());
    }
    response
}

fn tell(refused: &Refused) {
    match refused {
        ours if ours.is_ours() => tracing::warn!(error = %ours, "could not answer"),
        // Its own users should have found out why.
        Refused::Stranger(why @ Stranger::NotUtf8(_)) => {
            tracing::warn!(%why, "refused what a front proxy said")
        }
        Refused::Stranger(why) => tracing::debug!(%why, "refused a stranger"),
        _ => tracing::debug!(%refused, "refused a request"),
    }
}
