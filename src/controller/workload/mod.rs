//! What is made for the agents of a NetReach: pure in how it is built, then applied.

mod apply;
mod build;
mod crew;
mod fronts;
mod hindrance;
mod keep;
mod names;
mod shared;

pub(crate) use crew::{Crew, identity, ip_families, needs_service};
pub(crate) use hindrance::{hindrance, wanted};
pub(crate) use keep::{Kept, ingress_class, keep};
