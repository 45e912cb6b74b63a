//! Takes results and round reports, keeps them, append-only: an object is written once, whole or not at all, and of two
//! writers of the same object only one succeeds.
//!
//! Does not judge, merge, or know what time it is. Every call blocks on the disk or the network: make it off the executor.

mod backend;
mod closed;
mod damage;
mod epoch;
mod error;
mod index;
mod key;
pub mod limits;
mod local;
mod location;
mod packed;
pub mod record;
mod retention;
#[cfg(feature = "s3")]
mod s3;
mod store;
mod stored;
mod trouble;

pub use damage::{Damaged, DamagedResult, DamagedRound};
pub use error::StoreError;
pub use index::Summaries;
pub use location::Location;
pub use retention::{Removed, Retention};
pub(crate) use store::Read;
pub use store::{KeptResult, OpenedRound, Results, Store, Written};
pub use stored::Record;
