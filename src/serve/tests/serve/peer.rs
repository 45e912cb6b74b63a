//! A raw client, and what it heard in short.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// Longer than anything here takes: passing it is the failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    pub(crate) fn new(host: SocketAddr) -> Self {
        Self::from(host, "127.0.0.1".parse().unwrap())
    }

    /// One that comes from an address of its own.
    pub(crate) fn from(host: SocketAddr, source: IpAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
        socket.connect(&host.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends; a host that has closed already is no failure here, what it said before is looked at.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.0.write_all(bytes.as_ref());
        self
    }

    /// Sends the end.
    pub(crate) fn end(&mut self) -> &mut Self {
        let _ = self.0.shutdown(Shutdown::Write);
        self
    }

    /// Everything up to the host's end, in short.
    pub(crate) fn hear_all(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the host neither answered nor closed: {error}"),
        }
        in_short(&bytes)
    }

    /// One answer that has a length or no body, in short.
    pub(crate) fn hear_one(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4_096];
        loop {
            let count = self.0.read(&mut chunk).expect("the host answers");
            assert!(count > 0, "the host closed within an answer: {bytes:?}");
            bytes.extend_from_slice(&chunk[..count]);
            if let Some((short, [])) = answer(&bytes) {
                return short;
            }
        }
    }
}

/// Answers such as `200 'ok', 400 close`: status, whether it announces the end, and the body of a success.
pub(crate) fn in_short(mut bytes: &[u8]) -> String {
    let mut answers = Vec::new();
    while let Some((short, rest)) = answer(bytes) {
        answers.push(short);
        bytes = rest;
    }
    if !bytes.is_empty() {
        answers.push(format!("and {} bytes", bytes.len()));
    }
    answers.join(", ")
}

fn answer(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut space = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut space);
    let httparse::Status::Complete(start) = head.parse(bytes).ok()? else { return None };
    let status = head.code?;
    let value = |name: &str| {
        let header = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let mut short = status.to_string();
    if value("connection") == Some("close") {
        short += " close";
    }
    if value("connection") == Some("keep-alive") {
        short += " kept";
    }
    let rest = &bytes[start..];
    let (body, rest) = if value("transfer-encoding") == Some("chunked") {
        let end = rest.windows(5).position(|end| end == b"0\r\n\r\n")? + 5;
        rest.split_at(end)
    } else if let Some(length) = value("content-length") {
        rest.split_at_checked(length.parse().ok()?)?
    } else {
        rest.split_at(0)
    };
    if status == 200 {
        short += &format!(" {:?}", String::from_utf8_lossy(&body[..body.len().min(40)]));
    }
    Some((short, rest))
}
