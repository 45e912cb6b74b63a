//! A body that comes as fast as it is read, for as long as the test likes.

use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};

use async_channel::{Receiver, Sender, bounded};
use futures_lite::{AsyncBufRead, AsyncRead, Stream};
use tide::http::Body;

/// The body's end, for one answer.
pub(crate) struct Once(Mutex<Option<Body>>);

/// What has been sent and is not read yet.
struct Pieces {
    coming: Pin<Box<Receiver<Vec<u8>>>>,
    piece: Vec<u8>,
    read: usize,
}

/// Where to put pieces, and the body they make; it ends when the former is dropped.
pub(crate) fn pieces() -> (Sender<Vec<u8>>, Once) {
    let (send, coming) = bounded(1);
    let pieces = Pieces { coming: Box::pin(coming), piece: Vec::new(), read: 0 };
    (send, Once(Mutex::new(Some(Body::from_reader(pieces, None)))))
}

impl Once {
    pub(crate) fn take(&self) -> Body {
        self.0.lock().unwrap().take().expect("it is asked for once")
    }
}

impl AsyncBufRead for Pieces {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.read == this.piece.len() {
            this.piece = ready!(this.coming.as_mut().poll_next(cx)).unwrap_or_default();
            this.read = 0;
        }
        Poll::Ready(Ok(&this.piece[this.read..]))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        self.read += count;
    }
}

impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let piece = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = piece.len().min(into.len());
        into[..count].copy_from_slice(&piece[..count]);
        self.consume(count);
        Poll::Ready(Ok(count))
    }
}
