//! Our backend for surf: connects to exactly the address it is given, measures, and never retries behind the
//! caller's back (but for a kept connection that the peer closed before it saw the request).
//!
//! A probe brings a [`Shot`] as a request extension: its bytes were made ready once a round, and its [`Flight`] comes back as
//! a response extension, failures included, for a failed probe is a fact and not an error. What is no probe is refused:
//! the desk has a client of its own.

mod connection;
mod deadlines;
mod engine;
mod failure;
mod sources;
mod tcp_info;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_client::HttpClient;
use http_types::{Request, Response, StatusCode};
use netreach_measure::{Failure, Outcome, Phases};
use netreach_wire::ProbeTag;

use crate::http::{Decoder, Wanted, write_request_line};

use connection::{Connection, Timing};
use engine::{Engine, lock};

/// Most bytes of a probe's answer that are kept: an echo is far shorter.
const ECHO_KEEP_BYTES: usize = netreach_wire::limits::ECHO_BYTES_MAX;
/// A probe's answer beyond this is refused.
const PROBE_BODY_BYTES_MAX: u64 = 1 << 20;

/// The backend: cheap to clone, one engine behind all clones.
#[derive(Clone)]
pub(crate) struct Backend(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    #[allow(clippy::vec_box, reason = "taken out and put back whole: futures and flights move a pointer")]
    scratch: Mutex<Vec<Box<Scratch>>>,
}

/// What an exchange needs while it is under way; used again by the next.
#[derive(Debug)]
struct Scratch {
    decoder: Decoder,
    request: Vec<u8>,
}

/// One target's request, ready to send.
#[derive(Debug)]
pub(crate) struct Prepared {
    address: SocketAddr,
    timeout: Duration,
    keep: bool,
    /// Request line and header fields up to the tag's value.
    before_tag: Box<[u8]>,
    /// Connections that rest between probes.
    resting: Mutex<Vec<Connection>>,
}

/// One probe to send.
#[derive(Debug)]
pub(crate) struct Shot {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) tag: ProbeTag,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Flight {
    /// The status as it came: who sent it is for the caller to verify.
    pub(crate) outcome: Outcome,
    /// The first system call.
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) phases: Phases,
    answer: Option<Answer>,
}

/// The answer's parts; hands its memory back when dropped.
#[derive(Debug)]
struct Answer {
    scratch: Option<Box<Scratch>>,
    home: Backend,
}

impl Backend {
    /// # Errors
    /// When the kernel gives no epoll instance.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(Inner { engine: Engine::new()?, scratch: Mutex::default() })))
    }

    /// Blocks until an exchange can go on, `until` has come or a watched descriptor is readable.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn turn(&self, until: Instant) -> io::Result<()> {
        self.0.engine.turn(until)
    }

    /// Lets a descriptor that becomes readable end a turn.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn watch(&self, descriptor: &impl AsFd) -> io::Result<()> {
        self.0.engine.watch(descriptor)
    }

    fn take_scratch(&self) -> Box<Scratch> {
        let kept = lock(&self.0.scratch).pop();
        kept.unwrap_or_else(|| Box::new(Scratch { decoder: Decoder::new(), request: Vec::new() }))
    }

    /// Fires a probe.
    async fn fly(&self, shot: Shot) -> Flight {
        let mut answer = Answer { scratch: Some(self.take_scratch()), home: self.clone() };
        let scratch = answer.scratch_mut();
        shot.write_request(&mut scratch.request);
        let mut opened = match shot.prepared.connection(&self.0.engine).await {
            Ok(opened) => opened,
            Err((failure, began)) => return Flight::failed(failure, began, Phases::default()),
        };
        let began = opened.timing.began;
        let mut outcome = opened.exchange(scratch).await;
        if outcome == Err(Failure::Reset) && opened.was_kept() && !scratch.decoder.begun() {
            // The peer closed the kept connection just before the request reached it: not a fault (RFC 9112, 9.3.1).
            let left = shot.prepared.timeout.saturating_sub(began.elapsed());
            opened = match shot.prepared.open(&self.0.engine, left).await {
                Ok(opened) => opened,
                Err((failure, _)) => return Flight::failed(failure, began, Phases::default()),
            };
            opened.timing.began = began;
            outcome = opened.exchange(scratch).await;
        }
        let phases = opened.phases();
        match outcome {
            Err(failure) => Flight::failed(failure, began, phases),
            Ok(is_clean) => {
                let status = scratch.decoder.status();
                if is_clean && scratch.decoder.keep_alive() {
                    shot.prepared.rest(opened.connection);
                }
                let outcome = Outcome::Answered(status);
                Flight { outcome, began, ended: Instant::now(), phases, answer: Some(answer) }
            }
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backend")
    }
}

