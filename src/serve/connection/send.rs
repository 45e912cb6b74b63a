//! The way out: an answer in bounded memory and in bounded time, and the parting.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::{AsyncBufReadExt, AsyncWrite, AsyncWriteExt, future};
use http_types::{Body, Response};

use super::Connection;
use crate::door::Door;
use crate::limits::{BODY_READ_BYTES, HEAD_READ_BYTES, LINGER_BYTES_MAX, WRITE_BYTES};
use crate::phase::Phase;
use crate::reply::{self, Asked, End};

impl<D: Door> Connection<D> {
    /// Writes an answer: in one write if it is small, in bounded memory if it is not.
    pub(super) async fn send(
        &mut self,
        response: &mut Response,
        asked: Asked,
        keep_alive: bool,
    ) -> io::Result<()> {
        self.stalled = false;
        let end = asked.end_of(response);
        reply::write_head(&mut self.output, response, asked, keep_alive && end != End::Close);
        let body = response.take_body();
        match end {
            End::Absent => {}
            End::Length(length) => self.send_length(body, length).await?,
            End::Chunked | End::Close => self.send_stream(body, end).await?,
        }
        self.flush().await
    }

    async fn send_length(&mut self, mut body: Body, length: u64) -> io::Result<()> {
        let mut left = usize::try_from(length).unwrap_or(usize::MAX);
        while left > 0 {
            if self.output.len() >= WRITE_BYTES {
                self.flush().await?;
            }
            let chunk = body.fill_buf().await?;
            if chunk.is_empty() {
                // The length has been said: all that can be done is not to pretend that this is it.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let count = chunk.len().min(left).min(WRITE_BYTES);
            self.output.extend_from_slice(&chunk[..count]);
            body.consume(count);
            left -= count;
        }
        Ok(())
    }

    async fn send_stream(&mut self, mut body: Body, end: End) -> io::Result<()> {
        loop {
            // What is there goes out before more is awaited: the body may be a watch that is silent for hours.
            if self.output.len() >= WRITE_BYTES || future::poll_once(body.fill_buf()).await.is_none() {
                self.flush().await?;
                if std::mem::take(&mut self.stalled) {
                    // Each chunk has its own time, and what the app needs for the next does not count.
                    self.seat.enter(Phase::Answering, 0);
                }
            }
            let ready = async { body.fill_buf().await.map(drop) };
            future::or(ready, self.peer_gone()).await?;
            let chunk = body.fill_buf().await?;
            let count = chunk.len().min(WRITE_BYTES);
            if end == End::Chunked {
                self.output.extend_from_slice(format!("{count:x}\r\n").as_bytes());
            }
            self.output.extend_from_slice(&chunk[..count]);
            if end == End::Chunked {
                self.output.extend_from_slice(b"\r\n");
            }
            if count == 0 {
                return Ok(());
            }
            body.consume(count);
        }
    }

    /// Ends when the peer has: nobody waits for what comes next then. What it sends meanwhile is its next request.
    async fn peer_gone(&mut self) -> io::Result<()> {
        while self.input.len() < HEAD_READ_BYTES {
            if self.read::<HEAD_READ_BYTES>().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        future::pending().await
    }

    /// Writes out what has been collected. The clock starts when the peer first stalls, and runs on from there
    /// until the answer is out.
    async fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        poll_fn(|cx| {
            let poll = self.poll_flush(cx, &mut written);
            if poll.is_pending() && !self.stalled {
                self.stalled = true;
                self.seat.enter(Phase::Writing, self.seat.now_us());
            }
            poll
        })
        .await?;
        self.output.clear();
        Ok(())
    }

    /// TLS takes more than the peer does, and holds it: an answer is out when that is written, too.
    fn poll_flush(&mut self, cx: &mut Context<'_>, written: &mut usize) -> Poll<io::Result<()>> {
        while *written < self.output.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.output[*written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => *written += count,
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closes our side and hears the peer out for a moment: closing with bytes unread would reset the connection,
    /// and the reset may overtake the answer.
    pub(super) async fn part(&mut self) -> io::Result<()> {
        self.seat.enter(Phase::Lingering, self.seat.now_us());
        self.stream.close().await?;
        self.seat.end_sending();
        let mut heard = 0;
        while heard < LINGER_BYTES_MAX {
            self.input.clear();
            match self.read::<BODY_READ_BYTES>().await? {
                0 => break,
                count => heard += count,
            }
        }
        Ok(())
    }
}
