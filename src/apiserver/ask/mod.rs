//! What is asked for: headers and query → what it means. Pure.

pub(crate) mod accept;
pub(crate) mod options;
mod pairs;
pub(crate) mod rounds;
pub(crate) mod selector;
pub(crate) mod token;
mod unfit;
pub(crate) mod versions;

pub(crate) use self::unfit::{Fault, Unfit};
