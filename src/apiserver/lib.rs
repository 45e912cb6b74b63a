//! The aggregated API: `KdoctorReport` of `system.kdoctor.io/v1beta1`, to be read and watched with kubectl.
//!
//! Takes requests that an API server passes on, makes answers in Kubernetes' words: discovery, lists, objects, tables, watches,
//! the rounds of a report, refusals. Which reports there are, and what becomes of them, it is told by [`Log`].
//! Does not know where reports are kept, nor how rights are looked up: both are asked of whoever composes, by the
//! traits [`Reports`] and [`Authorizer`]. There is nothing to write.

mod answer;
mod app;
#[cfg(test)]
mod app_tests;
mod ask;
mod authorizer;
mod body;
mod clock;
mod contents;
mod discovery;
mod head;
mod identity;
pub mod limits;
mod log;
mod openapi;
mod refused;
mod reports;
mod route;
mod state;
mod tally;
mod tell;
mod trail;

pub use app::app;
pub use authorizer::{Access, Authorizer, Ruling, Verb};
pub use clock::{Clock, SystemClock};
pub use contents::Contents;
pub use head::Head;
pub use identity::{Caller, FrontProxy};
pub use log::Log;
pub use reports::{Family, Filter, Reports, Round, RoundSummary, Which};
pub use state::State;
pub use tally::register;

/// The resource, as paths and rights have it.
pub const PLURAL: &str = "kdoctorreports";
/// One of it, as users may write it.
pub const SINGULAR: &str = "kdoctorreport";
/// The short way to write it.
pub const SHORT_NAME: &str = "kr";
/// What it is listed with.
pub const CATEGORY: &str = "kdoctor";
/// What there is of a report beside itself: its rounds, as paths and rights (`kdoctorreports/rounds`) have it.
pub const ROUNDS: &str = "rounds";

/// Why something that was asked of whoever composes could not be told.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;
