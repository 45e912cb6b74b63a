//! What stays of a run: results and rounds in the store, a readable report beside them.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_std::task::spawn_blocking;
use netreach_report::{KdoctorReport, RoundReport, Submitted};
use netreach_store::{KeptResult, Store, StoreError};
use netreach_wire::{AgentId, AgentResult, Receipt};
use tempfile::Builder;

use crate::ending::Trouble;
use crate::show;

/// Where a run is kept: nowhere unless the user names a directory.
pub(super) struct Keep(Option<Kept>);

struct Kept {
    store: Arc<Store>,
    dir: PathBuf,
    /// What the reports' file names begin with: unlike that of any other run.
    name: String,
}

/// Most characters of a NetReach's name in a file's name: names may be as long as a file's may be in all.
const NAME_CHARS_MAX: usize = 180;

impl Keep {
    /// Opens the store in `dir`; `run` tells this run's reports from those of earlier ones.
    pub(super) fn open(dir: Option<&Path>, task: &str, run: &str) -> Result<Self, Trouble> {
        let Some(dir) = dir else { return Ok(Self(None)) };
        let store = Arc::new(Store::open_local(dir)?);
        let task: String = task.chars().take(NAME_CHARS_MAX).collect();
        Ok(Self(Some(Kept { store, dir: dir.to_owned(), name: format!("netreach-{task}-{run}") })))
    }

    /// Keeps a result; it is on the disk when this returns.
    pub(super) async fn result(
        &self,
        agent: AgentId,
        receipt: Receipt,
        result: Box<AgentResult>,
    ) -> Result<Submitted, Box<StoreError>> {
        let late = receipt == Receipt::Late;
        let Some(Kept { store, .. }) = &self.0 else { return Ok(Submitted { agent, result: *result, late }) };
        let store = Arc::clone(store);
        let kept = KeptResult { agent, late, result: *result };
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
        if let Some(Kept { store, .. }) = &self.0 {
            let store = Arc::clone(store);
            spawn_blocking(move || store.close_round(&report)).await?;
        }
        Ok(())
    }

    /// Writes a round's report as YAML where the user wants it, whole or not at all.
    pub(super) fn document(&self, round: u64, document: &KdoctorReport) -> Result<(), Trouble> {
        let Some(Kept { dir, name, .. }) = &self.0 else { return Ok(()) };
        let path = dir.join(format!("{name}-round-{round}.yaml"));
        let write = || {
            // As readable as the user's own mask has it.
            let mut file = Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(dir)?;
            file.write_all(show::yaml(document).as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok::<(), std::io::Error>(())
        };
        write().map_err(|source| Trouble::Write { path: path.clone(), source })
    }
}
