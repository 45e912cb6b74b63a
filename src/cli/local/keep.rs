//! What stays of a run: results and rounds in the store, a readable report beside them.

use std::path::Path;
use std::sync::Arc;

use async_std::task::spawn_blocking;
use jiff::Timestamp;
use netreach_report::{KdoctorReport, RoundReport, Submitted, Verdict};
use netreach_store::{KeptResult, Store, StoreError};
use netreach_wire::{AgentId, AgentResult, Receipt};

use crate::documents::Documents;
use crate::ending::Trouble;

/// Where a run is kept: nowhere unless the user names a directory.
pub(super) struct Keep(Option<Kept>);

struct Kept {
    store: Arc<Store>,
    documents: Documents,
}

impl Keep {
    /// Opens the store in `dir`, for the run of this NetReach that began at the instant.
    pub(super) fn open(dir: Option<&Path>, task: &str, began: Timestamp) -> Result<Self, Trouble> {
        let Some(dir) = dir else { return Ok(Self(None)) };
        let store = Arc::new(Store::open_local(dir)?);
        Ok(Self(Some(Kept { store, documents: Documents::of(dir, task, began) })))
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
        let kept = KeptResult { agent, late, clock_ahead_us: None, result: *result };
        spawn_blocking(move || match store.keep_result(&kept) {
            Ok(_) => {
                let KeptResult { agent, late, result, .. } = kept;
                Ok(Submitted { agent, result, late })
            }
            Err(error) => Err(Box::new(error)),
        })
        .await
    }

    /// Keeps a closed round, and what it came to.
    pub(super) async fn round(&self, report: RoundReport, verdict: Verdict) -> Result<(), Trouble> {
        if let Some(Kept { store, .. }) = &self.0 {
            let store = Arc::clone(store);
            spawn_blocking(move || store.close_round(&report, &verdict)).await?;
        }
        Ok(())
    }

    /// Writes a round's report as YAML where the user wants it.
    pub(super) fn document(&self, round: u64, document: &KdoctorReport) -> Result<(), Trouble> {
        match &self.0 {
            Some(Kept { documents, .. }) => documents.write(round, document),
            None => Ok(()),
        }
    }
}