#[http_client::async_trait]
impl HttpClient for Backend {
    async fn send(&self, mut request: Request) -> Result<Response, http_types::Error> {
        let Some(shot) = request.ext_mut().remove::<Shot>() else {
            let why = format!("{} is no probe, and nothing else is sent here", request.url());
            return Err(http_types::Error::from_str(StatusCode::BadGateway, why));
        };
        let flight = self.fly(shot).await;
        let mut response = Response::new(StatusCode::Ok);
        response.ext_mut().insert(flight);
        Ok(response)
    }
}

/// A connection under way with its times.
struct Opened {
    connection: Connection,
    timing: Timing,
}

impl Opened {
    fn was_kept(&self) -> bool {
        self.timing.connected.is_none()
    }

    async fn exchange(&mut self, scratch: &mut Scratch) -> Result<bool, Failure> {
        scratch
            .decoder
            .begin(Wanted { body_keep_max: ECHO_KEEP_BYTES, body_bytes_max: PROBE_BODY_BYTES_MAX });
        self.connection.exchange(&scratch.request, &mut scratch.decoder, &mut self.timing).await
    }

    fn phases(&mut self) -> Phases {
        let info = self.connection.info();
        Phases {
            connect_us: self.timing.connected.map(|at| self.timing.us_until(at)),
            first_byte_us: self.timing.first_byte.map(|at| self.timing.us_until(at)),
            rtt_us: info.map(|info| u64::from(info.rtt_us)),
            retransmits: info.map_or(0, |info| u64::from(info.retransmits)),
        }
    }
}

impl Prepared {
    /// Gets a GET for `url` ready; `keep` says whether connections are kept between probes.
    pub(crate) fn new(url: &http_types::Url, address: SocketAddr, timeout: Duration, keep: bool) -> Self {
        let mut head = Vec::with_capacity(256);
        write_request_line(&mut head, "GET", url);
        if !keep {
            head.extend_from_slice(b"connection: close\r\n");
        }
        head.extend_from_slice(b"netreach-probe: ");
        Self { address, timeout, keep, before_tag: head.into(), resting: Mutex::default() }
    }

    /// A kept connection that is still good, else a fresh one.
    async fn connection(&self, engine: &Arc<Engine>) -> Result<Opened, (Failure, Instant)> {
        let kept = || std::iter::from_fn(|| lock(&self.resting).pop()).find(|kept| !kept.is_stale());
        match self.keep.then(kept).flatten() {
            Some(connection) => {
                let timing = connection.begin_again(self.timeout);
                Ok(Opened { connection, timing })
            }
            None => self.open(engine, self.timeout).await,
        }
    }

    async fn open(&self, engine: &Arc<Engine>, within: Duration) -> Result<Opened, (Failure, Instant)> {
        let (connection, timing) = Connection::open(engine, self.address, within, !self.keep).await?;
        Ok(Opened { connection, timing })
    }

    fn rest(&self, connection: Connection) {
        if self.keep {
            connection.rest();
            lock(&self.resting).push(connection);
        }
    }
}

impl Shot {
    fn write_request(&self, request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(&self.prepared.before_tag);
        request.extend_from_slice(self.tag.as_bytes());
        request.extend_from_slice(b"\r\n\r\n");
    }
}

impl Flight {
    fn failed(failure: Failure, began: Instant, phases: Phases) -> Self {
        Self { outcome: Outcome::Failed(failure), began, ended: Instant::now(), phases, answer: None }
    }

    /// The value of `netreach-echo` and the body, of an answered probe.
    pub(crate) fn echo(&self) -> Option<(&[u8], &[u8])> {
        let decoder = &self.answer.as_ref()?.scratch.as_ref()?.decoder;
        Some((decoder.echo_mac()?, decoder.body()))
    }

    /// Bytes of the answer's body.
    pub(crate) fn body_bytes(&self) -> u64 {
        let scratch = self.answer.as_ref().and_then(|answer| answer.scratch.as_ref());
        scratch.map_or(0, |scratch| scratch.decoder.body_bytes())
    }
}

impl Answer {
    fn scratch_mut(&mut self) -> &mut Scratch {
        self.scratch.as_mut().expect("only drop takes it")
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(scratch) = self.scratch.take() {
            lock(&self.home.0.scratch).push(scratch);
        }
    }
}
