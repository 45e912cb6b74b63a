//! Takes a listener, a tide app, limits and a stop; makes answers until it is stopped and every answer in progress
//! is out. The HTTP/1.1 codec is here, routing is tide's.
//!
//! Does not know what the app is for, who its callers are, or TLS: a connection is anything that reads and writes.

mod bind;
mod body;
mod connection;
mod fault;
mod head;
mod health;
mod inbound;
mod limits;
mod phase;
mod reply;
mod seats;
mod server;
mod stop;

pub use bind::{BindError, bind, bind_first};
pub use health::add_health;
pub use limits::{HEAD_BYTES_MAX, Limits};
pub use server::{ServeError, run};
pub use stop::Stop;
