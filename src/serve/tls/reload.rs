//! Keeps a server's certificate as the files have it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Tls, TlsError};
use crate::{Follow, Stop};

/// Where certificate and key are, as a mounted TLS Secret has them.
#[derive(Debug, Clone)]
pub struct IdentityFiles {
    folder: PathBuf,
}

impl IdentityFiles {
    /// `tls.crt` and `tls.key` in this folder.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// TLS with what the files hold now.
    ///
    /// # Errors
    /// When a file cannot be read, or they do not belong together.
    pub fn load(&self) -> Result<Tls, TlsError> {
        let (certificates, key) = self.read()?;
        Tls::new(&certificates, &key)
    }

    /// Through the folder `..data` where there is one: both files are then from the same moment, even while the link is
    /// being pointed elsewhere.
    fn read(&self) -> Result<(Vec<u8>, Vec<u8>), TlsError> {
        let folder = fs::canonicalize(self.folder.join("..data")).unwrap_or_else(|_| self.folder.clone());
        Ok((read(&folder.join("tls.crt"))?, read(&folder.join("tls.key"))?))
    }
}

/// Takes over every change of the files until stopped. A pair that is of no use is told and left alone: what was loaded
/// before stays in force.
///
/// # Errors
/// When the folder cannot be listened to (any more).
pub async fn follow_identity(files: &IdentityFiles, tls: &Tls, stop: &Stop) -> io::Result<()> {
    let follow = Follow::folder(&files.folder)?;
    let following = async {
        loop {
            // First of all: the files may have changed between their loading and the beginning of this.
            match files.read().and_then(|(certificates, key)| tls.set_identity(&certificates, &key)) {
                Ok(()) => tracing::info!(fingerprint = tls.fingerprint(), "certificate is loaded"),
                Err(error) => tracing::warn!(%error, "the certificate loaded before stays in force"),
            }
            follow.changed().await?;
        }
    };
    let stopped = async {
        stop.stopped().await;
        Ok(())
    };
    futures_lite::future::or(stopped, following).await
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}
