//! A served app as its peers see it: raw sockets on loopback, bytes in and bytes out.

#![allow(clippy::unwrap_used, reason = "a panic is how a test answers")]

mod codec;
mod crowd;
mod ending;
mod garbage;
mod host;
mod metrics;
mod peer;
mod times;
mod tls;
mod tls_caller;
mod tls_hostile;
mod tls_vouched;
mod waiting;
