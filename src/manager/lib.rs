//! Composes the parts that run beside an API server into one program: controller, desk and aggregated API, and the keeper of
//! certificates. Of several managers one leads.
//!
//! Takes arguments and credentials of a cluster. Nobody takes anything from here.

pub mod api;
pub mod certs;
pub mod lead;
pub mod limits;
pub mod reports;
