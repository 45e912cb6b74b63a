//! The desk for agents: takes Assignments from the composer and hands each out in answer to its agent's long poll;
//! takes AgentResults from agents and gives each to the composer, who keeps it before its agent gets a receipt.
//!
//! Does not know Kubernetes, schedules or verdicts. Whose token is whose, and what time it is, it is told.

mod agents;
mod answering;
mod app;
mod clock;
mod desk;
mod event;
mod identity;
pub mod limits;
mod refused;
mod rounds;

pub use clock::{Clock, SystemClock};
pub use desk::Desk;
pub use event::{DeskEvent, Keeping};
pub use identity::{Identify, Tokens};
pub use rounds::DeskError;
