//! Rounds through a history into the status of their NetReach.
#![allow(clippy::unwrap_used, reason = "tests")]

mod fixture;
mod odd;
mod restart;
mod sentences;
mod size;
