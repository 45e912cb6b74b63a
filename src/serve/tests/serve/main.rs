//! A served app as its peers see it: raw sockets on loopback, bytes in and bytes out.

mod codec;
mod ending;
mod garbage;
mod host;
mod peer;
mod times;
mod waiting;
