//! Composes the parts that run beside an API server into one program; so far the keeper of certificates.
//!
//! Takes arguments and credentials of a cluster. Nobody takes anything from here.

pub mod certs;
pub mod limits;
