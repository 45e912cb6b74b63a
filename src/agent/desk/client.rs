//! surf's backend for the talk with the desk: any request, over a connection of its own, with TLS where the URL says https.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use async_std::future::timeout;
use async_std::net::{TcpStream, ToSocketAddrs};
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use futures_rustls::TlsConnector;
use futures_rustls::rustls::pki_types::ServerName;
use http_client::HttpClient;
use http_types::{Body, Error, Request, Response, StatusCode, Url};
use netreach_wire::limits::REPLY_BYTES_MAX;

use super::trust::Trust;
use crate::http::{Decoder, Progress, Wanted, write_request_line};

/// How long one address may take to accept a connection: there may be another.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a request may take that says nothing else.
const WITHIN_DEFAULT: Duration = Duration::from_secs(10);
/// Bytes taken from the connection at a time.
const READ_BYTES: usize = 4 << 10;

/// A request extension: how long the request may take, connecting and all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within(pub(super) Duration);

/// Sends requests to the desk. Clones share what they trust.
#[derive(Debug, Clone)]
pub struct Client {
    /// None where the desk's URL is http.
    trust: Option<Arc<Trust>>,
}

impl Client {
    /// Believes a desk by this bundle; none is needed where the desk's URL is http.
    #[must_use]
    pub fn new(trust: Option<Trust>) -> Self {
        Self { trust: trust.map(Arc::new) }
    }

    async fn exchange(&self, mut request: Request) -> Result<Response, Error> {
        let url = request.url().clone();
        let wire = encode(&mut request).await?;
        let stream = connect(&url).await?;
        let decoder = match (url.scheme(), &self.trust) {
            ("https", Some(trust)) => {
                let connector = TlsConnector::from(trust.config()?);
                converse(connector.connect(server_name(&url)?, stream).await?, &wire).await?
            }
            ("http", _) => converse(stream, &wire).await?,
            (_, _) => {
                return Err(refuse(format!("cannot send to {url} (http, or https with a CA to trust)")));
            }
        };
        let status = StatusCode::try_from(decoder.status());
        let status = status.map_err(|_| refuse(format!("status {} is not a known one", decoder.status())))?;
        let mut response = Response::new(status);
        response.set_body(Body::from_bytes(decoder.body().to_vec()));
        Ok(response)
    }
}

#[http_client::async_trait]
impl HttpClient for Client {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let within = request.ext().get::<Within>().map_or(WITHIN_DEFAULT, |within| within.0);
        let too_slow = || refuse(format!("no answer within {} s", within.as_secs()));
        timeout(within, self.exchange(request)).await.unwrap_or_else(|_| Err(too_slow()))
    }
}

/// A connection to the first of the host's addresses that takes one.
async fn connect(url: &Url) -> Result<TcpStream, Error> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    // Url keeps the brackets of an IPv6 host; the resolver does not want them.
    let addresses = (host.trim_matches(['[', ']']), port).to_socket_addrs().await;
    let addresses = addresses.map_err(|error| refuse(format!("{host} does not resolve ({error})")))?;
    let mut last = refuse(format!("{host} resolves to no address"));
    for address in addresses {
        let refused = |why: String| refuse(format!("{address} takes no connection ({why})"));
        match timeout(CONNECT_WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = refused(error.to_string()),
            Err(_) => last = refused(format!("waited {} s", CONNECT_WITHIN.as_secs())),
        }
    }
    Err(last)
}

fn server_name(url: &Url) -> Result<ServerName<'static>, Error> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    ServerName::try_from(host).map_err(|error| refuse(format!("cannot verify {url} ({error})")))
}

async fn encode(request: &mut Request) -> Result<Vec<u8>, Error> {
    let body = request.take_body().into_bytes().await?;
    let mut wire = Vec::with_capacity(512 + body.len());
    write_request_line(&mut wire, request.method().as_ref(), request.url());
    for (name, values) in request.iter() {
        if matches!(name.as_str(), "host" | "content-length" | "connection" | "transfer-encoding") {
            continue;
        }
        for value in values {
            write!(wire, "{name}: {value}\r\n")?;
        }
    }
    write!(wire, "content-length: {}\r\nconnection: close\r\n\r\n", body.len())?;
    wire.extend_from_slice(&body);
    Ok(wire)
}

/// Sends the request and reads the whole response.
async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, wire: &[u8]) -> Result<Decoder, Error> {
    stream.write_all(wire).await?;
    stream.flush().await?;
    let mut decoder = Decoder::new();
    decoder.begin(Wanted { body_keep_max: REPLY_BYTES_MAX, body_bytes_max: REPLY_BYTES_MAX as u64 });
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let bytes = match stream.read(&mut buffer).await? {
            0 if decoder.end() => return Ok(decoder),
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            bytes => bytes,
        };
        match decoder.feed(&buffer[..bytes]).map_err(|error| refuse(error.to_string()))? {
            Progress::More => {}
            Progress::Whole { .. } => return Ok(decoder),
        }
    }
}

fn refuse(why: String) -> Error {
    Error::from_str(StatusCode::BadGateway, why)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
