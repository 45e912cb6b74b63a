//! What gets in: the real webhook beside a real API server, and the real kubectl before it.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "admit/ground.rs"]
mod ground;
#[path = "admit/rotation.rs"]
mod rotation;
#[path = "admit/table.rs"]
mod table;
#[path = "admit/verbs.rs"]
mod verbs;
#[path = "admit/warned.rs"]
mod warned;
#[path = "admit/without.rs"]
mod without;
