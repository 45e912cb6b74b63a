//! Which desk to believe: the CA bundle in a file, read anew when the file has changed.
//!
//! The bundle holds the old and the new CA while certificates are changed. A new file that cannot be read leaves the
//! old bundle in force: a desk that was to be trusted a minute ago is not worse than none.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::pki_types::CertificateDer;
use futures_rustls::rustls::pki_types::pem::PemObject;
use futures_rustls::rustls::{ClientConfig, RootCertStore};

/// Largest bundle, bytes: a ConfigMap holds no more.
const BUNDLE_BYTES_MAX: u64 = 1 << 20;

/// A CA bundle in a file.
#[derive(Debug)]
pub struct Trust {
    file: PathBuf,
    loaded: Mutex<Option<(Stamp, Arc<ClientConfig>)>>,
}

/// Why there is nothing to trust.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// The file.
    #[error("could not read the CA bundle {} ({source})", file.display())]
    Read { file: PathBuf, source: io::Error },
    /// What is in it.
    #[error("could not use the CA bundle {} ({why}): give a PEM file of at most 1 MiB with CERTIFICATE blocks", file.display())]
    Use { file: PathBuf, why: String },
}

/// Tells one state of a file from another. A mounted ConfigMap is changed by pointing its link at another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    changed: Option<SystemTime>,
    bytes: u64,
}

impl Trust {
    /// The bundle in this file, read when it is needed.
    #[must_use]
    pub fn new(file: PathBuf) -> Self {
        Self { file, loaded: Mutex::default() }
    }

    /// TLS as the bundle has it now.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = match (self.stamp(), &*loaded) {
            (Ok(stamp), Some((known, config))) if stamp == *known => return Ok(Arc::clone(config)),
            (Ok(stamp), _) => self.load().map(|config| (stamp, config)),
            (Err(error), _) => Err(error),
        };
        match (fresh, &*loaded) {
            (Ok((stamp, config)), _) => {
                *loaded = Some((stamp, Arc::clone(&config)));
                Ok(config)
            }
            (Err(error), Some((_, config))) => {
                tracing::warn!(%error, "the CA bundle read before stays in force");
                Ok(Arc::clone(config))
            }
            (Err(error), None) => Err(error),
        }
    }

    fn stamp(&self) -> Result<Stamp, TrustError> {
        let meta = fs::metadata(&self.file);
        let meta = meta.map_err(|source| TrustError::Read { file: self.file.clone(), source })?;
        Ok(Stamp { inode: meta.ino(), changed: meta.modified().ok(), bytes: meta.len() })
    }

    fn load(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let useless = |why: String| TrustError::Use { file: self.file.clone(), why };
        let read = |source| TrustError::Read { file: self.file.clone(), source };
        if fs::metadata(&self.file).map_err(read)?.len() > BUNDLE_BYTES_MAX {
            return Err(useless("too large".to_owned()));
        }
        let bundle = fs::read(&self.file).map_err(read)?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&bundle) {
            let certificate = certificate.map_err(|error| useless(error.to_string()))?;
            roots.add(certificate).map_err(|error| useless(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(useless("no certificate in it".to_owned()));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| useless(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}
