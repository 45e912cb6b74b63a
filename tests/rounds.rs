//! The manager beside a real API server, with real agents on loopback in the place of pods: rounds from the schedule to the status, and what
//! goes on around them.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "rounds/agent.rs"]
mod agent;
#[path = "rounds/around.rs"]
mod around;
#[path = "rounds/disk.rs"]
mod disk;
#[path = "rounds/edited.rs"]
mod edited;
#[allow(dead_code, reason = "shared with tests/ha.rs")]
#[path = "rounds/farm.rs"]
mod farm;
#[path = "rounds/full.rs"]
mod full;
#[allow(dead_code, reason = "shared with tests/reports.rs")]
#[path = "rounds/ground.rs"]
mod ground;
#[path = "rounds/kept.rs"]
mod kept;
#[path = "rounds/killed.rs"]
mod killed;
#[path = "rounds/published.rs"]
mod published;
#[path = "late/quick.rs"]
mod quick;
#[path = "rounds/refused.rs"]
mod refused;
#[path = "rounds/told.rs"]
mod told;
