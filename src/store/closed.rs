//! Closed rounds: one record each, written once.

use netreach_report::{RoundHead, RoundReport, RoundSummary, Verdict};
use netreach_wire::RoundId;
use object_store::ObjectMeta;

use crate::index::Entry;
use crate::record;
use crate::stored::{check_place, its_head};
use crate::{Store, StoreError, Written, key};

impl Store {
    /// Closes a round with its report and the verdict on it. Of several writers one closes it; the others learn that it
    /// was closed before.
    ///
    /// # Errors
    /// When the report is too large or the store fails.
    pub fn close_round(&self, report: &RoundReport, verdict: &Verdict) -> Result<Written, StoreError> {
        let key = key::closed(&report.id)?;
        let head = RoundHead::of(report, verdict);
        let record = record::encode_with(report, &head)
            .map_err(|source| StoreError::Record { key: key.to_string(), source })?;
        let bytes = record.len() as u64;
        let written = self.backend.create(&key, record.into())?;
        if written == Written::Now {
            self.note_closed(&report.id.uid, Entry { bytes, summary: RoundSummary::of(&head) });
        }
        Ok(written)
    }

    /// The report of a closed round; none while it is open or unknown.
    ///
    /// # Errors
    /// When it cannot be understood, and then it is put aside; when it is of another release; when the store fails.
    pub fn read_round(&self, round: &RoundId) -> Result<Option<RoundReport>, StoreError> {
        self.read_record(round, |stored| {
            let report = record::read_all(stored)?;
            check_place(round, &report.id).map(|()| report)
        })
    }

    /// All of a closed round but its agents' figures; none while it is open or unknown.
    ///
    /// # Errors
    /// As [`Self::read_round`].
    pub fn read_head(&self, round: &RoundId) -> Result<Option<RoundHead>, StoreError> {
        self.read_record(round, |stored| Ok(its_head(round, stored)?.into_round()))
    }

    /// The numbers of a NetReach's closed rounds, rising.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list_rounds(&self, uid: &str) -> Result<Vec<u64>, StoreError> {
        Ok(self.closed(uid)?.into_iter().map(|(number, _)| number).collect())
    }

    /// The closed rounds of a NetReach by number, rising.
    pub(crate) fn closed(&self, uid: &str) -> Result<Vec<(u64, ObjectMeta)>, StoreError> {
        let listed = self.backend.list(&key::rounds(uid)?)?.into_iter();
        let mut closed: Vec<_> =
            listed.filter_map(|meta| Some((key::closed_number(uid, &meta.location)?, meta))).collect();
        closed.sort_unstable_by_key(|(number, _)| *number);
        Ok(closed)
    }
}
