//! The answering side: what other agents probe.
//!
//! To a probe of a known round it says who answered and whom it saw; to anybody else it is a bare 200.

use std::sync::Arc;

use http_types::{Request, StatusCode, headers};
use netreach_wire::AgentId;
use tide::{Response, Server};

use crate::keys::Keys;

/// What answering needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Answerer {
    pub(crate) me: Arc<AgentId>,
    pub(crate) keys: Arc<Keys>,
}

/// The app that answers probes at every path: ingresses bring their own.
pub(crate) fn app(answerer: Answerer) -> Server<Answerer> {
    let mut app = Server::with_state(answerer);
    app.at("/").get(answer);
    app.at("/*").get(answer);
    app
}

async fn answer(request: tide::Request<Answerer>) -> tide::Result {
    let answerer = request.state();
    let mut response = Response::new(StatusCode::Ok);
    response.insert_header(headers::CACHE_CONTROL, "no-store");
    if let Some((body, mac)) = answerer.echo(request.as_ref()) {
        response.insert_header("netreach-echo", mac.as_str());
        // Said as it is, it need not be put together anew from the parts of its type for each answer.
        response.insert_header(headers::CONTENT_TYPE, "text/plain;charset=utf-8");
        response.set_body(body);
    }
    Ok(response)
}

impl Answerer {
    fn echo(&self, request: &Request) -> Option<(String, String)> {
        let header = request.header("netreach-probe")?.as_str().as_bytes();
        let client = request.peer_addr()?;
        self.keys.with_tag(header, |signer, tag| signer.sign_echo(tag, &self.me.pod, &self.me.node, client))
    }
}

#[cfg(test)]
mod tests {
    use http_types::{Method, Url};
    use netreach_wire::{EchoKey, RoundId, Signer};

    use super::*;

    fn ask(path: &str, tag: Option<&str>) -> (u16, Option<String>, String) {
        let answerer = Answerer {
            me: Arc::new(AgentId { node: "node-a".to_owned(), pod: "agent-a".to_owned() }),
            keys: Arc::default(),
        };
        answerer.keys.add(&RoundId { uid: "u".to_owned(), number: 1 }, &EchoKey::new([1; 32]));
        let url = Url::parse("http://agent").unwrap().join(path).unwrap();
        let mut request = Request::new(Method::Get, url);
        request.set_peer_addr(Some("127.0.0.9:4711"));
        if let Some(tag) = tag {
            request.insert_header("netreach-probe", tag);
        }
        async_std::task::block_on(async {
            let mut response: http_types::Response = app(answerer).respond(request).await.unwrap();
            let mac = response.header("netreach-echo").map(|values| values.as_str().to_owned());
            let body = response.take_body().into_string().await.unwrap();
            (u16::from(response.status()), mac, body)
        })
    }

    #[test]
    fn a_probe_of_the_round_learns_who_answered_at_any_path() {
        let signer = Signer::new(&EchoKey::new([1; 32]));
        let tag = signer.tag(3);
        let header = std::str::from_utf8(tag.as_bytes()).unwrap();
        for path in ["/", "/kdoctoragent", "/a/b?c=d"] {
            let (status, mac, body) = ask(path, Some(header));
            let echo = signer.verify_echo(&tag, mac.unwrap().as_bytes(), body.as_bytes()).unwrap();
            assert_eq!((status, echo.pod, echo.node), (200, "agent-a", "node-a"));
            assert_eq!(echo.client, "127.0.0.9:4711".parse().unwrap());
        }
    }

    #[test]
    fn anybody_else_learns_nothing() {
        let foreign = Signer::new(&EchoKey::new([2; 32])).tag(3);
        let foreign = std::str::from_utf8(foreign.as_bytes()).unwrap();
        for tag in [None, Some("x"), Some(foreign)] {
            assert_eq!(ask("/", tag), (200, None, String::new()), "{tag:?}");
        }
    }
}
