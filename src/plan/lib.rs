//! Takes a checked spec, an inventory, what has happened so far and an instant; makes a decision, and for a round
//! that opens, who probes what.
//!
//! Does not know Kubernetes, HTTP, the network, or what time it is.

mod assign;
mod budget;
mod calendar;
mod decide;
mod inventory;
pub mod limits;
mod ring;
mod round;
mod schedule;
mod shift;
mod targets;

pub use assign::{Assigned, Terms, assign};
pub use budget::OverBudget;
pub use decide::{Case, Decision, decide, later};
pub use inventory::{AgentPod, FrontAddress, IngressAddress, Inventory, IpMode, Node, Place, Service};
pub use ring::Sampling;
pub use round::{CloseReason, DueRound, Instants, OpenRound, RoundPlan, plan_round, round_clock};
pub use schedule::{Passed, Timetable};
pub use targets::targets;
