//! Answers as bytes: made while they are read, compressed where that is wanted, counted on their way.

mod flow;
pub(crate) mod gzip;
mod pen;
mod sent;

pub(crate) use self::flow::{Collected, Flow};
pub(crate) use self::pen::Pen;
pub(crate) use self::sent::Sent;
