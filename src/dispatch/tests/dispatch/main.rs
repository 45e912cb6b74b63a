//! What agents and the composer see of the desk: its app is called without a socket, its clock stands still until it
//! is moved. One test speaks over a real socket.

#![allow(clippy::unwrap_used, reason = "a panic is how a test answers")]

mod bench;
mod news;
mod receipts;
mod refusals;
mod socket;
