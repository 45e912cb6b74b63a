//! Keeps a server's certificate, and whom it believes, as the files have them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Callers, Tls, TlsError};
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

    /// [`Self::load`], and from then on whatever they hold, until stopped: see [`follow_identity`].
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_and_follow(self, stop: &Stop) -> Result<Tls, TlsError> {
        let tls = self.load()?;
        let (follow, stop) = (tls.clone(), stop.clone());
        async_std::task::spawn(async move {
            if let Err(error) = follow_identity(&self, &follow, &stop).await {
                tracing::error!(%error, "cannot follow the certificate any more: restart the pod after it has changed");
            }
        });
        Ok(tls)
    }

    fn read(&self) -> Result<(Vec<u8>, Vec<u8>), TlsError> {
        let folder = at_one_moment(&self.folder);
        Ok((read(&folder.join("tls.crt"))?, read(&folder.join("tls.key"))?))
    }
}

/// Where the CA certificates (PEM) are that vouch for callers.
#[derive(Debug, Clone)]
pub struct CallersFile {
    path: PathBuf,
    is_required: bool,
}

impl CallersFile {
    /// As [`Callers::Asked`].
    #[must_use]
    pub fn asked(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), is_required: false }
    }

    /// As [`Callers::Required`].
    #[must_use]
    pub fn required(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), is_required: true }
    }

    /// What the file holds now, for [`Tls::set_callers`].
    ///
    /// # Errors
    /// When the file cannot be read. Whether it is of use shows when it is set.
    pub fn load(&self) -> Result<Callers, TlsError> {
        let bundle = read(&self.path)?;
        Ok(if self.is_required { Callers::Required(bundle) } else { Callers::Asked(bundle) })
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }
}

/// Takes over every change of the files until stopped. A pair that is of no use is told and left alone: what was loaded
/// before stays in force.
///
/// # Errors
/// When the folder cannot be listened to (any more).
pub async fn follow_identity(files: &IdentityFiles, tls: &Tls, stop: &Stop) -> io::Result<()> {
    follow(&files.folder, tls, stop, "certificate", || {
        let (certificates, key) = files.read()?;
        tls.set_identity(&certificates, &key)
    })
    .await
}

/// Takes over every change of the CA certificates for callers until stopped, as [`follow_identity`] does with its pair.
///
/// # Errors
/// When the file's folder cannot be listened to (any more).
pub async fn follow_callers(file: &CallersFile, tls: &Tls, stop: &Stop) -> io::Result<()> {
    follow(file.folder(), tls, stop, "CA of callers", || tls.set_callers(&file.load()?)).await
}

async fn follow(
    folder: &Path,
    tls: &Tls,
    stop: &Stop,
    what: &str,
    load: impl Fn() -> Result<(), TlsError>,
) -> io::Result<()> {
    let follow = Follow::folder(folder)?;
    let following = async {
        loop {
            // First of all: the files may have changed between their loading and the beginning of this.
            match load() {
                Ok(()) => tracing::info!(certificate = tls.fingerprint(), "{what} is loaded"),
                Err(error) => {
                    tls.meter().reload_failures.add(1);
                    tracing::warn!(%error, "{what} is of no use: the one loaded before stays in force");
                }
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

/// The folder behind `..data` where there is one: all of its files are then from the same moment, even while the link
/// is being pointed elsewhere.
fn at_one_moment(folder: &Path) -> PathBuf {
    fs::canonicalize(folder.join("..data")).unwrap_or_else(|_| folder.to_owned())
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}
