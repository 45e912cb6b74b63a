//! Objects that are torn, altered or not ours: put aside, and named.

use std::sync::PoisonError;

use netreach_wire::AgentId;
use object_store::{ObjectMeta, path::Path};
use serde::{Deserialize, Serialize};

use crate::limits::DAMAGED_KEPT_MAX;
use crate::{Store, StoreError, key};

/// An object that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Damaged {
    /// Where it lay.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
    /// Where its bytes lie now; none when they lie where they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
}

/// An agent's result that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedResult {
    /// Whose it was, by its key; none when it lay where no agent's result belongs.
    pub agent: Option<AgentId>,
    /// What was found.
    pub damaged: Damaged,
}

/// A closed round whose record cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DamagedRound {
    /// Its number.
    pub number: u64,
    /// What was found.
    pub damaged: Damaged,
}

impl Store {
    /// Puts a damaged object aside with its bytes as they are. Whatever keeps that from being done, it is named.
    pub(crate) fn put_aside(&self, meta: &ObjectMeta, why: String) -> Damaged {
        let key = meta.location.to_string();
        // One at a time: each sees where the last one went.
        let _turn = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        match self.move_aside(meta) {
            Ok(to) => {
                tracing::error!(
                    key,
                    why,
                    kept_as = to.as_ref().map(Path::as_ref),
                    "an object of the store is damaged"
                );
                Damaged { key, why, moved_to: to.map(|to| to.to_string()) }
            }
            Err(error) => {
                tracing::error!(key, why, %error, "an object of the store is damaged, and could not be put aside");
                Damaged { key, why, moved_to: None }
            }
        }
    }

    /// Moves exactly that object, never one that was written in its place since. None when all places for it are taken.
    fn move_aside(&self, meta: &ObjectMeta) -> Result<Option<Path>, StoreError> {
        let from = &meta.location;
        for again in 0..DAMAGED_KEPT_MAX {
            let to = key::quarantined(from, again);
            match self.backend.meta(&to)? {
                // Somebody else is at it, or was, and did not come to remove it.
                Some(there) if is_same(&there, meta) => {}
                Some(_) => continue,
                None if !self.is_there(meta)? => return Ok(Some(to)),
                None => self.backend.copy(from, &to)?,
            }
            if self.is_there(meta)? {
                self.backend.remove(std::slice::from_ref(from))?;
            }
            return Ok(Some(to));
        }
        Ok(None)
    }

    fn is_there(&self, meta: &ObjectMeta) -> Result<bool, StoreError> {
        Ok(self.backend.meta(&meta.location)?.is_some_and(|there| is_same(&there, meta)))
    }
}

/// Whether it is the very same object, under whichever key: by its tag, which tells files and contents apart.
fn is_same(a: &ObjectMeta, b: &ObjectMeta) -> bool {
    a.size == b.size && a.e_tag == b.e_tag
}
