//! The handshake.

use std::io;
use std::sync::Arc;

use futures_rustls::rustls::Error;
use futures_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use futures_rustls::server::TlsStream;

use super::weighed::Weighed;
use super::{Tls, leaf};
use crate::caller::PeerCertificate;
use crate::door::Door;
use crate::meter::{Handshake, Meter};
use crate::phase::Phase;
use crate::seats::Seat;
use crate::socket::Socket;

impl Door for Tls {
    type Stream = Box<TlsStream<Weighed>>;

    fn meter(&self) -> &Arc<Meter> {
        self.meter()
    }

    fn believes(&self, certificate: &PeerCertificate) -> bool {
        let (number, callers) = self.callers();
        certificate.is_vouched_by(number, |chain| {
            let mut chain = chain.iter().map(|der| CertificateDer::from(der.as_slice()));
            let (Some(leaf), Some(callers)) = (chain.next(), callers) else { return false };
            callers.verify_client_cert(&leaf, &chain.collect::<Vec<_>>(), UnixTime::now()).is_ok()
        })
    }

    async fn enter(&self, socket: Socket, seat: &Seat) -> Option<(Self::Stream, Option<PeerCertificate>)> {
        // A silent caller costs a socket and a task: what TLS needs is made at its first byte.
        if !socket.is_heard().await {
            return None;
        }
        seat.enter(Phase::Handshake, seat.now_us());
        // Boxed: the handshake is over soon, and the connection need not carry the space for it.
        let weighed = Weighed::new(socket, seat.scale());
        let shaken = Box::pin(self.acceptor().accept(weighed)).await.and_then(|mut stream| {
            stream.get_mut().0.forget();
            let certificate = certificate_of(&stream)?;
            Ok((Box::new(stream), certificate))
        });
        match shaken {
            Ok(entered) => {
                seat.meter().shook_hands(Handshake::Done);
                Some(entered)
            }
            Err(error) => {
                let end = if seat.is_overdue() { Handshake::Late } else { end_by(&error) };
                seat.meter().shook_hands(end);
                tracing::debug!(%error, ?end, "closed a connection (no handshake)");
                None
            }
        }
    }
}

/// What the caller showed. rustls has verified it; one that cannot be read even so lets nobody in.
fn certificate_of(stream: &TlsStream<Weighed>) -> io::Result<Option<PeerCertificate>> {
    let shown = stream.get_ref().1.peer_certificates();
    shown.map(leaf::caller).transpose().map_err(io::Error::other)
}

fn end_by(error: &io::Error) -> Handshake {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidMessage(_) | Error::PeerMisbehaved(_) | Error::DecryptError) => Handshake::Garbage,
        Some(Error::PeerIncompatible(_) | Error::NoApplicationProtocol) => Handshake::Incompatible,
        Some(Error::NoCertificatesPresented | Error::InvalidCertificate(_)) => Handshake::Certificate,
        Some(Error::AlertReceived(_)) => Handshake::Refused,
        Some(_) => Handshake::Other,
        None if error.kind() == io::ErrorKind::Other => Handshake::Certificate,
        None => Handshake::Left,
    }
}
