//! Our backend for surf: connects to exactly the address it is given, measures, and never retries behind the
//! caller's back (but for a kept connection that the peer closed before it saw the request).
//!
//! A probe brings a [`Shot`] as a request extension: its bytes were made ready once a round, and its [`Flight`] comes back as
//! a response extension, failures included, for a failed probe is a fact and not an error. Both are used again by the
//! probes that follow: what surf's types hold besides would otherwise be asked of the allocator for each probe anew. What is no
//! probe is refused: the desk has a client of its own.

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
use http_types::{Request, Response, StatusCode, Url};
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
    /// Each with a flight that is over.
    responses: Mutex<Vec<Response>>,
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
struct Shot {
    prepared: Arc<Prepared>,
    tag: ProbeTag,
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
    bytes: Vec<u8>,
    decoder: Decoder,
    /// What carried the shot.
    request: Option<Request>,
}

impl Backend {
    /// # Errors
    /// When the kernel gives no epoll instance.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(Inner { engine: Engine::new()?, responses: Mutex::default() })))
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

    /// Takes back what a probe came back as; returns what it was sent as, for [`Prepared::load`].
    pub(crate) fn reuse(&self, mut response: Response) -> Option<Request> {
        let request = response.ext_mut().get_mut::<Flight>()?.request.take();
        lock(&self.0.responses).push(response);
        request
    }

    fn response(&self) -> Response {
        lock(&self.0.responses).pop().unwrap_or_else(|| {
            let mut response = Response::new(StatusCode::Ok);
            response.ext_mut().insert(Flight::new());
            response
        })
    }

    /// Fires a probe.
    async fn fly(&self, shot: &Shot, flight: &mut Flight) {
        shot.write_request(&mut flight.bytes);
        let mut opened = match shot.prepared.connection(&self.0.engine).await {
            Ok(opened) => opened,
            Err((failure, began)) => return flight.fail(failure, began),
        };
        let began = opened.timing.began;
        let mut outcome = opened.exchange(flight).await;
        if outcome == Err(Failure::Reset) && opened.was_kept() && !flight.decoder.begun() {
            // The peer closed the kept connection just before the request reached it: not a fault (RFC 9112, 9.3.1).
            let left = shot.prepared.timeout.saturating_sub(began.elapsed());
            opened = match shot.prepared.open(&self.0.engine, left).await {
                Ok(opened) => opened,
                Err((failure, _)) => return flight.fail(failure, began),
            };
            opened.timing.began = began;
            outcome = opened.exchange(flight).await;
        }
        let phases = opened.phases();
        let outcome = outcome.map(|is_clean| {
            if is_clean && flight.decoder.keep_alive() {
                shot.prepared.rest(opened.connection);
            }
            flight.decoder.status()
        });
        flight.end(outcome.map_or_else(Outcome::Failed, Outcome::Answered), began, phases);
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backend")
    }
}

#[http_client::async_trait]
impl HttpClient for Backend {
    async fn send(&self, request: Request) -> Result<Response, http_types::Error> {
        let Some(shot) = request.ext().get::<Shot>() else {
            let why = format!("{} is no probe, and nothing else is sent here", request.url());
            return Err(http_types::Error::from_str(StatusCode::BadGateway, why));
        };
        let mut response = self.response();
        if let Some(flight) = response.ext_mut().get_mut::<Flight>() {
            self.fly(shot, flight).await;
            flight.request = Some(request);
        }
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

    async fn exchange(&mut self, flight: &mut Flight) -> Result<bool, Failure> {
        let Flight { decoder, bytes, .. } = flight;
        decoder.begin(Wanted { body_keep_max: ECHO_KEEP_BYTES, body_bytes_max: PROBE_BODY_BYTES_MAX });
        self.connection.exchange(bytes, decoder, &mut self.timing).await
    }

    fn phases(&mut self) -> Phases {
        let info = self.connection.info(&self.timing);
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
    pub(crate) fn new(url: &Url, address: SocketAddr, timeout: Duration, keep: bool) -> Self {
        let mut head = Vec::with_capacity(256);
        write_request_line(&mut head, "GET", url);
        if !keep {
            head.extend_from_slice(b"connection: close\r\n");
        }
        head.extend_from_slice(b"netreach-probe: ");
        Self { address, timeout, keep, before_tag: head.into(), resting: Mutex::default() }
    }

    /// Puts a probe into a request, which a [`Backend`] then sends.
    pub(crate) fn load(self: &Arc<Self>, request: &mut Request, tag: ProbeTag) {
        match request.ext_mut().get_mut::<Shot>() {
            Some(shot) => shot.tag = tag,
            None => _ = request.ext_mut().insert(Shot { prepared: Arc::clone(self), tag }),
        }
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
    fn write_request(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(&self.prepared.before_tag);
        bytes.extend_from_slice(self.tag.as_bytes());
        bytes.extend_from_slice(b"\r\n\r\n");
    }
}

impl Flight {
    fn new() -> Self {
        let (outcome, now) = (Outcome::Failed(Failure::LocalResource), Instant::now());
        Self {
            outcome,
            began: now,
            ended: now,
            phases: Phases::default(),
            bytes: Vec::new(),
            decoder: Decoder::new(),
            request: None,
        }
    }

    fn fail(&mut self, failure: Failure, began: Instant) {
        self.end(Outcome::Failed(failure), began, Phases::default());
    }

    fn end(&mut self, outcome: Outcome, began: Instant, phases: Phases) {
        (self.outcome, self.began, self.ended, self.phases) = (outcome, began, Instant::now(), phases);
    }

    /// What a response of [`Backend`] brought.
    pub(crate) fn of(response: &Response) -> Option<&Self> {
        response.ext().get()
    }

    /// What came, of an answered probe.
    fn answer(&self) -> Option<&Decoder> {
        matches!(self.outcome, Outcome::Answered(_)).then_some(&self.decoder)
    }

    /// The value of `netreach-echo` and the body, of an answered probe.
    pub(crate) fn echo(&self) -> Option<(&[u8], &[u8])> {
        let answer = self.answer()?;
        Some((answer.echo_mac()?, answer.body()))
    }

    /// Bytes of the answer's body.
    pub(crate) fn body_bytes(&self) -> u64 {
        self.answer().map_or(0, Decoder::body_bytes)
    }
}
