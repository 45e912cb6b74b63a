//! Peers that do what peers in the wild do, each with what the probes of one round must be counted as.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use netreach_measure::Failure;
use netreach_wire::{EchoKey, ProbeTag, Signer};
use socket2::{Domain, Socket, Type};

use super::peers::{ME, echo, next_probe, peer, right_answer};

/// Probes of one round at each peer.
pub(crate) const PROBES: u64 = 10;
/// Enough for every probe of a round to be held at once.
const WORKERS: usize = PROBES as usize + 2;
/// What the client reads at a time: an answer that ends just there leaves nothing over to be seen.
const READ_BYTES: usize = 4 << 10;
const ONE_S: Duration = Duration::from_secs(1);

/// A peer and what must come of the round.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) failures: BTreeMap<Failure, u64>,
    pub(crate) backends: BTreeMap<String, u64>,
}

pub(crate) fn all() -> Vec<Case> {
    [unreached(), cut(), unreadable(), overlong(), honest(), impostors(), told(), kept()]
        .into_iter()
        .flatten()
        .collect()
}

// === what it is counted as ===

fn failed(name: &'static str, address: SocketAddr, failure: Failure) -> Case {
    let failures = BTreeMap::from([(failure, PROBES)]);
    Case { name, address, statuses: BTreeMap::new(), failures, backends: BTreeMap::new() }
}

fn answered(name: &'static str, address: SocketAddr, status: u16) -> Case {
    let statuses = BTreeMap::from([(status, PROBES)]);
    let backends = if status == 200 { BTreeMap::from([(ME.to_owned(), PROBES)]) } else { BTreeMap::new() };
    Case { name, address, statuses, failures: BTreeMap::new(), backends }
}

// === how they behave ===

/// Says this to every probe, and waits for the next.
fn says(reply: impl Fn(&ProbeTag) -> Vec<u8> + Send + Sync + 'static) -> SocketAddr {
    peer(WORKERS, move |mut stream| {
        while let Some(tag) = next_probe(&mut stream) {
            // Gone already: the prober has seen enough.
            let _ = stream.write_all(&reply(&tag));
        }
    })
}

fn says_always(reply: impl Into<Vec<u8>>) -> SocketAddr {
    let reply = reply.into();
    says(move |_| reply.clone())
}

/// Says this to the first probe of a connection, and closes.
fn says_once(reply: impl Fn(&ProbeTag) -> Vec<u8> + Send + Sync + 'static) -> SocketAddr {
    peer(WORKERS, move |mut stream| {
        if let Some(tag) = next_probe(&mut stream) {
            let _ = stream.write_all(&reply(&tag));
        }
    })
}

/// Until the prober closes.
fn stay(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Closes with a reset.
fn reset(stream: TcpStream) {
    Socket::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
}

// === the cases ===

fn unreached() -> Vec<Case> {
    vec![
        failed("nothing listens", closed(), Failure::Refused),
        failed("SYNs are dropped", black_hole(), Failure::TimeoutConnect),
        failed("accepts and is silent", peer(WORKERS, stay), Failure::TimeoutResponse),
    ]
}

/// A port that is taken but not listened on.
fn closed() -> SocketAddr {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    std::mem::forget(socket);
    address
}

/// A listener whose queue is full: the kernel drops every further SYN.
fn black_hole() -> SocketAddr {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    let fill = || TcpStream::connect_timeout(&address, Duration::from_millis(200));
    std::mem::forget((std::iter::from_fn(|| fill().ok()).take(8).collect::<Vec<_>>(), listener));
    address
}

fn cut() -> Vec<Case> {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    let reset_when_asked = peer(WORKERS, |mut stream| {
        next_probe(&mut stream);
        reset(stream);
    });
    let closes_its_side = peer(WORKERS, |stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        stay(stream);
    });
    vec![
        failed("resets at once", peer(WORKERS, reset), Failure::Reset),
        failed("resets when asked", reset_when_asked, Failure::Reset),
        failed("closes at once", peer(WORKERS, drop), Failure::Reset),
        failed("sends its end at once and stays", closes_its_side, Failure::Reset),
        failed("closes when asked", says_once(|_| Vec::new()), Failure::Reset),
        failed("closes in mid-body", says_once(|_| half.into()), Failure::Reset),
        failed("closes in mid-head", says_once(|_| half[..20].into()), Failure::Reset),
        failed("closes in mid-chunk", says_once(|_| chunked("ff\r\nhalf")), Failure::Reset),
        failed("is silent after half a body", says_always(half), Failure::TimeoutResponse),
        failed("is silent after half a head", says_always(&half[..20]), Failure::TimeoutResponse),
        failed("a byte a second", peer(WORKERS, drip), Failure::TimeoutResponse),
    ]
}

