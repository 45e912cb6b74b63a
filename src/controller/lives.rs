//! What is known of each NetReach between two looks at it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Instant;

use async_std::sync::Mutex;
use jiff::Timestamp;
use netreach_api::NetReachStatus;
use netreach_report::History;

use crate::observe::preparation::Preparation;
use crate::open::Open;

/// One NetReach's life.
pub(crate) struct Life {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) history: History,
    pub(crate) open: Option<Open>,
    /// No round is left, as far as was decided last.
    pub(crate) is_finished: bool,
    /// The newest round whose record is kept, and when it ended.
    pub(crate) reported: Option<(u64, Timestamp)>,
    pub(crate) preparation: Preparation,
    /// What was applied last, so that the same is not applied again and again.
    pub(crate) applied: Option<u64>,
    /// What an API server would not take of it.
    pub(crate) refused: Option<String>,
    /// The status as it was written last.
    pub(crate) written: Option<NetReachStatus>,
    /// Whether users were told that its agents do not start.
    pub(crate) is_hindrance_told: bool,
}

/// All of them, by uid.
#[derive(Default)]
pub(crate) struct Lives(StdMutex<HashMap<String, Arc<Mutex<Life>>>>);

impl Life {
    pub(crate) fn new(name: &str, uid: &str, history: History, is_finished: bool, now: Instant) -> Self {
        Self {
            name: name.to_owned(),
            uid: uid.to_owned(),
            history,
            open: None,
            is_finished,
            reported: None,
            preparation: Preparation::new(now),
            applied: None,
            refused: None,
            written: None,
            is_hindrance_told: false,
        }
    }
}

impl Lives {
    pub(crate) fn get(&self, uid: &str) -> Option<Arc<Mutex<Life>>> {
        self.lock().get(uid).cloned()
    }

    /// Begins a life; the one that another began in the meantime stays.
    pub(crate) fn begin(&self, life: Life) -> Arc<Mutex<Life>> {
        Arc::clone(self.lock().entry(life.uid.clone()).or_insert_with(|| Arc::new(Mutex::new(life))))
    }

    pub(crate) fn end(&self, uid: &str) -> Option<Arc<Mutex<Life>>> {
        self.lock().remove(uid)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Mutex<Life>>>> {
        // Whole values are put in and taken out: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
