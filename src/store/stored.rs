//! Records that are read where they lie, part by part.

use std::cell::RefCell;
use std::io;
use std::ops::Range;

use netreach_report::{AgentLine, AgentReport, RoundHead, RoundSummary};
use netreach_wire::RoundId;
use object_store::ObjectMeta;

use crate::backend::Backend;
use crate::record::{self, Bytes, Head, Part, RecordError};
use crate::{Damaged, Store, StoreError, key};

/// A closed round whose agents are read as they are asked for.
#[derive(Debug)]
pub struct Record<'a> {
    stored: Stored<'a>,
    head: Head,
}

/// The bytes of a record in the store.
#[derive(Debug)]
pub(crate) struct Stored<'a> {
    backend: &'a Backend,
    meta: ObjectMeta,
    /// Why the store did not give what was asked for last.
    failed: RefCell<Option<StoreError>>,
}

/// What came of reading a record.
enum Tried<T> {
    Read(T),
    /// It was removed as we looked.
    Gone,
    Form(u16),
    Damaged(Damaged),
}

impl Store {
    /// Opens the record of a closed round; none while it is open or unknown.
    ///
    /// # Errors
    /// When its head cannot be understood, and then it is put aside; when it is of another release; when the store fails.
    pub fn open_record(&self, round: &RoundId) -> Result<Option<Record<'_>>, StoreError> {
        let Some(meta) = self.backend.meta(&key::closed(round)?)? else { return Ok(None) };
        let stored = self.stored(meta);
        let head = self.tried(round, &stored, |stored| its_head(round, stored))?;
        Ok(head.map(|head| Record { stored, head }))
    }

    /// Reads something of a closed round's record; none while it is open or unknown.
    pub(crate) fn read_record<T>(
        &self,
        round: &RoundId,
        read: impl FnOnce(&Stored<'_>) -> Result<T, RecordError>,
    ) -> Result<Option<T>, StoreError> {
        let Some(meta) = self.backend.meta(&key::closed(round)?)? else { return Ok(None) };
        self.tried(round, &self.stored(meta), read)
    }

    /// What a closed round came to, or why that cannot be said; none where it was removed as we looked.
    pub(crate) fn summary(
        &self,
        round: &RoundId,
        meta: ObjectMeta,
    ) -> Result<Option<Result<RoundSummary, Damaged>>, StoreError> {
        let key = meta.location.to_string();
        Ok(match self.try_read(&self.stored(meta), |stored| its_head(round, stored))? {
            Tried::Read(head) => Some(Ok(RoundSummary::of(head.round()))),
            Tried::Gone => None,
            Tried::Damaged(damaged) => Some(Err(damaged)),
            Tried::Form(found) => {
                let why = StoreError::Form { key: key.clone(), found }.to_string();
                Some(Err(Damaged { key, why, moved_to: None }))
            }
        })
    }

    fn tried<T>(
        &self,
        round: &RoundId,
        stored: &Stored<'_>,
        read: impl FnOnce(&Stored<'_>) -> Result<T, RecordError>,
    ) -> Result<Option<T>, StoreError> {
        match self.try_read(stored, read)? {
            Tried::Read(value) => Ok(Some(value)),
            Tried::Gone => Ok(None),
            Tried::Form(found) => Err(StoreError::Form { key: stored.key(), found }),
            Tried::Damaged(damaged) => {
                if damaged.moved_to.is_some() {
                    self.note(&round.uid, |index| index.add_damaged(round.number, damaged.clone()));
                }
                Err(damaged.into())
            }
        }
    }

    fn try_read<T>(
        &self,
        stored: &Stored<'_>,
        read: impl FnOnce(&Stored<'_>) -> Result<T, RecordError>,
    ) -> Result<Tried<T>, StoreError> {
        let error = match read(stored) {
            Ok(value) => return Ok(Tried::Read(value)),
            Err(error) => error,
        };
        if self.backend.meta(&stored.meta.location)?.is_none() {
            return Ok(Tried::Gone);
        }
        match stored.failed.take() {
            Some(failed) => Err(failed),
            None => Ok(match error {
                RecordError::Form { found } => Tried::Form(found),
                error => Tried::Damaged(self.put_aside(&stored.meta, error.to_string())),
            }),
        }
    }

    fn stored(&self, meta: ObjectMeta) -> Stored<'_> {
        Stored { backend: &self.backend, meta, failed: RefCell::default() }
    }
}

/// The head of a record, which must be that of the round at whose place it lies.
pub(crate) fn its_head(round: &RoundId, stored: &Stored<'_>) -> Result<Head, RecordError> {
    let head = record::read_head(stored)?;
    check_place(round, &head.round().id).map(|()| head)
}

pub(crate) fn check_place(expected: &RoundId, found: &RoundId) -> Result<(), RecordError> {
    if found == expected {
        return Ok(());
    }
    Err(RecordError::Corrupt { part: Part::Head, why: format!("it is that of round {found}") })
}

impl Record<'_> {
    /// All of the round but its agents' figures.
    #[must_use]
    pub fn head(&self) -> &RoundHead {
        self.head.round()
    }

    /// How large it is in the store, bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.stored.size()
    }

    /// The agents of the lines for which `keep` says so, each with the number of its line. Agents that are damaged are
    /// one error in their place, and the others follow; nothing follows when the store fails.
    pub fn agents(
        &self,
        keep: impl Fn(usize, &AgentLine) -> bool,
    ) -> impl Iterator<Item = Result<(usize, AgentReport), StoreError>> {
        let agents = record::read_agents(&self.stored, &self.head, keep);
        agents.map(|agent| agent.map_err(|error| self.stored.explain(&error)))
    }
}

impl Stored<'_> {
    fn key(&self) -> String {
        self.meta.location.to_string()
    }

    fn explain(&self, error: &RecordError) -> StoreError {
        let damaged = || StoreError::Corrupt { key: self.key(), why: error.to_string(), moved_to: None };
        self.failed.take().unwrap_or_else(damaged)
    }
}

impl Bytes for Stored<'_> {
    fn size(&self) -> u64 {
        self.meta.size
    }

    fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        self.backend.range(&self.meta.location, range).map_err(|error| {
            let said = io::Error::other(error.to_string());
            self.failed.replace(Some(error));
            said
        })
    }
}
