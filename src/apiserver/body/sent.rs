//! An answer on its way out.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::{AsyncBufRead, AsyncRead};

use super::flow::Flow;
use super::gzip::Gzip;
use crate::trail::Trail;

/// What the server reads as the body of an answer. It is written down when it has been read to its end, or is dropped.
pub(crate) struct Sent {
    /// Read of the flow before.
    begun: VecDeque<Vec<u8>>,
    flow: Flow,
    gzip: Option<Gzip>,
    is_over: bool,
    trail: Trail,
    chunk: Vec<u8>,
    read: usize,
}

impl Sent {
    pub(crate) fn new(begun: Vec<Vec<u8>>, flow: Flow, gzip: bool, trail: Trail) -> Self {
        let gzip = gzip.then(Gzip::new);
        Self { begun: begun.into(), flow, gzip, is_over: false, trail, chunk: Vec::new(), read: 0 }
    }

    /// The next bytes; none at the end. What cannot be made cannot be told any more either: the answer has begun, and all that is
    /// left is not to pretend that this is its end.
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Vec<u8>>>> {
        loop {
            if self.is_over {
                return Poll::Ready(Ok(self.gzip.take().map(Gzip::end)));
            }
            let chunk = match self.begun.pop_front() {
                Some(chunk) => chunk,
                None => match ready!(self.flow.poll_chunk(cx)) {
                    Some(Ok(chunk)) => chunk,
                    Some(Err(refused)) => {
                        tracing::warn!(error = %refused, "cut an answer");
                        self.trail.cut();
                        return Poll::Ready(Err(io::Error::other(refused)));
                    }
                    None => {
                        self.is_over = true;
                        continue;
                    }
                },
            };
            let bytes = match &mut self.gzip {
                Some(gzip) => gzip.add(&chunk),
                None => chunk,
            };
            if !bytes.is_empty() {
                return Poll::Ready(Ok(Some(bytes)));
            }
        }
    }
}

impl AsyncBufRead for Sent {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.read == this.chunk.len() {
            let Some(bytes) = ready!(this.poll_bytes(cx))? else { break };
            this.trail.sends(bytes.len());
            (this.chunk, this.read) = (bytes, 0);
        }
        Poll::Ready(Ok(&this.chunk[this.read..]))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.read = this.chunk.len().min(this.read + amount);
    }
}

impl AsyncRead for Sent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Poll::Ready(Ok(count))
    }
}
