//! Takes NetReaches, and what a cluster has of agents, nodes, Services and Ingresses; runs their rounds through the desk, keeps what comes
//! back, and writes each NetReach's status: nobody else does. Which round there is to show of each, it tells whoever [`Shows`].
//!
//! The only stage that knows Kubernetes' objects. Does not judge, plan or probe: it asks those who do, and carries values between them.

mod context;
mod error;
mod facts;
mod hear;
mod identify;
mod leave;
mod limits;
mod lives;
mod observe;
mod open;
mod publish;
mod reconcile;
mod records;
mod restore;
mod rounds;
mod run;
mod tidy;
mod workload;

pub use error::ControllerError;
pub use identify::Accounts;
pub use records::{Newest, Shows};
pub use run::{Controller, Leads, Settings};
