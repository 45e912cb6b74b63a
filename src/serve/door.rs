//! How an accepted connection becomes a stream that HTTP is spoken over.

use std::sync::Arc;

use futures_lite::{AsyncRead, AsyncWrite};

use crate::caller::PeerCertificate;
use crate::meter::Meter;
use crate::seats::Seat;
use crate::socket::Socket;

/// What stands between the listener and HTTP.
pub(crate) trait Door: Clone + Send + Sync + 'static {
    /// What HTTP is spoken over.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Where the server behind it counts.
    fn meter(&self) -> &Arc<Meter>;

    /// Whether somebody who was let in with this certificate would still be.
    fn believes(&self, certificate: &PeerCertificate) -> bool;

    /// Lets a caller in; none when it did not come to that.
    fn enter(
        &self,
        socket: Socket,
        seat: &Seat,
    ) -> impl Future<Output = Option<(Self::Stream, Option<PeerCertificate>)>> + Send;
}

/// No door at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Open(Arc<Meter>);

impl Door for Open {
    type Stream = Socket;

    fn meter(&self) -> &Arc<Meter> {
        &self.0
    }

    fn believes(&self, _: &PeerCertificate) -> bool {
        true
    }

    async fn enter(&self, socket: Socket, _: &Seat) -> Option<(Socket, Option<PeerCertificate>)> {
        Some((socket, None))
    }
}
