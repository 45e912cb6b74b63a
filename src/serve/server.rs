//! Accepting, watching, and coming to an end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_io::{Async, Timer};
use async_std::net::TcpListener;
use async_std::task;
use futures_lite::future;
use socket2::SockRef;
use tide::Server;

use crate::Stop;
use crate::caller::Caller;
use crate::connection;
use crate::door::{Door, Open};
use crate::limits::{ACCEPT_PAUSE_MS, Limits};
use crate::seats::{NoSeat, Seat, Seats};
use crate::socket::Socket;

/// Why a server ended before it was stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener is of no more use.
    #[error("could not accept connections (the listening socket failed)")]
    Accept(#[source] io::Error),
    /// The listener is none.
    #[error("could not watch the listening socket (is the limit on open files reached?)")]
    Listen(#[source] io::Error),
}

/// Serves `app` to whoever connects, until `stop` is thrown, and for [`Limits::lame_duck_ms`] longer: then it stops
/// listening, closes idle connections, and ends when every answer in progress is out, or after [`Limits::drain_ms`].
/// Dropping the future cuts them all.
///
/// # Errors
/// When the listener itself fails. A machine that runs short of files or memory is waited for instead.
pub async fn run<S>(
    listener: TcpListener,
    app: Server<S>,
    limits: Limits,
    stop: Stop,
) -> Result<(), ServeError>
where
    S: Clone + Send + Sync + 'static,
{
    run_behind(Open::default(), listener, app, limits, stop).await
}

/// [`run`] over TLS. A caller's certificate reaches the app as [`crate::PeerCertificate`].
///
/// # Errors
/// As [`run`].
#[cfg(feature = "tls")]
pub async fn run_tls<S>(
    tls: crate::Tls,
    listener: TcpListener,
    app: Server<S>,
    limits: Limits,
    stop: Stop,
) -> Result<(), ServeError>
where
    S: Clone + Send + Sync + 'static,
{
    run_behind(tls, listener, app, limits, stop).await
}

async fn run_behind<D, S>(
    door: D,
    listener: TcpListener,
    app: Server<S>,
    limits: Limits,
    stop: Stop,
) -> Result<(), ServeError>
where
    D: Door,
    S: Clone + Send + Sync + 'static,
{
    let listener =
        std::net::TcpListener::try_from(listener).and_then(Async::new).map_err(ServeError::Listen)?;
    // Answers are written whole; waiting for more to send would only delay them. What is accepted is as its listener is.
    let _ = SockRef::from(listener.get_ref()).set_tcp_nodelay(true);
    let seats = Seats::new(limits.clone(), Arc::clone(door.meter()));
    let _cut = CutOnDrop(Arc::clone(&seats));
    let stopped = async {
        stop.stopped().await;
        Ok(())
    };
    let serving = || future::or(accept_all(&door, &listener, &app, &seats), watch(&seats, &limits));
    future::or(stopped, serving()).await?;
    if limits.lame_duck_ms > 0 {
        seats.begin_to_leave();
        let over = async {
            Timer::after(Duration::from_millis(limits.lame_duck_ms)).await;
            Ok(())
        };
        future::or(over, serving()).await?;
    }
    // Whoever connects from here on is refused by the kernel, at once.
    drop(listener);
    seats.close();
    let drained = async {
        emptied(&seats).await;
        Ok(())
    };
    let given_up = async {
        Timer::after(Duration::from_millis(limits.drain_ms)).await;
        tracing::warn!(drain_ms = limits.drain_ms, "gave up answers that were still in progress");
        Ok(())
    };
    future::or(drained, future::or(given_up, watch(&seats, &limits))).await
}

/// However `run` ends, no connection outlives it.
struct CutOnDrop(Arc<Seats>);

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.cut_all();
    }
}

async fn accept_all<D, S>(
    door: &D,
    listener: &Async<std::net::TcpListener>,
    app: &Server<S>,
    seats: &Arc<Seats>,
) -> Result<(), ServeError>
where
    D: Door,
    S: Clone + Send + Sync + 'static,
{
    loop {
        let (socket, peer) = match Socket::accept(listener).await {
            Ok(accepted) => accepted,
            Err(error) if is_shortage(&error) => {
                tracing::warn!(%error, "could not accept a connection: making room");
                seats.make_room();
                Timer::after(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                continue;
            }
            Err(error) if is_fatal(&error) => return Err(ServeError::Accept(error)),
            // The peer was gone before it was accepted.
            Err(_) => continue,
        };
        if let Some(seat) = find_seat(seats, &socket, peer).await {
            task::spawn(enter(door.clone(), socket, seat, peer, app.clone()));
        }
    }
}

async fn enter<D, S>(door: D, socket: Socket, seat: Seat, peer: SocketAddr, app: Server<S>)
where
    D: Door,
    S: Clone + Send + Sync + 'static,
{
    if let Some((stream, certificate)) = door.enter(socket, &seat).await {
        let caller = Caller { address: peer.to_string(), certificate };
        connection::serve(door, stream, seat, caller, app).await;
    }
}

/// A seat as soon as there is one. Until then the others stay in the kernel's backlog; but a peer that has more than
/// its part does not hold them up.
async fn find_seat(seats: &Arc<Seats>, socket: &Socket, peer: SocketAddr) -> Option<Seat> {
    loop {
        let left = seats.listen();
        match seats.take(socket, peer) {
            Ok(seat) => return Some(seat),
            Err(NoSeat::ForPeer) => {
                tracing::debug!(%peer, "closed a connection (the peer has as many as it may)");
                return None;
            }
            Err(NoSeat::ForAnybody) => {
                let pause = async {
                    Timer::after(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                };
                future::or(left, pause).await;
            }
        }
    }
}

/// Ends what lasts too long, for ever. Four looks within the shortest limit make it at most a quarter late; while nobody is
/// connected there is nothing to look at.
async fn watch(seats: &Seats, limits: &Limits) -> Result<(), ServeError> {
    let Limits { handshake_ms, head_ms, request_ms, idle_ms, write_ms, .. } = *limits;
    let shortest_ms =
        [handshake_ms, head_ms, request_ms, idle_ms, write_ms].into_iter().min().unwrap_or_default();
    let every = Duration::from_millis((shortest_ms / 4).clamp(5, 250));
    loop {
        let came = seats.listen();
        if seats.is_empty() {
            came.await;
        }
        Timer::after(every).await;
        seats.end_overdue();
    }
}

async fn emptied(seats: &Seats) {
    loop {
        let left = seats.listen();
        if seats.is_empty() {
            return;
        }
        left.await;
    }
}

/// The machine has no more files or memory for us now.
fn is_shortage(error: &io::Error) -> bool {
    const ENOMEM: i32 = 12;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ENOBUFS: i32 = 105;
    matches!(error.raw_os_error(), Some(ENOMEM | ENFILE | EMFILE | ENOBUFS))
}

/// It is no listening socket (any more): asking again would spin.
fn is_fatal(error: &io::Error) -> bool {
    const EBADF: i32 = 9;
    const EINVAL: i32 = 22;
    const ENOTSOCK: i32 = 88;
    const EOPNOTSUPP: i32 = 95;
    matches!(error.raw_os_error(), Some(EBADF | EINVAL | ENOTSOCK | EOPNOTSUPP))
}
