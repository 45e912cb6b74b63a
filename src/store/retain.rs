//! Which NetReaches' records stay though they are deleted: noted here, for then there is nobody left to ask.

use std::collections::BTreeSet;

use crate::{Store, StoreError, key};

impl Store {
    /// Writes down whether the records of a NetReach are to outlive it.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn set_retained(&self, uid: &str, is_retained: bool) -> Result<(), StoreError> {
        let key = key::retained(uid)?;
        if is_retained { self.create(&key, Vec::new()).map(drop) } else { self.remove(&key) }
    }

    /// The NetReaches whose records are to outlive them.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn retained(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut retained = BTreeSet::new();
        for uid in self.uids()? {
            if self.exists(&key::retained(&uid)?)? {
                retained.insert(uid);
            }
        }
        Ok(retained)
    }
}
