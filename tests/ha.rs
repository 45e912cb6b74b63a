//! Several managers beside a real API server, of which one leads: who does, when that ends, and what becomes of a round meanwhile.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "rounds/agent.rs"]
mod agent;
#[cfg(feature = "minio-tier")]
#[path = "ha/away.rs"]
mod away;
#[cfg(feature = "minio-tier")]
#[path = "ha/bucket.rs"]
mod bucket;
#[path = "ha/config.rs"]
mod config;
#[path = "ha/failing.rs"]
mod failing;
#[allow(dead_code, reason = "shared with tests/rounds.rs")]
#[cfg(feature = "minio-tier")]
#[path = "rounds/farm.rs"]
mod farm;
#[path = "ha/follow.rs"]
mod follow;
#[path = "ha/ground.rs"]
mod ground;
#[cfg(feature = "minio-tier")]
#[path = "ha/killed.rs"]
mod killed;
#[path = "ha/lease.rs"]
mod lease;
#[path = "ha/line.rs"]
mod line;
#[path = "ha/managers.rs"]
mod managers;
#[path = "rounds/published.rs"]
mod published;
#[cfg(feature = "minio-tier")]
#[path = "late/quick.rs"]
mod quick;
#[path = "ha/reports.rs"]
mod reports;
