//! TLS for a server: one identity, and whom to believe among callers, each replaced while it runs.

mod door;
mod leaf;
mod pem;
mod reload;
mod weighed;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::crypto::{CryptoProvider, ring};
use futures_rustls::rustls::server::WebPkiClientVerifier;
use futures_rustls::rustls::server::danger::ClientCertVerifier;
use futures_rustls::rustls::sign::CertifiedKey;
use futures_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use crate::meter::Meter;
use leaf::Told;

pub use pem::TlsError;
pub use reload::{CallersFile, IdentityFiles, follow_callers, follow_identity};

/// Oldest first: nothing before TLS 1.2 is spoken.
const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];
/// The only protocol spoken above TLS.
const ALPN: &[u8] = b"http/1.1";

/// Whose certificates callers may show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Callers {
    /// Nobody is asked for one.
    #[default]
    Unasked,
    /// Whoever shows one is to be vouched for by these CA certificates (PEM); others come in without.
    Asked(Vec<u8>),
    /// Nobody comes in without one that these CA certificates (PEM) vouch for.
    Required(Vec<u8>),
}

/// The TLS side of one server, and what has come of its connections. Clones are the same; a change holds for every
/// handshake that begins after it, and what is believed no more for every request after it, too.
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    meter: Arc<Meter>,
}

struct State {
    identity: Arc<CertifiedKey>,
    told: Told,
    callers: Option<Arc<dyn ClientCertVerifier>>,
    /// How often it was said whom to believe, and once more.
    callers_number: u64,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// TLS with this certificate chain and key (PEM), leaf first.
    ///
    /// # Errors
    /// When they cannot be read or do not belong together.
    pub fn new(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let (identity, told) = identify(certificates, key)?;
        let config = configure(&identity, None)?;
        let state = Mutex::new(State { identity, told, callers: None, callers_number: 1, config });
        Ok(Self(Arc::new(Shared { state, meter: Arc::default() })))
    }

    /// Shows this certificate from now on.
    ///
    /// # Errors
    /// When it cannot be read or does not belong to the key: then the one before stays.
    pub fn set_identity(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let (identity, told) = identify(certificates, key)?;
        let mut state = self.state();
        state.config = configure(&identity, state.callers.as_ref())?;
        (state.identity, state.told) = (identity, told);
        Ok(())
    }

    /// Believes these callers from now on.
    ///
    /// # Errors
    /// When the CA certificates cannot be read: then those before stay.
    pub fn set_callers(&self, callers: &Callers) -> Result<(), TlsError> {
        let callers = verifier(callers)?;
        let mut state = self.state();
        state.config = configure(&state.identity, callers.as_ref())?;
        state.callers = callers;
        state.callers_number += 1;
        Ok(())
    }

    /// SHA-256 of the certificate that is shown, in hex: tells whoever rotates certificates which one is loaded.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.state().told.fingerprint.clone()
    }

    /// Until when the certificate that is shown is valid, seconds since 1970.
    #[must_use]
    pub fn not_after_s(&self) -> u64 {
        self.state().told.not_after_s
    }

    pub(crate) fn meter(&self) -> &Arc<Meter> {
        &self.0.meter
    }

    /// Who vouches for callers, and a number that no others have had.
    fn callers(&self) -> (u64, Option<Arc<dyn ClientCertVerifier>>) {
        let state = self.state();
        (state.callers_number, state.callers.clone())
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.state().config))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole values are put in place, one after another: a poisoned lock still guards ones that fit.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({})", self.fingerprint())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn identify(certificates: &[u8], key: &[u8]) -> Result<(Arc<CertifiedKey>, Told), TlsError> {
    let identity = pem::identity(certificates, key)?;
    let leaf = identity.end_entity_cert()?;
    let told = leaf::told(leaf)?;
    Ok((Arc::new(identity), told))
}

fn configure(
    identity: &Arc<CertifiedKey>,
    callers: Option<&Arc<dyn ClientCertVerifier>>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&VERSIONS)?;
    let builder = match callers {
        None => builder.with_no_client_auth(),
        Some(callers) => builder.with_client_cert_verifier(Arc::clone(callers)),
    };
    let mut config = builder.with_cert_resolver(Arc::new(pem::Always(Arc::clone(identity))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

fn verifier(callers: &Callers) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let (bundle, is_required) = match callers {
        Callers::Unasked => return Ok(None),
        Callers::Asked(bundle) => (bundle, false),
        Callers::Required(bundle) => (bundle, true),
    };
    let mut roots = RootCertStore::empty();
    for certificate in pem::certificates(bundle)? {
        roots.add(certificate)?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    let builder = if is_required { builder } else { builder.allow_unauthenticated() };
    Ok(Some(builder.build().map_err(TlsError::Callers)?))
}
