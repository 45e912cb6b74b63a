//! What the rounds have come to, for whoever shows it.

use std::sync::Arc;

use async_std::task::spawn_blocking;
use jiff::Timestamp;
use kube::runtime::reflector::{ObjectRef, Store as Cache};
use netreach_api::{NetReach, NetReachSpec, Rounds, check};
use netreach_report::{KdoctorReport, Standing, api_object};
use netreach_store::{Store, StoreError};
use netreach_wire::RoundId;

use crate::lives::Lives;

/// What a report's name begins with.
const PREFIX: &str = "netreach-";

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
    pub async fn heads(&self) -> Vec<RecordHead> {
        let mut heads = Vec::new();
        for net_reach in self.net_reaches.state() {
            heads.extend(self.newest(&net_reach).await.map(|newest| newest.head));
        }
        heads
    }

    /// The newest report of that name; none where there is no such NetReach, or no round of it is reported yet.
    ///
    /// # Errors
    /// When it cannot be read back.
    pub async fn read(&self, name: &str) -> Result<Option<Record>, StoreError> {
        let Some(name) = name.strip_prefix(PREFIX) else { return Ok(None) };
        let Some(net_reach) = self.net_reaches.get(&ObjectRef::new(name)) else { return Ok(None) };
        let Some(Newest { head, id, standing }) = self.newest(&net_reach).await else { return Ok(None) };
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

    /// The newest round that is reported, and how the NetReach stands.
    async fn newest(&self, net_reach: &NetReach) -> Option<Newest> {
        let uid = net_reach.metadata.uid.clone()?;
        let life = self.lives.get(&uid)?;
        let life = life.lock().await;
        let (number, ended) = life.reported?;
        let rounds = check(&net_reach.spec).map_or(Rounds::Forever, |spec| spec.rounds());
        let standing = Standing::of(&life.history, rounds, life.is_finished);
        let head = RecordHead { name: format!("{PREFIX}{}", life.name), uid: uid.clone(), ended };
        Some(Newest { head, id: RoundId { uid, number }, standing })
    }
}
