//! What stays of a run: results and rounds in the store, a readable report beside them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_std::task::spawn_blocking;
use netreach_report::{KdoctorReport, RoundReport, Submitted};
use netreach_store::{KeptResult, Store, StoreError};
use netreach_wire::{AgentId, AgentResult, Receipt};
use tempfile::{NamedTempFile, TempDir};

use crate::ending::Trouble;
use crate::show;

/// Where a run is kept.
pub(super) struct Keep {
    store: Arc<Store>,
    /// The user's directory and the name of the report's files, if any was asked for.
    documents: Option<(PathBuf, String)>,
    /// Otherwise rounds are kept only while the run lasts.
    _temporary: Option<TempDir>,
}

impl Keep {
    /// Opens the store in `dir`, else in a temporary directory.
    pub(super) fn open(dir: Option<&Path>, task: &str) -> Result<Self, Trouble> {
        match dir {
            Some(dir) => {
                let store = Arc::new(Store::open_local(dir)?);
                Ok(Self {
                    store,
                    documents: Some((dir.to_owned(), format!("netreach-{task}"))),
                    _temporary: None,
                })
            }
            None => {
                let temporary = TempDir::with_prefix("netreach-")
                    .map_err(|source| Trouble::System { attempt: "make a temporary directory", source })?;
                let store = Arc::new(Store::open_local(temporary.path())?);
                Ok(Self { store, documents: None, _temporary: Some(temporary) })
            }
        }
    }

    /// Keeps a result; it is on the disk when this returns.
    pub(super) async fn result(
        &self,
        agent: AgentId,
        receipt: Receipt,
        result: Box<AgentResult>,
    ) -> Result<Submitted, Box<StoreError>> {
        let store = Arc::clone(&self.store);
        let kept = KeptResult { agent, late: receipt == Receipt::Late, result: *result };
        spawn_blocking(move || match store.keep_result(&kept) {
            Ok(_) => {
                let KeptResult { agent, late, result } = kept;
                Ok(Submitted { agent, result, late })
            }
            Err(error) => Err(Box::new(error)),
        })
        .await
    }

    /// Keeps a closed round.
    pub(super) async fn round(&self, report: RoundReport) -> Result<(), Trouble> {
        let store = Arc::clone(&self.store);
        spawn_blocking(move || store.close_round(&report)).await?;
        Ok(())
    }

    /// Writes a round's report as YAML where the user wants it, whole or not at all.
    pub(super) fn document(&self, round: u64, document: &KdoctorReport) -> Result<(), Trouble> {
        let Some((dir, name)) = &self.documents else { return Ok(()) };
        let path = dir.join(format!("{name}-round-{round}.yaml"));
        let write = || {
            let mut file = NamedTempFile::new_in(dir)?;
            file.write_all(show::yaml(document).as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok::<(), std::io::Error>(())
        };
        write().map_err(|source| Trouble::Write { path: path.clone(), source })
    }
}
