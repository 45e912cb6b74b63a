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

pub use self::epoch::{epoch_alone, epoch_in_turn};
use self::uid::report_uid;

/// The reports of every NetReach. Clones are the same.
#[derive(Clone)]
pub struct Kept {
    store: Arc<Store>,
    log: Log,
    /// By the NetReach's name. Held while the log is told of a change, so that both are told in one order.
    told: Arc<Mutex<BTreeMap<String, Told>>>,
}

/// What was told of a NetReach.
struct Told {
    newest: Newest,
    /// A round that was told to be the newest and that cannot be read, and what is shown instead.
    forgone: Option<(u64, Option<RoundSummary>)>,
}

impl Kept {
    /// Of the rounds in this store; which of them there are to show, this log is told.
    #[must_use]
    pub fn new(store: Arc<Store>, log: Log) -> Self {
        Self { store, log, told: Arc::default() }
    }

    /// What is shown of the NetReach of that name.
    fn newest(&self, task: &str) -> Option<Newest> {
        let told = self.told();
        let told = told.get(task)?;
        Some(Newest { round: told.round()?.clone(), ..told.newest.clone() })
    }

    /// Says that this round, which was shown, cannot be read: the newest that can is shown instead.
    async fn forgo(&self, shown: &Newest) -> Result<Option<RoundSummary>, StoreError> {
        let (uid, number) = (shown.uid.clone(), shown.round.number);
        let kept = self.on_store(move |store| store.summaries(&uid)).await?;
        let instead = kept.rounds.into_iter().rfind(|kept| kept.number != number);
        let mut told = self.told();
        // A newer one may have come, or a namesake.
        if let Some(told) = told.get_mut(&shown.task)
            && told.newest.uid == shown.uid
            && told.round().is_some_and(|round| round.number == number)
        {
            told.forgone = Some((told.newest.round.number, instead.clone()));
            told.tell(&self.log);
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

    fn told(&self) -> MutexGuard<'_, BTreeMap<String, Told>> {
        // Whole values are put in and taken out: a poisoned lock still guards them.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shows for Kept {
    fn show(&self, newest: Newest) {
        let mut told = self.told();
        let before = told.remove(&newest.task).filter(|before| before.newest.uid == newest.uid);
        let now = Told { newest, forgone: before.and_then(|before| before.forgone) };
        now.tell(&self.log);
        told.insert(now.newest.task.clone(), now);
    }

    fn withdraw(&self, task: &str, uid: &str) {
        let mut told = self.told();
        if told.get(task).is_some_and(|told| told.newest.uid == uid) {
            told.remove(task);
            self.log.remove(&report_name(task));
        }
    }

    fn begin(&self) {
        self.log.begin();
    }
}

impl Told {
    /// The round that is shown.
    fn round(&self) -> Option<&RoundSummary> {
        match &self.forgone {
            Some((number, instead)) if *number == self.newest.round.number => instead.as_ref(),
            _ => Some(&self.newest.round),
        }
    }

    fn tell(&self, log: &Log) {
        match self.round() {
            Some(round) => drop(log.put(head(&self.newest, round))),
            None => drop(log.remove(&report_name(&self.newest.task))),
        }
    }
}

fn head(newest: &Newest, round: &RoundSummary) -> Head {
    let Newest { task, uid, labels, first, round: _, standing } = newest;
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