fn drip(mut stream: TcpStream) {
    next_probe(&mut stream);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    while stream.write_all(b".").is_ok() {
        std::thread::park_timeout(ONE_S);
    }
}

fn chunked(rest: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{rest}").into()
}

fn unreadable() -> Vec<Case> {
    let both = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let two = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 1\r\n\r\n.";
    let banner = peer(WORKERS, |mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n");
        stay(stream);
    });
    let protocol = |name, address| failed(name, address, Failure::Protocol);
    vec![
        protocol("garbage", says_always([0xfe_u8, 0, 0xff, b'\r', b'\n'].repeat(20))),
        protocol("a TLS alert", says_always([0x15, 3, 1, 0, 2, 2, 0x46])),
        protocol("a banner before it is asked", banner),
        protocol("two content lengths", says_always(two)),
        protocol("a content length and chunks", says_always(both)),
        protocol("a chunk longer than it says", says_always(chunked("2\r\nabc\r\n0\r\n\r\n"))),
        protocol("another protocol unasked", says_always("HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n")),
    ]
}

fn overlong() -> Vec<Case> {
    let body = |bytes: usize| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
        [head.into_bytes(), vec![b'.'; bytes]].concat()
    };
    let head = |value_bytes| format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(value_bytes));
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(10 << 20));
    let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(10_000);
    let protocol = |name, address| failed(name, address, Failure::Protocol);
    vec![
        protocol("a head of 1 MB", says_always(head(1 << 20))),
        protocol("65 fields", says_always(fields(65))),
        protocol("a body of 10 MB", says_always(body(10 << 20))),
        protocol("10 MB without a length", says_always(endless)),
        protocol("interim answers for ever", says_always(interim)),
    ]
}

fn fields(count: usize) -> String {
    format!("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n{}\r\n", "x: y\r\n".repeat(count - 1))
}

fn honest() -> Vec<Case> {
    let continues = |tag: &ProbeTag| [b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), right_answer(tag)].concat();
    let in_chunks = |tag: &ProbeTag| {
        let (body, mac) = echo(tag, ME);
        let (first, second) = body.split_at(7);
        let chunk = |part: &str| format!("{:x}\r\n{part}\r\n", part.len());
        let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nnetreach-echo: {mac}\r\n\r\n");
        [head, chunk(first), chunk(second), "0\r\n\r\n".into()].concat().into()
    };
    let to_the_end = |tag: &ProbeTag| {
        let (body, mac) = echo(tag, ME);
        format!("HTTP/1.0 200 OK\r\nnetreach-echo: {mac}\r\n\r\n{body}").into()
    };
    vec![
        answered("rightly", says(right_answer), 200),
        answered("after 100 Continue", says(continues), 200),
        answered("in chunks", says(in_chunks), 200),
        answered("up to the end of the connection", says_once(to_the_end), 200),
        answered("64 fields", says_always(fields(64)), 503),
    ]
}

