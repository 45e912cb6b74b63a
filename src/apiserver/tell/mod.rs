//! What is told, in Kubernetes' words. Pure.

pub(crate) mod event;
pub(crate) mod object;
pub(crate) mod rounds;
pub(crate) mod status;
pub(crate) mod table;

use serde::Serialize;

/// The way a list is written when its items come one after another: what stands before them.
pub(crate) struct Opening(Vec<u8>);

impl Opening {
    /// Of a value whose last field is an empty list, which is to be filled.
    pub(crate) fn of_list(empty: &impl Serialize) -> serde_json::Result<Self> {
        Self::without(empty, b"]}")
    }

    /// Of an object that further fields are to follow.
    pub(crate) fn of_object(object: &impl Serialize) -> serde_json::Result<Self> {
        Self::without(object, b"}")
    }

    fn without(value: &impl Serialize, end: &[u8]) -> serde_json::Result<Self> {
        let mut written = serde_json::to_vec(value)?;
        debug_assert!(written.ends_with(end), "{}", String::from_utf8_lossy(&written));
        written.truncate(written.len() - end.len());
        Ok(Self(written))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
