//! What goes: rounds that are too old or too many, what a closed round was made of, NetReaches that are gone.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use netreach_wire::RoundId;
use object_store::path::Path;
use object_store::{ObjectMeta, PutPayload};

use crate::limits::UNFINISHED_AFTER;
use crate::{Store, StoreError, key};

/// How much of a NetReach's past is kept: no more than any of these. The newest round is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Closed rounds.
    pub rounds: Option<u64>,
    /// Time since a round was closed.
    pub age: Option<Duration>,
    /// Bytes of all closed rounds, as they lie in the store.
    pub bytes: Option<u64>,
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removed {
    /// Closed rounds, rising.
    pub rounds: Vec<u64>,
    /// Their bytes.
    pub bytes: u64,
}

impl Store {
    /// Removes the oldest closed rounds of a NetReach that are beyond any bound, and what else is of no use any more:
    /// damaged objects of rounds older than those kept, results of rounds that are closed, files never finished.
    ///
    /// # Errors
    /// When the store fails; what was removed until then is gone.
    pub fn retain(&self, uid: &str, keep: Retention, now: Timestamp) -> Result<Removed, StoreError> {
        let objects = self.backend.list(&key::rounds(uid)?)?;
        let number = |meta: &ObjectMeta| key::closed_number(uid, &meta.location);
        let mut closed: Vec<_> = objects.iter().filter_map(|meta| Some((number(meta)?, meta.size))).collect();
        closed.sort_unstable();
        let Some(&(newest, _)) = closed.last() else { return Ok(Removed::default()) };
        let oldest = self.oldest_kept(uid, &closed, keep, now)?;

        let is_of_no_use = |key: &Path| match key::round_number(uid, key) {
            Some(number) => number < oldest || (number < newest && key::closed_number(uid, key).is_none()),
            None => false,
        };
        let keys = objects.iter().map(|meta| meta.location.clone()).filter(is_of_no_use);
        self.remove_all(keys.collect())?;
        let damaged = self.backend.list(&key::quarantine(uid)?)?.into_iter().map(|meta| meta.location);
        let is_older = |key: &Path| key::damaged(key).is_some_and(|(number, _)| number < oldest);
        self.remove_all(damaged.filter(is_older).collect())?;
        if let Some(before) = SystemTime::from(now).checked_sub(UNFINISHED_AFTER) {
            let folders = [key::of(uid)?, key::quarantine(uid)?, key::epochs()];
            self.backend.remove_unfinished(&folders, before)?;
        }

        let removed: Vec<_> = closed.into_iter().filter(|(number, _)| *number < oldest).collect();
        if !removed.is_empty() {
            self.note(uid, |index| index.forget_before(oldest));
        }
        let bytes = removed.iter().map(|(_, bytes)| bytes).sum();
        Ok(Removed { rounds: removed.into_iter().map(|(number, _)| number).collect(), bytes })
    }

    /// The number of the oldest round that no bound excludes, of those closed, which rise.
    fn oldest_kept(
        &self,
        uid: &str,
        closed: &[(u64, u64)],
        keep: Retention,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let since = keep.age.and_then(|age| now.checked_sub(age).ok());
        let old: BTreeSet<u64> = match since {
            Some(since) => {
                let rounds = self.summaries(uid)?.rounds.into_iter();
                rounds.filter(|round| round.ended < since).map(|round| round.number).collect()
            }
            None => BTreeSet::new(),
        };
        let (mut rounds_kept, mut bytes_kept) = (0, 0);
        let mut oldest = 0;
        for (number, bytes) in closed.iter().rev() {
            rounds_kept += 1;
            bytes_kept += bytes;
            let is_beyond = keep.rounds.is_some_and(|max| rounds_kept > max)
                || keep.bytes.is_some_and(|max| bytes_kept > max)
                || old.contains(number);
            // The newest is kept whatever it is.
            if is_beyond && rounds_kept > 1 {
                break;
            }
            oldest = *number;
        }
        Ok(oldest)
    }

    /// Removes what a round was made of, once its report is kept: that says it all.
    ///
    /// # Errors
    /// When the store fails; what was removed until then is gone.
    pub fn settle_round(&self, round: &RoundId) -> Result<(), StoreError> {
        let mut keys = vec![key::opened(round)?];
        for late in [false, true] {
            keys.extend(
                self.backend.list(&key::results(round, late)?)?.into_iter().map(|meta| meta.location),
            );
        }
        self.remove_all(keys)
    }

    /// Removes everything of a round.
    ///
    /// # Errors
    /// As [`Self::settle_round`].
    pub fn forget_round(&self, round: &RoundId) -> Result<(), StoreError> {
        let objects = self.backend.list(&key::folder(round)?)?;
        self.remove_all(objects.into_iter().map(|meta| meta.location).collect())
    }

    /// Removes everything of a NetReach.
    ///
    /// # Errors
    /// As [`Self::settle_round`].
    pub fn forget(&self, uid: &str) -> Result<(), StoreError> {
        self.backend.remove_folder(&key::of(uid)?)?;
        self.backend.remove_folder(&key::quarantine(uid)?)
    }

    /// Removes these, reports of closed rounds last: a round that has lost its report alone would look open.
    fn remove_all(&self, mut keys: Vec<Path>) -> Result<(), StoreError> {
        let closed = keys.extract_if(.., |key| key::is_closed(key)).collect::<Vec<_>>();
        self.backend.remove(&keys)?;
        self.backend.remove(&closed)
    }

    /// The NetReaches of which anything is kept, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn uids(&self) -> Result<Vec<String>, StoreError> {
        let mut uids: Vec<_> = self.backend.folders()?.iter().filter_map(key::uid).collect();
        uids.sort();
        Ok(uids)
    }

    /// Writes down whether the records of a NetReach are to outlive it: asked when it is gone, nobody knows any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_retained(&self, uid: &str, is_retained: bool) -> Result<(), StoreError> {
        let key = key::retained(uid)?;
        match is_retained {
            true => self.backend.create(&key, PutPayload::new()).map(drop),
            false => self.backend.remove(&[key]),
        }
    }

    /// The NetReaches whose records are to outlive them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn retained(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut retained = BTreeSet::new();
        for uid in self.uids()? {
            if self.backend.meta(&key::retained(&uid)?)?.is_some() {
                retained.insert(uid);
            }
        }
        Ok(retained)
    }

    /// The NetReaches that are gone, and whose records nobody asked to keep: to be forgotten.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sweep(
        &self,
        living: &BTreeSet<String>,
        retained: &BTreeSet<String>,
    ) -> Result<Vec<String>, StoreError> {
        let mut uids = self.uids()?;
        uids.retain(|uid| !living.contains(uid) && !retained.contains(uid));
        Ok(uids)
    }
}
