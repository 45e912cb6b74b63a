//! PEM → what rustls wants, and why not. Pure.

use std::sync::Arc;

use futures_rustls::rustls;
use futures_rustls::rustls::pki_types::pem::PemObject;
use futures_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::server::{ClientHello, ResolvesServerCert, VerifierBuilderError};
use futures_rustls::rustls::sign::CertifiedKey;

use super::provider;

/// Certificates or keys that are of no use.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate in the PEM text.
    #[error("could not find a certificate (PEM with CERTIFICATE blocks, the leaf first)")]
    NoCertificate,
    /// The PEM text is damaged.
    #[error("could not read the certificates ({0})")]
    Certificate(String),
    /// No private key in the PEM text, or a damaged one.
    #[error("could not read the private key ({0}): give PEM with a PKCS#8, SEC1 or PKCS#1 key")]
    Key(String),
    /// rustls refuses them.
    #[error("could not use the certificates ({0})")]
    Refused(#[from] rustls::Error),
    /// The CA certificates for callers are of no use.
    #[error("could not verify callers by the CA certificates ({0})")]
    Callers(#[source] VerifierBuilderError),
    /// A file cannot be read.
    #[error("could not read {} ({source})", path.display())]
    Read {
        /// Which.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Shows the one certificate there is, whatever name the caller asks for, or none: an API server that reaches a webhook
/// by its address sends no name.
#[derive(Debug)]
pub(super) struct Always(pub(super) Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Chain and key, proven to belong together.
pub(super) fn identity(chain: &[u8], key: &[u8]) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(chain)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Key(error.to_string()))?;
    Ok(CertifiedKey::from_der(chain, key, &provider())?)
}

/// At least one certificate.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| TlsError::Certificate(error.to_string()))?;
    if certificates.is_empty() { Err(TlsError::NoCertificate) } else { Ok(certificates) }
}