fn impostors() -> Vec<Case> {
    let reply = |body: &str, mac: &str| {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nnetreach-echo: {mac}\r\ncontent-length: {length}\r\n\r\n{body}").into()
    };
    let other = move |tag: &ProbeTag| {
        let (body, mac) = echo(tag, "agent-b");
        reply(&body, &mac)
    };
    let other_key = move |tag: &ProbeTag| {
        let (body, mac) = Signer::new(&EchoKey::new([8; 32])).sign_echo(tag, ME, "node-a", "127.0.0.1:1");
        reply(&body, &mac)
    };
    let first = OnceLock::new();
    let replayed = move |tag: &ProbeTag| first.get_or_init(|| right_answer(tag)).clone();
    let unsigned = |tag: &ProbeTag| {
        let (body, _) = echo(tag, ME);
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into()
    };
    let too_short = |tag: &ProbeTag| {
        let (body, mac) = echo(tag, ME);
        let length = body.len() - 5;
        format!("HTTP/1.1 200 OK\r\nnetreach-echo: {mac}\r\ncontent-length: {length}\r\n\r\n{body}").into()
    };
    let wrong = |name, address| failed(name, address, Failure::WrongBackend);
    let backends = BTreeMap::from([("agent-b".to_owned(), PROBES)]);
    let once = |mut case: Case| {
        // Its first answer was right.
        case.failures = BTreeMap::from([(Failure::WrongBackend, PROBES - 1)]);
        case.statuses = BTreeMap::from([(200, 1)]);
        case.backends = BTreeMap::from([(ME.to_owned(), 1)]);
        case
    };
    vec![
        Case { backends, ..wrong("signed by another pod", says(other)) },
        wrong("signed with another key", says(other_key)),
        wrong("not signed", says(unsigned)),
        wrong("a body longer than it says", says(too_short)),
        once(wrong("an answer to an older probe", says(replayed))),
    ]
}

fn told() -> Vec<Case> {
    let bare = |line: &str| format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n");
    vec![
        answered("500", says_always(bare("500 Oops")), 500),
        // Were it followed, each probe would end in a timeout.
        answered("301 to itself", says_always(bare("301 Moved\r\nlocation: /")), 301),
    ]
}

/// What matters only when connections are kept, and must not matter.
fn kept() -> Vec<Case> {
    let busy = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
    let more = "HTTP/1.1 418 Teapot\r\ncontent-length: 0\r\n\r\n";
    let padding = READ_BYTES - "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nx: \r\n\r\n".len();
    let padded = format!("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nx: {}\r\n\r\n", "a".repeat(padding));
    assert_eq!(padded.len(), READ_BYTES);
    // Long before the next probe, which could not tell it from its own answer.
    let afterthought = peer(WORKERS, move |mut stream| {
        while next_probe(&mut stream).is_some() {
            let _ = stream.write_all(busy.as_bytes());
            let _ = stream.write_all(more.as_bytes());
        }
    });
    let closing = |tag: &ProbeTag| {
        let text = String::from_utf8(right_answer(tag)).unwrap();
        text.replacen("content-length", "connection: close\r\ncontent-length", 1).into()
    };
    // The first probe of a connection is answered, the second breaks it.
    let breaks = peer(WORKERS, |mut stream| {
        if let Some(tag) = next_probe(&mut stream) {
            let _ = stream.write_all(&right_answer(&tag));
            if next_probe(&mut stream).is_some() {
                reset(stream);
            }
        }
    });
    vec![
        answered("closes after each answer unsaid", says_once(right_answer), 200),
        answered("closes after each answer as said", says_once(closing), 200),
        answered("breaks kept connections", breaks, 200),
        answered("a second answer in a piece of its own", afterthought, 503),
        answered("a second answer in the same piece", says_always([busy, more].concat()), 503),
        answered("a second answer behind a full piece", says_always([padded.as_str(), more].concat()), 503),
        answered("a second answer longer than a piece", says_always([busy, &more.repeat(200)].concat()), 503),
    ]
}
