//! Fills in the defaults of a NetReach and refuses what is wrong with it, when an API server asks (admission webhook).
//!
//! Takes reviews over TLS, makes answers. Knows the cluster only by a mounted file of facts, and speaks to nobody.

mod app;
mod decide;
mod facts;
pub mod limits;
mod metrics;
mod patch;
mod review;

pub use app::{State, app};
pub use decide::{Phase, review};
pub use facts::follow as follow_facts;
pub use metrics::Counts;
pub use review::{Answer, NoReview};
