//! Certificates made for a test, and a caller that speaks TLS.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;

use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use futures_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};

use crate::peer::{Peer, in_short};

/// A CA and what it signs.
pub(crate) struct Authority {
    pub(crate) pem: String,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Leaf {
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        Self { pem, certificate, issuer: Issuer::new(params, key) }
    }

    /// For a server by this name.
    pub(crate) fn leaf(&self, name: &str) -> Leaf {
        self.sign(CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// For a caller by this name and of these groups.
    pub(crate) fn caller(&self, name: &str, groups: &[&str]) -> Leaf {
        let mut subject = DistinguishedName::new();
        // rcgen keeps one value of a kind.
        groups.iter().for_each(|group| subject.push(DnType::OrganizationName, *group));
        subject.push(DnType::CommonName, name);
        let mut params = CertificateParams::default();
        params.distinguished_name = subject;
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Leaf {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
        }
    }
}

impl Leaf {
    pub(crate) fn bytes(&self) -> usize {
        self.certificate.len()
    }
}

/// How a caller comes.
pub(crate) struct Caller<'a> {
    pub(crate) trusts: &'a Authority,
    pub(crate) shows: Option<&'a Leaf>,
    pub(crate) speaks: &'static [&'static SupportedProtocolVersion],
    pub(crate) from: IpAddr,
}

/// A connection with TLS on it.
pub(crate) type Line = StreamOwned<ClientConnection, TcpStream>;

impl Caller<'_> {
    /// Connects; the handshake comes with the first words.
    pub(crate) fn call(&self, host: SocketAddr) -> Line {
        self.over(Peer::from(host, self.from), host)
    }

    /// The same on a connection that is there.
    pub(crate) fn over(&self, peer: Peer, host: SocketAddr) -> Line {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusts.certificate.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(self.speaks)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match self.shows {
            None => builder.with_no_client_auth(),
            Some(leaf) => {
                let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key.clone()));
                builder.with_client_auth_cert(vec![leaf.certificate.clone()], key).unwrap()
            }
        };
        // As an API server offers it.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // An address is no name to ask for: no SNI is sent.
        let connection = ClientConnection::new(Arc::new(config), ServerName::from(host.ip())).unwrap();
        StreamOwned::new(connection, peer.0)
    }

    /// One request on a connection of its own: the answer in short, or why there is none.
    pub(crate) fn ask(&self, host: SocketAddr, path: &str) -> Result<String, String> {
        let mut line = self.call(host);
        ask(&mut line, path, "close")?;
        let mut bytes = Vec::new();
        line.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(in_short(&bytes))
    }
}

/// Sends a request.
pub(crate) fn ask(line: &mut Line, path: &str, connection: &str) -> Result<(), String> {
    ask_with(line, path, &format!("connection: {connection}\r\n"))
}

/// Sends a request with these headers.
pub(crate) fn ask_with(line: &mut Line, path: &str, headers: &str) -> Result<(), String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n{headers}\r\n");
    line.write_all(request.as_bytes()).map_err(|error| error.to_string())
}

/// Everything up to the end, in short; the end may come without a word.
pub(crate) fn hear(line: &mut Line) -> String {
    let mut bytes = Vec::new();
    match line.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {}
        Err(error) => panic!("the host neither answered nor closed: {error}"),
    }
    in_short(&bytes)
}
