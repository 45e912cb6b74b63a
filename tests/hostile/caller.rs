//! Callers of every kind: over TLS as an API server, or with bytes of their own.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_rustls::rustls::pki_types::CertificateDer;
use futures_rustls::rustls::pki_types::pem::PemObject;
use futures_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::host::Host;

/// Longer than the webhook waits for anybody: passing it is the failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// The good caller's address.
pub(crate) const GOOD: [u8; 4] = [127, 0, 0, 1];

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Answer { status: u16, body: String },
    Closed,
}

pub(crate) fn connect(host: SocketAddr, from: [u8; 4]) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(IpAddr::from(from), 0).into())?;
    socket.connect(&host.into())?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

pub(crate) fn config(host: &Host, enable_sni: bool) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(host.authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.enable_sni = enable_sni;
    Arc::new(config)
}

pub(crate) fn over_tls(host: &Host, config: &Arc<ClientConfig>, from: [u8; 4]) -> io::Result<Tls> {
    let name = "netreach-webhook.netreach-system.svc".try_into().unwrap();
    let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    Ok(StreamOwned::new(connection, connect(host.address, from)?))
}

/// A review of one object, as an API server asks for it.
pub(crate) fn review(uid: &str, spec: &Value) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": uid, "operation": "CREATE",
        "kind": {"group": "kdoctor.io", "version": "v1beta1", "kind": "NetReach"},
        "object": {"apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach", "metadata": {"name": "task"}, "spec": spec},
    }})
}

/// A request with a body, of this type.
pub(crate) fn post(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Sends, and hears whatever comes until the other side has had enough.
pub(crate) fn ask(stream: &mut (impl Read + Write), bytes: &[u8]) -> Said {
    // The other side may refuse before it has heard everything.
    let _ = stream.write_all(bytes).and_then(|()| stream.flush());
    hear(stream)
}

pub(crate) fn hear(stream: &mut impl Read) -> Said {
    let mut heard = Vec::new();
    let began = Instant::now();
    // However it ends, what was said before counts.
    let _ = stream.read_to_end(&mut heard);
    assert!(began.elapsed() < PATIENCE, "neither an answer nor an end within {PATIENCE:?}");
    let text = String::from_utf8_lossy(&heard);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Said::Closed };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.map_or(Said::Closed, |status| Said::Answer { status, body: body.to_owned() })
}

/// Asks once on a connection of its own, as a good caller does.
pub(crate) fn ask_once(host: &Host, config: &Arc<ClientConfig>, from: [u8; 4], bytes: &[u8]) -> Said {
    match over_tls(host, config, from) {
        Ok(mut stream) => ask(&mut stream, bytes),
        Err(_) => Said::Closed,
    }
}
