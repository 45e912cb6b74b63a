//! What is known of each NetReach between two looks at it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_std::sync::Mutex;
use jiff::Timestamp;
use netreach_api::NetReachStatus;
use netreach_report::History;
use netreach_wire::AgentId;

use crate::observe::inventory::Resolved;
use crate::observe::preparation::Preparation;
use crate::open::Open;
use crate::publish::Tale;
use crate::records::Reported;

/// One NetReach's life.
pub(crate) struct Life {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) history: History,
    pub(crate) open: Option<Open>,
    /// No round is left, as far as was decided last.
    pub(crate) is_finished: bool,
    pub(crate) asked: Asked,
    pub(crate) preparation: Preparation,
    /// Addresses of balancers that are known by a name.
    pub(crate) hosts: Resolved,
    /// What was applied last, so that the same is not applied again and again.
    pub(crate) applied: Option<u64>,
    /// What an API server would not take of it, and when it was last tried.
    pub(crate) refused: Option<(String, Instant)>,
    /// Why a round that is due could not be written down.
    pub(crate) unwritten: Option<String>,
    /// Whether its records are to stay when it is deleted, as the store knows it; none when it may not.
    pub(crate) is_retained: Option<bool>,
    /// The status as it was written last.
    pub(crate) written: Option<NetReachStatus>,
    /// The newest round whose record is kept, as far as the store was asked.
    pub(crate) reported: Option<Reported>,
    /// Whether a record was kept since the store was asked.
    pub(crate) is_unread: bool,
    /// Whether users were told what a round waits for.
    pub(crate) is_hindrance_told: bool,
    /// What has happened and was not told yet.
    pub(crate) tales: Vec<Tale>,
}

/// When rounds are asked for and how many.
pub(crate) struct Asked {
    /// As the spec had it at the last look; empty before the first.
    pub(crate) words: String,
    /// Slots before that are those of another schedule.
    pub(crate) since: Timestamp,
}

/// A life, and what others may know and say of it without waiting for whoever is at work on it.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) life: Mutex<Life>,
    arrived: StdMutex<Vec<Arrived>>,
    /// Held while others are told of it.
    telling: StdMutex<()>,
    /// The number of the round under way; 0 when there is none.
    open: AtomicU64,
    is_over: AtomicBool,
}

/// A result that has come in.
pub(crate) struct Arrived {
    pub(crate) round: u64,
    pub(crate) agent: AgentId,
    /// Whether it came after the deadline, and nothing had been kept before.
    pub(crate) is_late: bool,
    /// Why it could not be kept, when it could not.
    pub(crate) unkept: Option<String>,
}

/// All of them, by uid.
#[derive(Default)]
pub(crate) struct Lives(StdMutex<HashMap<String, Arc<Entry>>>);

impl Life {
    pub(crate) fn new(name: &str, uid: &str, history: History, is_finished: bool, now: Instant) -> Self {
        Self {
            name: name.to_owned(),
            uid: uid.to_owned(),
            history,
            open: None,
            is_finished,
            asked: Asked { words: String::new(), since: Timestamp::MIN },
            preparation: Preparation::new(now),
            hosts: Resolved::default(),
            applied: None,
            refused: None,
            unwritten: None,
            is_retained: None,
            written: None,
            reported: None,
            is_unread: false,
            is_hindrance_told: false,
            tales: Vec::new(),
        }
    }

    /// What lacks for a round, in sentences.
    pub(crate) fn lacking(&self) -> Vec<String> {
        let refused = self.refused.iter().map(|(why, _)| why);
        refused.chain(&self.unwritten).chain(self.preparation.lacking()).cloned().collect()
    }
}

impl Asked {
    /// Nothing is asked for, for the time being: what will be asked for next is another schedule, be it in the same words.
    pub(crate) fn lapse(&mut self) {
        if !self.words.is_empty() {
            "nothing".clone_into(&mut self.words);
        }
    }
}

impl Entry {
    pub(crate) fn new(life: Life) -> Self {
        Self {
            name: life.name.clone(),
            life: Mutex::new(life),
            arrived: StdMutex::default(),
            telling: StdMutex::default(),
            open: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Takes note of a result, for whoever is at work next.
    pub(crate) fn arrive(&self, arrived: Arrived) {
        lock(&self.arrived).push(arrived);
    }

    /// What has come in since it was last asked.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        std::mem::take(&mut *lock(&self.arrived))
    }

    /// From now on the round under way is this one.
    pub(crate) fn set_open(&self, round: Option<u64>) {
        self.open.store(round.unwrap_or_default(), Ordering::Relaxed);
    }

    pub(crate) fn is_open(&self, round: u64) -> bool {
        self.open.load(Ordering::Relaxed) == round
    }

    /// Its NetReach is deleted: nothing is begun any more.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Tells others of it, unless it is over: nobody would take back what is told then.
    pub(crate) fn tell(&self, tell: impl FnOnce()) {
        let _turn = lock(&self.telling);
        if !self.is_over() {
            tell();
        }
    }

    /// Takes back what was told, once it is over: whoever is at work on it tells no more.
    pub(crate) fn untell(&self, untell: impl FnOnce()) {
        let _turn = lock(&self.telling);
        untell();
    }
}

impl Lives {
    pub(crate) fn get(&self, uid: &str) -> Option<Arc<Entry>> {
        lock(&self.0).get(uid).cloned()
    }

    /// Begins a life; the one that another began in the meantime stays.
    pub(crate) fn begin(&self, uid: &str, entry: Entry) -> Arc<Entry> {
        Arc::clone(lock(&self.0).entry(uid.to_owned()).or_insert_with(|| Arc::new(entry)))
    }

    pub(crate) fn end(&self, uid: &str) -> Option<Arc<Entry>> {
        let entry = lock(&self.0).remove(uid)?;
        entry.end();
        Some(entry)
    }

    /// The uids of all.
    pub(crate) fn uids(&self) -> Vec<String> {
        lock(&self.0).keys().cloned().collect()
    }
}

/// Whole values are put in and taken out: a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &StdMutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
