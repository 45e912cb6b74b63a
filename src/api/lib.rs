//! Takes what users write, makes a proven spec of it or tells every fault at once; and holds the types in
//! which users and API servers see a NetReach.
//!
//! Does not know the cluster, agents, or what time it is: what depends on the cluster comes in as
//! [`ClusterFacts`].

mod admit;
mod agent_spec;
mod changes;
mod check;
mod checked_spec;
mod crd;
pub mod defaults;
mod envelope;
mod facts;
mod field_error;
mod forecast;
pub mod limits;
pub mod names;
mod nearest;
mod net_reach;
mod path;
mod rules;
mod schedule;
mod shape;
mod status;
mod warnings;
mod wording;

pub use admit::{Admitted, admit, admit_change};
pub use agent_spec::{AgentKind, AgentSpec};
pub use check::check;
pub use checked_spec::{CheckedSpec, Expect, Load, Rounds, TargetChoice};
pub use crd::crd_yaml;
pub use facts::ClusterFacts;
pub use field_error::FieldError;
pub use nearest::nearest;
pub use net_reach::{
    ExpectSpec, NetReach, NetReachSpec, RequestConnection, RequestSpec, ScheduleSpec, TargetSpec,
};
pub use schedule::*;
pub use status::{LastRoundStatus, NetReachStatus, ResourceStatus, RoundHistory, RoundStatus, RuntimeStatus};
