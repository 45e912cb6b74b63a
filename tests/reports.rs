//! The reports, as users of a real API server and a real kubectl see them.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[allow(dead_code, reason = "shared with tests/rounds.rs")]
#[path = "rounds/agent.rs"]
mod agent;
#[path = "reports/calls.rs"]
mod calls;
#[path = "reports/damaged.rs"]
mod damaged;
#[path = "reports/explained.rs"]
mod explained;
#[path = "reports/follow.rs"]
mod follow;
#[allow(dead_code, reason = "shared with tests/rounds.rs")]
#[path = "rounds/ground.rs"]
mod ground;
#[path = "reports/large.rs"]
mod large;
#[path = "rounds/published.rs"]
mod published;
#[path = "reports/rights.rs"]
mod rights;
#[path = "reports/rounds.rs"]
mod rounds;
#[path = "reports/said.rs"]
mod said;
#[path = "reports/shelf.rs"]
mod shelf;
