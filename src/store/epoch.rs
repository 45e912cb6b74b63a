//! Epochs: numbers that rise over restarts and from one manager to the next.

use object_store::PutPayload;

use crate::limits::EPOCHS_KEPT;
use crate::{Store, StoreError, Written, key};

impl Store {
    /// Takes an epoch: higher than every one that was taken before it, by whomever, and no lower than `at_least`.
    ///
    /// Old keys are removed, so one that was just created need not be new: it is, where it is the highest afterwards.
    ///
    /// # Errors
    /// When none is left, or the store fails.
    pub fn next_epoch(&self, at_least: u32) -> Result<u32, StoreError> {
        let mut last = self.epochs()?.last().copied().unwrap_or(0);
        loop {
            let next = last.checked_add(1).ok_or(StoreError::Epochs { last })?.max(at_least);
            let written = self.backend.create(&key::epoch(next), PutPayload::new())?;
            let taken = self.epochs()?;
            last = taken.last().copied().unwrap_or(0).max(next);
            if written == Written::Now && last == next {
                self.remove_old(&taken)?;
                return Ok(next);
            }
        }
    }

    /// Those that are still remembered, rising.
    fn epochs(&self) -> Result<Vec<u32>, StoreError> {
        let listed = self.backend.list(&key::epochs())?;
        let mut taken: Vec<_> = listed.iter().filter_map(|meta| key::epoch_number(&meta.location)).collect();
        taken.sort_unstable();
        Ok(taken)
    }

    fn remove_old(&self, taken: &[u32]) -> Result<(), StoreError> {
        let old = &taken[..taken.len().saturating_sub(EPOCHS_KEPT)];
        self.backend.remove(&old.iter().map(|number| key::epoch(*number)).collect::<Vec<_>>())
    }
}
