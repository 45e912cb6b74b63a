//! The rounds' records, as the aggregated API wants them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_std::task::spawn_blocking;
use async_trait::async_trait;
use netreach_apiserver::{Head, Heads, Report, Reports, Trouble};
use netreach_controller::{Record, RecordHead, Records};

/// The newest record of each NetReach, as its report. Clones are the same.
#[derive(Clone)]
pub struct Newest {
    records: Records,
    /// The highest version told of all of them: when the newest is deleted, theirs does not fall.
    highest: Arc<AtomicU64>,
}

impl Newest {
    /// Of these records.
    #[must_use]
    pub fn of(records: Records) -> Self {
        Self { records, highest: Arc::default() }
    }
}

#[async_trait]
impl Reports for Newest {
    async fn heads(&self) -> Result<Heads, Trouble> {
        let heads: Vec<_> = self.records.heads().into_iter().map(head).collect();
        let newest = heads.iter().map(|head| head.resource_version).max().unwrap_or_default();
        let resource_version = self.highest.fetch_max(newest, Ordering::Relaxed).max(newest);
        Ok(Heads { resource_version, heads })
    }

    async fn get(&self, name: &str) -> Result<Option<Report>, Trouble> {
        let Some(Record { head: of, document }) = self.records.read(name).await? else { return Ok(None) };
        Ok(Some(spawn_blocking(move || Report::new(head(of), &document)).await?))
    }
}

fn head(of: RecordHead) -> Head {
    let RecordHead { name, uid, ended } = of;
    // Rounds end one after another: the instant rises with each.
    let resource_version = u64::try_from(ended.as_millisecond()).unwrap_or_default();
    Head { name, uid, created: ended, resource_version }
}
