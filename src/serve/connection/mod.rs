//! One connection: heads in, answers out, until either side has had enough.

mod send;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use futures_lite::{AsyncRead, AsyncWriteExt, future};
use http_types::{Body, Request, Response};
use tide::Server;

use crate::body::{Decoder, Framing, Step};
use crate::caller::Caller;
use crate::door::Door;
use crate::fault::Fault;
use crate::head::{Head, HeadParser};
use crate::inbound::{self, Feed};
use crate::limits::{BODY_READ_BYTES, HEAD_BYTES_MAX, HEAD_READ_BYTES, HeadLimits, IDLE_BUFFER_BYTES_MAX};
use crate::phase::Phase;
use crate::reply::{self, Asked};
use crate::seats::Seat;

/// Serves one connection to its end. Errors of the stream end it in silence: there is nobody left to tell.
pub(crate) async fn serve<D, S>(door: D, stream: D::Stream, seat: Seat, caller: Caller, app: Server<S>)
where
    D: Door,
    S: Clone + Send + Sync + 'static,
{
    let heads = if caller.certificate.is_some() { seat.limits().vouched_head } else { HeadLimits::default() };
    let mut connection = Connection {
        door,
        stream,
        seat,
        caller,
        heads: HeadParser::new(heads),
        input: Vec::new(),
        output: Vec::new(),
        stalled: false,
    };
    while let Ok(Next::Again) = connection.exchange(&app).await {}
}

struct Connection<D: Door> {
    door: D,
    stream: D::Stream,
    seat: Seat,
    caller: Caller,
    heads: HeadParser,
    /// Read and not yet used. Empty, and small, while the connection is idle.
    input: Vec<u8>,
    /// To be written.
    output: Vec<u8>,
    /// Whether the peer has been slow to take the present answer.
    stalled: bool,
}

enum Next {
    Again,
    Close,
}

/// What the app said, and whether the connection can go on after it.
struct Answer {
    response: Box<Response>,
    asked: Asked,
    keep_alive: bool,
    /// Whether the client has said that it will send nothing more.
    is_last: bool,
}

impl<D: Door> Connection<D> {
    /// One request and its answer.
    async fn exchange<S>(&mut self, app: &Server<S>) -> io::Result<Next>
    where
        S: Clone + Send + Sync + 'static,
    {
        let answered = match self.next_head().await {
            Ok(Some((head, began_us))) => self.answer(app, head, began_us).await,
            Ok(None) => return Ok(Next::Close),
            Err(fault) => Err(fault),
        };
        let Answer { mut response, asked, keep_alive, is_last } =
            answered.unwrap_or_else(|fault| self.refusal(&fault));
        let keep_alive = keep_alive && !reply::asks_to_close(&response) && !self.seat.is_leaving();
        self.seat.meter().answered(response.status().into());
        self.send(&mut response, asked, keep_alive).await?;
        if keep_alive {
            return Ok(Next::Again);
        }
        // Nothing more comes that would have to be heard out.
        if is_last && self.input.is_empty() {
            self.stream.close().await?;
        } else {
            self.part().await?;
        }
        Ok(Next::Close)
    }

    /// The next request's head and, if it came in pieces, the instant of the first; none when the peer is gone or
    /// nothing came.
    async fn next_head(&mut self) -> Result<Option<(Head, Option<u64>)>, Fault> {
        self.seat.wait();
        if self.seat.is_closing() {
            return Ok(None);
        }
        if self.input.is_empty() {
            self.rest();
        }
        let mut began_us = None;
        loop {
            if let Some(head) = self.heads.parse(&self.input)? {
                // Without a word: a caller with a certificate that is believed asks again on a new connection, unlike after a refusal.
                if self.caller.certificate.as_ref().is_some_and(|shown| !self.door.believes(shown)) {
                    return Ok(None);
                }
                self.input.drain(..head.bytes);
                return Ok(Some((head, began_us)));
            }
            if !self.input.is_empty() {
                if began_us.is_none() {
                    let now_us = self.seat.now_us();
                    began_us = Some(now_us);
                    self.seat.enter(Phase::Head, now_us);
                }
                if self.seat.hold(self.input.len()).is_err() {
                    return Ok(None);
                }
            }
            match self.read::<HEAD_READ_BYTES>().await {
                Ok(1..) => {}
                // To TLS the end of a stream that the peer did not announce is an error.
                _ if began_us.is_some() && self.seat.is_overdue() => return Err(Fault::HeadLate),
                Ok(0) | Err(_) => return Ok(None),
            }
        }
    }

