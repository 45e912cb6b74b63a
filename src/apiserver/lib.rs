//! The thin aggregated API: `KdoctorReport` of `system.kdoctor.io/v1beta1`, to be read with kubectl.
//!
//! Takes requests that an API server passes on, makes answers in Kubernetes' words: discovery, lists, objects, tables, refusals.
//! Does not know where reports are kept, nor how rights are looked up: both are asked of whoever composes, by the
//! traits [`Reports`] and [`Authorizer`]. There is nothing to write and, so far, nothing to watch.

mod accept;
mod answer;
mod app;
#[cfg(test)]
mod app_tests;
mod authorizer;
mod discovery;
mod identity;
pub mod limits;
mod object;
mod openapi;
mod page;
mod query;
mod refused;
mod reports;
mod route;
mod state;
mod status;
mod table;

pub use app::app;
pub use authorizer::{Access, Authorizer, Ruling, Verb};
pub use identity::{Caller, FrontProxy};
pub use reports::{Head, Heads, Report, Reports};
pub use state::State;

/// The resource, as paths and rights have it.
pub const PLURAL: &str = "kdoctorreports";
/// One of it, as users may write it.
pub const SINGULAR: &str = "kdoctorreport";
/// The short way to write it.
pub const SHORT_NAME: &str = "kr";
/// What it is listed with.
pub const CATEGORY: &str = "kdoctor";

/// Why something that was asked of whoever composes could not be told.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;
