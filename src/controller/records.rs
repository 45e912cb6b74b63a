//! What the rounds have come to, for whoever shows it.

use std::sync::Arc;

use async_std::task::spawn_blocking;
use jiff::Timestamp;
use kube::runtime::reflector::{ObjectRef, Store as Cache};
use netreach_api::names::REPORT_NAME_PREFIX;
use netreach_api::{NetReach, NetReachSpec, Rounds, check};
use netreach_report::{KdoctorReport, Standing, api_object};
use netreach_store::{Store, StoreError};
use netreach_wire::RoundId;

use crate::lives::{Life, Lives, Shown};

/// The reports of every NetReach. Clones are the same.
#[derive(Clone)]
pub struct Records {
    net_reaches: Cache<NetReach>,
    lives: Arc<Lives>,
    store: Arc<Store>,
}

/// The newest report of a NetReach.
#[derive(Debug, Clone)]
pub struct Record {
    /// What is known without opening it.
    pub head: RecordHead,
    /// Its document.
    pub document: KdoctorReport,
}

/// What is known of a report without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordHead {
    /// `netreach-<task>`.
    pub name: String,
    /// The NetReach's uid.
    pub uid: String,
    /// When the reported round ended.
    pub ended: Timestamp,
}

/// A NetReach whose newest round is reported.
struct Newest {
    head: RecordHead,
    id: RoundId,
    standing: Standing,
}

impl Records {
    pub(crate) fn new(net_reaches: Cache<NetReach>, lives: Arc<Lives>, store: Arc<Store>) -> Self {
        Self { net_reaches, lives, store }
    }

    /// The heads of all reports there are.
    #[must_use]
    pub fn heads(&self) -> Vec<RecordHead> {
        let all = self.net_reaches.state();
        all.iter().filter_map(|net_reach| Some(self.newest(net_reach)?.head)).collect()
    }

    /// The newest report of that name; none where there is no such NetReach, or no round of it is reported yet.
    ///
    /// # Errors
    /// When it cannot be read back.
    pub async fn read(&self, name: &str) -> Result<Option<Record>, StoreError> {
        let Some(name) = name.strip_prefix(REPORT_NAME_PREFIX) else { return Ok(None) };
        let Some(net_reach) = self.net_reaches.get(&ObjectRef::new(name)) else { return Ok(None) };
        let Some(Newest { head, id, standing }) = self.newest(&net_reach) else { return Ok(None) };
        let store = Arc::clone(&self.store);
        spawn_blocking(move || {
            let Some(report) = store.read_round(&id)? else { return Ok(None) };
            let spec = serde_json::from_value::<NetReachSpec>(report.spec.clone()).unwrap_or_default();
            // What does not pass any more is judged by the defaults: better shown than not.
            let spec = check(&spec).or_else(|_| check(&NetReachSpec::default()));
            let document = spec.ok().map(|spec| api_object(&report, &spec.expect(), &standing));
            Ok(document.map(|document| Record { head, document }))
        })
        .await
    }

    /// The newest round that is reported, and how the NetReach stands. Does not wait for whoever is at work on it.
    fn newest(&self, net_reach: &NetReach) -> Option<Newest> {
        let uid = net_reach.metadata.uid.clone()?;
        let entry = self.lives.get(&uid)?;
        let Shown { number, ended, standing } = entry.shown()?;
        let head =
            RecordHead { name: format!("{REPORT_NAME_PREFIX}{}", entry.name), uid: uid.clone(), ended };
        Some(Newest { head, id: RoundId { uid, number }, standing })
    }
}

/// What is shown of a life whose newest report is that of this round.
pub(crate) fn shown(life: &Life, net_reach: &NetReach, number: u64, ended: Timestamp) -> Shown {
    let rounds = check(&net_reach.spec).map_or(Rounds::Forever, |spec| spec.rounds());
    Shown { number, ended, standing: Standing::of(&life.history, rounds, life.is_finished) }
}
