//! Takes a listener, a tide app, limits and a stop; makes answers until it is stopped and every answer in progress
//! is out. The HTTP/1.1 codec is here, routing is tide's; TLS stands between the listener and HTTP where it is wanted
//! (feature `tls`).
//!
//! Does not know what the app is for or who its callers are.

mod bind;
mod body;
mod caller;
mod connection;
mod door;
mod fault;
mod follow;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod head;
mod health;
mod inbound;
mod limits;
#[cfg_attr(
    not(feature = "metrics"),
    allow(dead_code, reason = "counted at no cost, read by the page of metrics alone")
)]
mod meter;
#[cfg(feature = "metrics")]
mod metrics;
mod phase;
mod places;
mod reply;
mod seats;
mod server;
mod socket;
mod stop;
#[cfg(feature = "tls")]
mod tls;

pub use bind::{BindError, bind, bind_each, bind_first};
pub use caller::{PeerCertificate, RawHeaders};
pub use follow::Follow;
pub use health::add_health;
pub use limits::{HEAD_BYTES_MAX, HeadLimits, Limits};
#[cfg(feature = "metrics")]
pub use metrics::{add_metrics, register_servers};
#[cfg(feature = "tls")]
pub use server::run_tls;
pub use server::{ServeError, run};
pub use stop::Stop;
#[cfg(feature = "tls")]
pub use tls::{Callers, CallersFile, IdentityFiles, Tls, TlsError, follow_callers, follow_identity};
