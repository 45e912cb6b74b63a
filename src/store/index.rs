//! What is known of all closed rounds of a NetReach without opening them: written anew with each, and made again from
//! their records where it is missing or old.

use std::collections::BTreeMap;

use jiff::Timestamp;
use netreach_report::RoundSummary;
use netreach_wire::RoundId;
use serde::{Deserialize, Serialize};

use crate::{Damaged, DamagedRound, Read, Store, StoreError, Written, key};

/// The form this build writes. One in another is made again.
const VERSION: u16 = 1;

/// The closed rounds of a NetReach.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summaries {
    /// When a round was reported for the first time, also where that round is not kept any more; none before.
    pub first: Option<Timestamp>,
    /// Those that can be read, by number, rising.
    pub rounds: Vec<RoundSummary>,
    /// Those that cannot, by number, rising.
    pub damaged: Vec<DamagedRound>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    version: u16,
    first: Option<Timestamp>,
    rounds: BTreeMap<u64, Entry>,
    /// Rounds whose records were put aside.
    damaged: BTreeMap<u64, Damaged>,
}

/// A round, and how large its record is: one of another size is another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) bytes: u64,
    pub(crate) summary: RoundSummary,
}

impl Default for Index {
    fn default() -> Self {
        Self { version: VERSION, first: None, rounds: BTreeMap::new(), damaged: BTreeMap::new() }
    }
}

impl Index {
    pub(crate) fn add(&mut self, entry: Entry) {
        self.damaged.remove(&entry.summary.number);
        self.rounds.insert(entry.summary.number, entry);
    }

    pub(crate) fn add_damaged(&mut self, number: u64, damaged: Damaged) {
        self.rounds.remove(&number);
        self.damaged.insert(number, damaged);
    }

    pub(crate) fn forget_before(&mut self, oldest: u64) {
        self.rounds = self.rounds.split_off(&oldest);
        self.damaged = self.damaged.split_off(&oldest);
    }
}

impl Store {
    /// What every closed round of a NetReach came to, from one listing and one object: only records that the index does
    /// not know are opened. A record that cannot be understood is put aside and named; one of another release is named.
    ///
    /// # Errors
    /// When the store fails.
    pub fn summaries(&self, uid: &str) -> Result<Summaries, StoreError> {
        let closed = self.closed(uid)?;
        let known = self.read_index(uid)?;
        let mut index = Index::default();
        let mut left = BTreeMap::new();
        let mut old = match &known {
            Some(known) => known.clone(),
            None => Index { damaged: self.damaged_before(uid)?, ..Index::default() },
        };
        for (number, meta) in closed {
            let bytes = meta.size;
            match old.rounds.remove(&number) {
                Some(entry) if entry.bytes == bytes => index.add(entry),
                _ => match self.summary(&RoundId { uid: uid.to_owned(), number }, meta)? {
                    Some(Ok(summary)) => index.add(Entry { bytes, summary }),
                    Some(Err(damaged)) if damaged.moved_to.is_some() => index.add_damaged(number, damaged),
                    // It lies where it did, and is looked at again next time.
                    Some(Err(damaged)) => drop(left.insert(number, damaged)),
                    None => {}
                },
            }
        }
        for (number, damaged) in old.damaged {
            if !index.rounds.contains_key(&number) {
                index.damaged.entry(number).or_insert(damaged);
            }
        }
        index.first = match old.first {
            None => self.first(uid, index.rounds.values().map(|entry| entry.summary.ended).min())?,
            known => known,
        };
        if known.as_ref() != Some(&index) && (known.is_some() || index != Index::default()) {
            self.write_index(uid, &index);
        }
        left.extend(index.damaged);
        Ok(Summaries {
            first: index.first,
            rounds: index.rounds.into_values().map(|entry| entry.summary).collect(),
            damaged: left.into_iter().map(|(number, damaged)| DamagedRound { number, damaged }).collect(),
        })
    }

    /// Changes the index, if there is one: else it is made whole when it is asked for. It is a cache, so whatever fails
    /// is no more than a warning.
    pub(crate) fn note(&self, uid: &str, change: impl FnOnce(&mut Index)) {
        match self.read_index(uid) {
            Ok(Some(mut index)) => {
                change(&mut index);
                self.write_index(uid, &index);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(uid, %error, "the index of rounds was not read: it is made anew later")
            }
        }
    }

    /// Notes a round that was just closed.
    pub(crate) fn note_closed(&self, uid: &str, entry: Entry) {
        let ended = entry.summary.ended;
        let mut first = None;
        self.note(uid, |index| {
            first = index.first;
            index.add(entry);
        });
        if first.is_none()
            && let Err(error) = self.first(uid, Some(ended))
        {
            tracing::warn!(uid, %error, "when a round was first reported was not written down: that is done later");
        }
    }

    fn read_index(&self, uid: &str) -> Result<Option<Index>, StoreError> {
        let is_its = |index: &Index| (index.version == VERSION).then_some(()).ok_or_else(String::new);
        match self.read_packed(&key::index(uid)?, is_its)? {
            Read::Whole(index) => Ok(Some(index)),
            Read::Absent | Read::Damaged { .. } => Ok(None),
        }
    }

    fn write_index(&self, uid: &str, index: &Index) {
        let written = key::index(uid).and_then(|key| self.replace_packed(&key, index));
        if let Err(error) = written {
            tracing::warn!(uid, %error, "the index of rounds was not written: it is made anew later");
        }
    }

    /// When a round was reported for the first time: as it was written down then, else the other instant, written down now.
    fn first(&self, uid: &str, otherwise: Option<Timestamp>) -> Result<Option<Timestamp>, StoreError> {
        let Some(otherwise) = otherwise else { return self.read_first(uid) };
        match self.read_first(uid)? {
            None if self.create_packed(&key::first(uid)?, &otherwise)? == Written::Before => {
                self.read_first(uid)
            }
            first => Ok(first.or(Some(otherwise))),
        }
    }

    fn read_first(&self, uid: &str) -> Result<Option<Timestamp>, StoreError> {
        match self.read_packed(&key::first(uid)?, |_: &Timestamp| Ok(()))? {
            Read::Absent => Ok(None),
            Read::Whole(first) => Ok(Some(first)),
            Read::Damaged { meta, why } => {
                self.put_aside(&meta, why);
                Ok(None)
            }
        }
    }

    /// Rounds that were found damaged before the index was lost.
    fn damaged_before(&self, uid: &str) -> Result<BTreeMap<u64, Damaged>, StoreError> {
        let mut damaged = BTreeMap::new();
        for meta in self.backend.list(&key::quarantine(uid)?)? {
            if let Some((number, true)) = key::damaged(&meta.location) {
                damaged.insert(
                    number,
                    Damaged {
                        key: key::closed(&RoundId { uid: uid.to_owned(), number })?.to_string(),
                        why: "it was found damaged before".to_owned(),
                        moved_to: Some(meta.location.to_string()),
                    },
                );
            }
        }
        Ok(damaged)
    }
}
