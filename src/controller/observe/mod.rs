//! Watches → plain snapshots.

pub(crate) mod agents;
pub(crate) mod inventory;
pub(crate) mod preparation;
pub(crate) mod resolve;
pub(crate) mod watch;
mod world;

pub(crate) use world::{Poke, World};
