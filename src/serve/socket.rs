//! An accepted connection.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_io::Async;
use futures_lite::{AsyncRead, AsyncWrite};
use rustix::net::{SocketFlags, acceptfrom_with};

/// A TCP connection; clones share it.
///
/// Unlike async-std's own it does not ask the kernel for bytes before there are any: once what came has been taken, the next
/// read begins with waiting. A server that has answered would otherwise ask in vain each time, and more than once.
#[derive(Debug, Clone)]
pub(crate) struct Socket {
    shared: Arc<Async<TcpStream>>,
    /// Whether the last read took all that was there.
    drained: bool,
}

impl Socket {
    /// The next connection at `listener`. It does not block from its first instant on, which std's way takes another call for.
    ///
    /// # Errors
    /// The kernel's, of the listener or of the connection.
    pub(crate) async fn accept(listener: &Async<TcpListener>) -> io::Result<(Self, SocketAddr)> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let accept = |listener: &TcpListener| Ok(acceptfrom_with(listener, flags)?);
        let (accepted, peer) = listener.read_with(accept).await?;
        let shared = Arc::new(Async::new_nonblocking(TcpStream::from(accepted))?);
        let peer = peer.ok_or(io::ErrorKind::NotConnected)?;
        Ok((Self { shared, drained: false }, SocketAddr::try_from(peer)?))
    }

    /// Ends one way or both. A connection that is gone already needs no ending.
    pub(crate) fn shutdown(&self, how: Shutdown) {
        let _ = self.shared.get_ref().shutdown(how);
    }

    /// Whether the peer sends anything before it ends.
    #[cfg(feature = "tls")]
    pub(crate) async fn is_heard(&self) -> bool {
        matches!(self.shared.peek(&mut [0]).await, Ok(1..))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.drained {
            ready!(self.shared.poll_readable(cx))?;
        }
        self.drained = false;
        let count = ready!(Pin::new(&mut &*self.shared).poll_read(cx, buffer))?;
        self.drained = count < buffer.len();
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.shared).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.shared).poll_write_vectored(cx, parts)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.shared).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Who has asked for the end has most likely made its own meanwhile.
        self.drained = false;
        Pin::new(&mut &*self.shared).poll_close(cx)
    }
}
