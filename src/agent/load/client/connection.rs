//! One TCP connection and one exchange over it.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use netreach_measure::Failure;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::http::{Decoder, Progress};
use crate::micros;

use super::engine::{Engine, Expired, Source};
use super::failure::{Phase, classify, expired};
use super::sources::{READABLE, WRITABLE};
use super::tcp_info::{self, TcpInfo};

/// Bytes taken from the kernel at a time, on the stack.
const READ_BYTES: usize = 4 << 10;

/// Nothing is sent again sooner than two jiffies after it was sent first (TCP_TIMEOUT_MIN in net/tcp.h): whoever has an
/// answer sooner than this lost nothing.
const LOSSLESS_WITHIN: Duration = Duration::from_millis(1);
/// Of the exchanges on a kept connection that lost nothing, every so many-th asks for the round-trip estimate.
const LOOK_EVERY: u8 = 16;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    // Dropped before the socket: events of a descriptor used again must find nobody.
    source: Source,
    socket: Socket,
    retransmits_before: u32,
    /// Exchanges that need no look before the next look.
    passing: u8,
}

/// When the parts of an exchange were over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// The first system call.
    pub(super) began: Instant,
    /// The connection stood; none on a kept connection.
    pub(super) connected: Option<Instant>,
    /// The first byte of the answer was here.
    pub(super) first_byte: Option<Instant>,
}

/// What a look at the socket brought.
#[derive(Debug, Clone, Copy)]
enum Received {
    /// All was taken before.
    Nothing,
    Part,
    /// With this the response is whole.
    Whole {
        /// Nothing came behind it.
        is_clean: bool,
    },
}

impl Timing {
    /// Time from the first system call to `at`, microseconds.
    pub(super) fn us_until(&self, at: Instant) -> u64 {
        micros(at.saturating_duration_since(self.began))
    }
}

impl Connection {
    /// Opens a connection to exactly this address. `abort_on_close` sends a reset instead of waiting out TIME_WAIT:
    /// a fresh connection per probe would run out of ports otherwise, and by then the answer is whole or given up.
    pub(super) async fn open(
        engine: &Arc<Engine>,
        address: SocketAddr,
        timeout: Duration,
        abort_on_close: bool,
    ) -> Result<(Self, Timing), (Failure, Instant)> {
        let began = Instant::now();
        let failed = |error: io::Error| (classify(&error, Phase::Connect), began);
        let socket = new_socket(address, abort_on_close).map_err(failed)?;
        let began = Instant::now();
        let failed = |error: io::Error| (classify(&error, Phase::Connect), began);
        let connecting = match socket.connect(&SockAddr::from(address)) {
            Ok(()) => false,
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => true,
            Err(error) => return Err(failed(error)),
        };
        // Only now: an unconnected socket would report a hang-up. What happened since is reported at registration.
        let source = engine.register(&socket).map_err(failed)?;
        source.begin(began + timeout);
        if connecting {
            source.ready(WRITABLE).await.map_err(|Expired| (expired(Phase::Connect), began))?;
            if let Some(error) = socket.take_error().map_err(failed)? {
                return Err(failed(error));
            }
        }
        let timing = Timing { began, connected: Some(Instant::now()), first_byte: None };
        Ok((Self { source, socket, retransmits_before: 0, passing: 0 }, timing))
    }

    /// Begins an exchange on a kept connection.
    pub(super) fn begin_again(&self, timeout: Duration) -> Timing {
        let began = Instant::now();
        self.source.begin(began + timeout);
        Timing { began, connected: None, first_byte: None }
    }

    /// Sends the request and reads the response into `decoder`, which the caller has begun.
    ///
    /// Says whether the connection is clean: what came behind the response would be taken for the next one.
    pub(super) async fn exchange(
        &self,
        request: &[u8],
        decoder: &mut Decoder,
        timing: &mut Timing,
    ) -> Result<bool, Failure> {
        self.send(request).await?;
        loop {
            self.source.ready(READABLE).await.map_err(|Expired| expired(Phase::Exchange))?;
            loop {
                match self.receive(decoder, timing)? {
                    Received::Nothing => break,
                    Received::Part => {}
                    Received::Whole { is_clean } => return Ok(is_clean),
                }
            }
        }
    }

    /// Segments sent again in this exchange, and the kernel's round-trip estimate: at the first exchange, when something may have
    /// been lost, and now and then, for the question is a system call of its own.
    pub(super) fn info(&mut self, timing: &Timing) -> Option<TcpInfo> {
        let waited = timing.first_byte.map(|at| at.saturating_duration_since(timing.began));
        if waited.is_some_and(|waited| waited < LOSSLESS_WITHIN) && self.passing > 0 {
            self.passing -= 1;
            return None;
        }
        self.passing = LOOK_EVERY - 1;
        let info = tcp_info::read(&self.socket)?;
        let retransmits = info.retransmits.saturating_sub(self.retransmits_before);
        self.retransmits_before = info.retransmits;
        Some(TcpInfo { retransmits, ..info })
    }

    /// The exchange is over and the connection is kept.
    pub(super) fn rest(&self) {
        self.source.end();
    }

    /// Whether the peer has closed, or sent something unasked, while the connection rested.
    pub(super) fn is_stale(&self) -> bool {
        self.source.is_stale()
    }

    async fn send(&self, request: &[u8]) -> Result<(), Failure> {
        let mut sent = 0;
        while sent < request.len() {
            match self.socket.send_with_flags(&request[sent..], libc::MSG_NOSIGNAL) {
                Ok(bytes) => sent += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.source.ready(WRITABLE).await.map_err(|Expired| expired(Phase::Exchange))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(classify(&error, Phase::Exchange)),
            }
        }
        Ok(())
    }

    /// Takes a piece of what is there.
    fn receive(&self, decoder: &mut Decoder, timing: &mut Timing) -> Result<Received, Failure> {
        let mut buffer = [const { MaybeUninit::uninit() }; READ_BYTES];
        let piece = match rustix::net::recv(&self.socket, &mut buffer[..], rustix::net::RecvFlags::empty()) {
            Ok(((piece, _), _)) => piece,
            Err(rustix::io::Errno::AGAIN) => return Ok(Received::Nothing),
            Err(rustix::io::Errno::INTR) => return Ok(Received::Part),
            Err(errno) => return Err(classify(&errno.into(), Phase::Exchange)),
        };
        let bytes = piece.len();
        if bytes == 0 {
            return if decoder.end() { Ok(Received::Whole { is_clean: false }) } else { Err(Failure::Reset) };
        }
        timing.first_byte.get_or_insert_with(Instant::now);
        match decoder.feed(piece) {
            Ok(Progress::More) => Ok(Received::Part),
            // Behind a full piece more may lie in the kernel, which has said so already and will not again.
            Ok(Progress::Whole { used }) => {
                Ok(Received::Whole { is_clean: used == bytes && bytes < READ_BYTES })
            }
            Err(_) => Err(Failure::Protocol),
        }
    }
}

fn new_socket(address: SocketAddr, abort_on_close: bool) -> io::Result<Socket> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    if abort_on_close {
        socket.set_linger(Some(Duration::ZERO))?;
    }
    Ok(socket)
}
