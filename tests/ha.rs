//! Several managers beside a real API server, of which one leads: who does, when that ends, and what becomes of a round meanwhile.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "rounds/agent.rs"]
mod agent;
#[path = "ha/config.rs"]
mod config;
#[path = "ha/failing.rs"]
mod failing;
#[path = "ha/ground.rs"]
mod ground;
#[path = "ha/lease.rs"]
mod lease;
#[path = "ha/line.rs"]
mod line;
#[path = "ha/managers.rs"]
mod managers;
