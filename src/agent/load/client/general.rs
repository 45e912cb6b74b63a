//! The general way: any surf request, over a connection of its own.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use async_std::net::ToSocketAddrs;
use http_types::headers::{HeaderName, HeaderValue};
use http_types::{Body, Error, Method, Request, Response, StatusCode, Url};
use netreach_measure::Failure;

use super::codec::{Decoder, Wanted};
use super::connection::Connection;
use super::{Backend, Scratch};

/// Largest response body of the general way.
const BODY_BYTES_MAX: usize = netreach_wire::limits::REPLY_BYTES_MAX;
/// How long a request may take that says nothing else.
const WITHIN_DEFAULT: Duration = Duration::from_secs(10);

/// A request extension: how long the request may take, connecting and all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Within(pub(crate) Duration);

/// An exchange that failed, in the words of the taxonomy.
#[derive(Debug, thiserror::Error)]
#[error("no answer from {address} ({})", failure.key())]
struct Unanswered {
    address: SocketAddr,
    failure: Failure,
}

pub(super) async fn send(backend: &Backend, mut request: Request) -> Result<Response, Error> {
    let within = request.ext().get::<Within>().map_or(WITHIN_DEFAULT, |within| within.0);
    let mut scratch = backend.take_scratch();
    let addresses = resolve(request.url()).await?;
    encode(&mut request, &mut scratch.request).await?;
    let mut last = refuse(format!("cannot send to {} (its host resolves to no address)", request.url()));
    for address in addresses {
        match exchange(backend, address, within, request.method() == Method::Head, &mut scratch).await {
            // The scratch is not kept: what is sent and read here may be megabytes, and comes seldom.
            Ok(()) => return response(&scratch.decoder),
            Err((failure, sent)) => {
                last = Error::new(StatusCode::BadGateway, Unanswered { address, failure });
                if sent {
                    // It may have been acted on: the caller decides whether to say it again.
                    return Err(last);
                }
            }
        }
    }
    Err(last)
}

async fn resolve(url: &Url) -> Result<impl Iterator<Item = SocketAddr> + use<>, Error> {
    if url.scheme() != "http" {
        return Err(refuse(format!("cannot send to {url} (only http is spoken here)")));
    }
    let host = url.host_str().ok_or_else(|| refuse(format!("cannot send to {url} (no host)")))?;
    let port = url.port_or_known_default().unwrap_or(80);
    // Url keeps the brackets of an IPv6 host; the resolver does not want them.
    Ok((host.trim_matches(['[', ']']), port).to_socket_addrs().await?)
}

async fn exchange(
    backend: &Backend,
    address: SocketAddr,
    within: Duration,
    bodyless: bool,
    scratch: &mut Scratch,
) -> Result<(), (Failure, bool)> {
    let opened = Connection::open(&backend.0.engine, address, within, false).await;
    let (connection, mut timing) = opened.map_err(|(failure, _)| (failure, false))?;
    scratch.decoder.begin(Wanted {
        bodyless,
        headers: true,
        body_keep_max: BODY_BYTES_MAX,
        body_bytes_max: BODY_BYTES_MAX as u64,
    });
    let Scratch { decoder, request } = scratch;
    let exchanged = connection.exchange(request, decoder, &mut timing).await;
    exchanged.map(drop).map_err(|failure| (failure, true))
}

/// Request line and Host, with the path and query exactly as the URL has them.
pub(super) fn write_request_line(head: &mut Vec<u8>, method: &str, url: &Url) {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    write!(head, "{method} {}{query} HTTP/1.1\r\nhost: {host}{port}\r\n", url.path())
        .expect("a Vec takes every write");
}

async fn encode(request: &mut Request, wire: &mut Vec<u8>) -> Result<(), Error> {
    let body = request.take_body().into_bytes().await?;
    wire.clear();
    write_request_line(wire, request.method().as_ref(), request.url());
    for (name, values) in request.iter() {
        if matches!(name.as_str(), "host" | "content-length" | "connection" | "transfer-encoding") {
            continue;
        }
        for value in values {
            write!(wire, "{name}: {value}\r\n")?;
        }
    }
    if !body.is_empty() || matches!(request.method(), Method::Post | Method::Put | Method::Patch) {
        write!(wire, "content-length: {}\r\n", body.len())?;
    }
    wire.extend_from_slice(b"connection: close\r\n\r\n");
    wire.extend_from_slice(&body);
    Ok(())
}

fn response(decoder: &Decoder) -> Result<Response, Error> {
    let status = StatusCode::try_from(decoder.status()).map_err(|_| {
        refuse(format!("peer answered status {}, which is not a known one", decoder.status()))
    })?;
    let mut response = Response::new(status);
    response.set_body(Body::from_bytes(decoder.body().to_vec()));
    for (name, value) in decoder.headers() {
        let name = HeaderName::from_bytes(name.clone().into_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.clone().into_bytes())) {
            response.append_header(name, value);
        }
    }
    Ok(response)
}

fn refuse(why: String) -> Error {
    Error::from_str(StatusCode::BadGateway, why)
}
