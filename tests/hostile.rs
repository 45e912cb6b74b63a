//! The webhook among peers that mean it ill: each gets a bounded answer or a closed connection, and a good caller is served all the while.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "hostile/caller.rs"]
mod caller;
#[path = "hostile/crowd.rs"]
mod crowd;
#[path = "hostile/host.rs"]
mod host;
#[path = "hostile/requests.rs"]
mod requests;
