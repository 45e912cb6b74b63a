//! Takes results and round reports, keeps them, append-only: an object is written once, whole or not at all, and of two
//! writers of the same object only one succeeds.
//!
//! Does not judge, merge, or know what time it is. Every call blocks on the disk: make it off the executor.

mod error;
mod key;
pub mod limits;
mod packed;
pub mod record;
mod store;

pub use error::StoreError;
pub use store::{KeptResult, OpenedRound, Store, Written};
