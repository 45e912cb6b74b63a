//! A body on its way from the connection to the app, while the app is already at work.
//!
//! The app can answer a stranger from the head alone, and no more than a chunk is held of what it has not asked for.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_channel::{Receiver, Sender, bounded};
use futures_lite::{AsyncBufRead, AsyncRead, Stream, ready};

type Chunk = io::Result<Vec<u8>>;

/// The connection's end.
pub(crate) struct Feed {
    chunks: Sender<Chunk>,
    asked: Receiver<()>,
}

/// The app's end: what it reads as the request's body.
pub(crate) struct Inbound {
    // The channel's receiver must not move once it has been polled.
    chunks: Pin<Box<Receiver<Chunk>>>,
    // Dropped at the first read, which is how the connection learns of it.
    unasked: Option<Sender<()>>,
    chunk: Vec<u8>,
    read: usize,
}

/// Two ends of a pipe that holds one chunk.
pub(crate) fn pipe() -> (Feed, Inbound) {
    let (chunks, received) = bounded(1);
    let (unasked, asked) = bounded(1);
    let inbound = Inbound { chunks: Box::pin(received), unasked: Some(unasked), chunk: Vec::new(), read: 0 };
    (Feed { chunks, asked }, inbound)
}

impl Feed {
    /// Waits until the app wants the body; false when it has shown that it does not.
    pub(crate) async fn is_wanted(&self) -> bool {
        // Nothing is ever sent: this ends when the other end reads for the first time, or is dropped.
        let _ = self.asked.recv().await;
        !self.chunks.is_closed()
    }

    /// Waits until there is room; false when the app no longer wants it.
    pub(crate) async fn send(&self, chunk: Chunk) -> bool {
        self.chunks.send(chunk).await.is_ok()
    }
}

impl AsyncBufRead for Inbound {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        drop(this.unasked.take());
        while this.read == this.chunk.len() {
            match ready!(this.chunks.as_mut().poll_next(cx)) {
                Some(chunk) => (this.chunk, this.read) = (chunk?, 0),
                None => break,
            }
        }
        Poll::Ready(Ok(&this.chunk[this.read..]))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.read = this.chunk.len().min(this.read + amount);
    }
}

impl AsyncRead for Inbound {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let chunk = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = chunk.len().min(buffer.len());
        buffer[..count].copy_from_slice(&chunk[..count]);
        self.consume(count);
        Poll::Ready(Ok(count))
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::AsyncReadExt;
    use futures_lite::future::{block_on, poll_once, zip};

    use super::*;

    #[test]
    fn a_body_is_asked_for_and_then_read_as_it_comes() {
        block_on(async {
            let (feed, mut inbound) = pipe();
            assert!(poll_once(feed.is_wanted()).await.is_none());
            let mut body = String::new();
            let reading = inbound.read_to_string(&mut body);
            let feeding = async move {
                assert!(feed.is_wanted().await);
                for chunk in ["ab", "", "c"] {
                    assert!(feed.send(Ok(chunk.into())).await);
                }
            };
            assert_eq!(zip(reading, feeding).await.0.unwrap(), 3);
            assert_eq!(body, "abc");
        });
    }

    #[test]
    fn an_app_that_does_not_read_is_not_fed() {
        block_on(async {
            let (feed, inbound) = pipe();
            drop(inbound);
            assert!(!feed.is_wanted().await);
            assert!(!feed.send(Ok(vec![1])).await);
        });
    }
}
