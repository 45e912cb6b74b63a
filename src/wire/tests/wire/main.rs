//! What goes over the wire: that it comes back, that it fits, and that nothing else is believed.
#![allow(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod round_trip;
mod samples;
mod sizes;
