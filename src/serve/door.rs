//! How an accepted connection becomes a stream that HTTP is spoken over.

use async_std::net::TcpStream;
use futures_lite::{AsyncRead, AsyncWrite};

use crate::seats::Seat;

/// The certificate a caller showed and a CA vouched for: the leaf, DER. An extension of the app's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate(pub std::sync::Arc<[u8]>);

/// What stands between the listener and HTTP.
pub(crate) trait Door: Clone + Send + Sync + 'static {
    /// What HTTP is spoken over.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Lets a caller in; none when it did not come to that.
    fn enter(
        &self,
        stream: TcpStream,
        seat: &Seat,
    ) -> impl Future<Output = Option<(Self::Stream, Option<PeerCertificate>)>> + Send;
}

/// No door at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open;

impl Door for Open {
    type Stream = TcpStream;

    async fn enter(&self, stream: TcpStream, _: &Seat) -> Option<(TcpStream, Option<PeerCertificate>)> {
        Some((stream, None))
    }
}

#[cfg(feature = "tls")]
mod tls {
    use std::sync::Arc;

    use async_std::net::TcpStream;
    use futures_rustls::server::TlsStream;

    use super::{Door, PeerCertificate};
    use crate::phase::Phase;
    use crate::seats::Seat;
    use crate::tls::Tls;

    impl Door for Tls {
        type Stream = Box<TlsStream<TcpStream>>;

        async fn enter(
            &self,
            stream: TcpStream,
            seat: &Seat,
        ) -> Option<(Self::Stream, Option<PeerCertificate>)> {
            // A silent caller costs a socket and a task: what TLS needs is made at its first byte.
            if !matches!(stream.peek(&mut [0]).await, Ok(1..)) {
                return None;
            }
            seat.enter(Phase::Handshake, seat.now_us());
            // Boxed: the handshake is over soon, and the connection need not carry the space for it.
            let stream = match Box::pin(self.acceptor().accept(stream)).await {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::debug!(%error, "closed a connection (no handshake)");
                    return None;
                }
            };
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let certificate = shown.map(|leaf| PeerCertificate(Arc::from(leaf.as_ref())));
            Some((Box::new(stream), certificate))
        }
    }
}
