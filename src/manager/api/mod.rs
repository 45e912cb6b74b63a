//! What the aggregated API asks of a cluster: whom to believe, and who may read.
//!
//! Takes a client, makes what `netreach_apiserver` declares. Does not know the reports.

mod authorizer;
mod front_proxy;
mod rulings;

pub use authorizer::Reviewer;
pub use front_proxy::follow_front_proxy;
