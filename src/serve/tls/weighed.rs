//! A socket that says how much has been read from it: what a handshake holds lies within rustls, which does not tell.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::{AsyncRead, AsyncWrite};

use crate::limits::HANDSHAKE_BYTES;
use crate::seats::Scale;
use crate::socket::Socket;

pub(crate) struct Weighed {
    socket: Socket,
    /// None once the handshake is over.
    scale: Option<Scale>,
    bytes: usize,
}

impl Weighed {
    pub(super) fn new(socket: Socket, scale: Scale) -> Self {
        Self { socket, scale: Some(scale), bytes: HANDSHAKE_BYTES }
    }

    /// From here on the connection says itself what it holds.
    pub(super) fn forget(&mut self) {
        self.scale = None;
    }
}

impl AsyncRead for Weighed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.socket).poll_read(cx, buffer))?;
        self.bytes += count;
        if let Some(scale) = &self.scale {
            scale.hold(self.bytes)?;
        }
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Weighed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, parts)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx)
    }
}
