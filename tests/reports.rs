//! The reports, as users of a real API server and a real kubectl see them.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[allow(dead_code, reason = "shared with tests/rounds.rs")]
#[path = "rounds/agent.rs"]
mod agent;
#[path = "reports/away.rs"]
mod away;
#[path = "reports/calls.rs"]
mod calls;
#[path = "../src/store/benches/record/round.rs"]
mod cluster;
#[path = "reports/crowd.rs"]
mod crowd;
#[path = "reports/damaged.rs"]
mod damaged;
#[path = "reports/explained.rs"]
mod explained;
#[allow(dead_code, reason = "shared with tests/rounds.rs")]
#[path = "rounds/farm.rs"]
mod farm;
#[path = "reports/follow.rs"]
mod follow;
#[path = "reports/followed.rs"]
mod followed;
#[allow(dead_code, reason = "shared with tests/rounds.rs")]
#[path = "rounds/ground.rs"]
mod ground;
#[path = "reports/identities.rs"]
mod identities;
#[path = "reports/informer.rs"]
mod informer;
#[path = "reports/large.rs"]
mod large;
#[path = "reports/log.rs"]
mod log;
#[path = "rounds/published.rs"]
mod published;
#[path = "late/quick.rs"]
mod quick;
#[path = "reports/reflector.rs"]
mod reflector;
#[path = "reports/rights.rs"]
mod rights;
#[path = "reports/rounds.rs"]
mod rounds;
#[path = "reports/said.rs"]
mod said;
#[path = "reports/shelf.rs"]
mod shelf;
#[path = "reports/vast.rs"]
mod vast;
