//! The rounds that are kept, as the aggregated API wants them. Which reports there are, the controller tells; what is in them is read
//! in the store as it is sent.

mod epoch;
mod open;
mod past;
mod read;
mod uid;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netreach_api::LastRoundStatus;
use netreach_api::names::REPORT_NAME_PREFIX;
use netreach_apiserver::{Head, Log};
use netreach_controller::{Newest, Shows};
use netreach_report::RoundSummary;
use netreach_store::{Store, StoreError};

pub use self::epoch::epoch;
use self::uid::report_uid;

/// The reports of every NetReach. Clones are the same.
#[derive(Clone)]
pub struct Kept {
    store: Arc<Store>,
    log: Log,
    /// What there is to show, by the NetReach's name. Held while the log is told of a change, so that both are told in one order.
    shown: Arc<Mutex<BTreeMap<String, Newest>>>,
}

impl Kept {
    /// Of the rounds in this store; which of them there are to show, this log is told.
    #[must_use]
    pub fn new(store: Arc<Store>, log: Log) -> Self {
        Self { store, log, shown: Arc::default() }
    }

    /// What is shown of the NetReach of that name.
    fn newest(&self, task: &str) -> Option<Newest> {
        self.shown().get(task).cloned()
    }

    /// Says that this round cannot be read any more: what is shown instead is the newest that can, if it was the one that is shown.
    async fn forgo(&self, newest: &Newest, round: u64) -> Result<Option<RoundSummary>, StoreError> {
        let uid = newest.uid.clone();
        let kept = self.on_store(move |store| store.summaries(&uid)).await?;
        let instead = kept.rounds.into_iter().rfind(|kept| kept.number != round);
        let mut shown = self.shown();
        if let Some(now) = shown.get_mut(&newest.task)
            && (&now.uid, now.round.number) == (&newest.uid, round)
        {
            match &instead {
                Some(instead) => {
                    now.round = instead.clone();
                    self.log.put(head(now));
                }
                None => {
                    shown.remove(&newest.task);
                    self.log.remove(&report_name(&newest.task));
                }
            }
        }
        Ok(instead)
    }

    /// Work on the store, off the executor: it waits for the disk or the network.
    async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        async_std::task::spawn_blocking(move || work(&store)).await
    }

    fn shown(&self) -> MutexGuard<'_, BTreeMap<String, Newest>> {
        // Whole values are put in and taken out: a poisoned lock still guards them.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shows for Kept {
    fn show(&self, newest: Newest) {
        let mut shown = self.shown();
        self.log.put(head(&newest));
        shown.insert(newest.task.clone(), newest);
    }

    fn withdraw(&self, task: &str, uid: &str) {
        let mut shown = self.shown();
        if shown.get(task).is_some_and(|newest| newest.uid == uid) {
            shown.remove(task);
            self.log.remove(&report_name(task));
        }
    }

    fn begin(&self) {
        self.log.begin();
    }
}

fn head(newest: &Newest) -> Head {
    let Newest { task, uid, labels, first, round, standing } = newest;
    Head {
        name: report_name(task),
        uid: report_uid(uid),
        created: *first,
        labels: labels.clone(),
        task: task.clone(),
        rounds_wanted: standing.rounds_expected,
        rounds_done: standing.rounds_done,
        round: round.number,
        is_finished: standing.finished,
        verdict: word(round.verdict).into(),
        failed_nodes: round.failed_nodes,
        worst_p99_us: round.worst_p99_us,
    }
}

fn report_name(task: &str) -> String {
    format!("{REPORT_NAME_PREFIX}{task}")
}

/// The verdict as documents have it.
fn word(verdict: LastRoundStatus) -> &'static str {
    match verdict {
        LastRoundStatus::Succeed => "succeed",
        LastRoundStatus::Fail => "fail",
        LastRoundStatus::Unknown => "unknown",
    }
}