    async fn answer<S>(&mut self, app: &Server<S>, head: Head, began_us: Option<u64>) -> Result<Answer, Fault>
    where
        S: Clone + Send + Sync + 'static,
    {
        let Head { mut request, bytes, framing, keep_alive, expects_continue } = head;
        let _weight = self.seat.weigh(bytes).ok_or(Fault::Crowded)?;
        if bytes > HEAD_BYTES_MAX {
            self.input.shrink_to(HEAD_READ_BYTES);
        }
        request.set_peer_addr(Some(&self.caller.address));
        if let Some(certificate) = &self.caller.certificate {
            request.ext_mut().insert(certificate.clone());
        }
        let asked = Asked::by(&request);
        let decoder = Decoder::new(framing, self.seat.limits().body_bytes_max)?;
        match framing {
            // Most bodies come with their head; those need no pipe.
            Framing::Length(length) if length <= self.input.len() as u64 => {
                let rest = self.input.split_off(usize::try_from(length).unwrap_or(usize::MAX));
                request.set_body(std::mem::replace(&mut self.input, rest));
            }
            Framing::Length(_) | Framing::Chunked => {
                let began_us = began_us.unwrap_or_else(|| self.seat.now_us());
                // Boxed, so that connections without such a body do not carry the space for it.
                let (response, is_whole) =
                    Box::pin(self.respond_to_stream(app, request, decoder, expects_continue, began_us))
                        .await?;
                let is_last = is_whole && !keep_alive;
                return Ok(Answer { response, asked, keep_alive: is_whole && keep_alive, is_last });
            }
            Framing::None => {}
        }
        self.seat.enter(Phase::Answering, 0);
        let response = respond(app, request).await;
        Ok(Answer { response, asked, keep_alive, is_last: !keep_alive })
    }

    /// Lets the app work while its request's body flows in; says whether the body has been read to its end.
    async fn respond_to_stream<S>(
        &mut self,
        app: &Server<S>,
        mut request: Box<Request>,
        mut decoder: Decoder,
        expects_continue: bool,
        began_us: u64,
    ) -> Result<(Box<Response>, bool), Fault>
    where
        S: Clone + Send + Sync + 'static,
    {
        let (feed, body) = inbound::pipe();
        let length = decoder.length();
        request.set_body(Body::from_reader(body, length));
        self.seat.enter(Phase::Body, began_us);
        let mut outcome = Ok(());
        let pump = async {
            outcome = self.pump(&mut decoder, feed, expects_continue).await;
            // Only the app ends this; without its body it will soon.
            future::pending().await
        };
        let response = future::or(respond(app, request), pump).await;
        outcome?;
        self.seat.enter(Phase::Answering, 0);
        Ok((response, decoder.is_whole()))
    }

    /// Carries the body to the app, as far as the app wants it.
    async fn pump(&mut self, decoder: &mut Decoder, feed: Feed, expects_continue: bool) -> Result<(), Fault> {
        if !feed.is_wanted().await {
            return Ok(());
        }
        let (mut went_on, mut fed) = (!expects_continue, 0);
        loop {
            let fault = match decoder.step(&self.input) {
                Ok(Step::Whole) => {
                    self.seat.enter(Phase::Answering, 0);
                    return Ok(());
                }
                Ok(Step::Skip(count)) => {
                    self.input.drain(..count);
                    continue;
                }
                Ok(Step::Data(count)) => {
                    let rest = self.input.split_off(count);
                    fed += count;
                    if !feed.send(Ok(std::mem::replace(&mut self.input, rest))).await {
                        return Ok(());
                    }
                    continue;
                }
                Ok(Step::More) => {
                    // Most apps collect a body before they look at it.
                    self.seat.hold(fed + BODY_READ_BYTES).map_err(|_| Fault::BodyCut)?;
                    let asked_for = went_on || self.go_on().await.is_ok();
                    went_on = true;
                    match self.read::<BODY_READ_BYTES>().await {
                        Ok(1..) if asked_for => continue,
                        _ if self.seat.is_overdue() => Fault::BodyLate,
                        _ => Fault::BodyCut,
                    }
                }
                Err(fault) => fault,
            };
            feed.send(Err(io::Error::new(io::ErrorKind::InvalidData, fault.to_string()))).await;
            return Err(fault);
        }
    }

    /// Tells a client that holds its body back to send it.
    async fn go_on(&mut self) -> io::Result<()> {
        self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        self.stream.flush().await
    }

    fn refusal(&self, fault: &Fault) -> Answer {
        tracing::debug!(peer = self.caller.address, %fault, "refused a request");
        let mut response = Box::new(Response::new(fault.status()));
        response.set_body(format!("{fault}\n"));
        Answer { response, asked: Asked::UNREAD, keep_alive: false, is_last: false }
    }

    /// Adds what the peer sends to the input. The buffer it is read into lives only while it is read, so that a
    /// silent connection holds none.
    async fn read<const BYTES: usize>(&mut self) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut buffer = [0; BYTES];
            let count = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            self.input.extend_from_slice(&buffer[..count]);
            Poll::Ready(Ok(count))
        })
        .await
    }

    /// Gives back what an idle connection need not hold; small buffers stay, for the next request is likely alike.
    fn rest(&mut self) {
        self.input.shrink_to(IDLE_BUFFER_BYTES_MAX);
        self.output.shrink_to(IDLE_BUFFER_BYTES_MAX);
        self.heads.rest(IDLE_BUFFER_BYTES_MAX);
    }
}

/// Boxed: an idle connection would otherwise carry the space for all that tide does within a request.
fn respond<S>(
    app: &Server<S>,
    request: Box<Request>,
) -> Pin<Box<dyn Future<Output = Box<Response>> + Send + '_>>
where
    S: Clone + Send + Sync + 'static,
{
    Box::pin(async move {
        let response = app.respond(*request).await;
        Box::new(response.unwrap_or_else(|error| Response::new(error.status())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::Open;

    /// Bytes of the future that a function makes of its five arguments.
    fn future_bytes<A, B, C, D, E, F>(_: impl FnOnce(A, B, C, D, E) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn thousands_of_idle_connections_fit_an_agents_memory() {
        assert!(future_bytes(serve::<Open, ()>) <= 2_300);
    }
}
