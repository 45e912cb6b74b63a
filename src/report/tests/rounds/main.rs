//! Rounds through the whole crate: facts in, report, verdict and document out.
#![allow(clippy::unwrap_used, reason = "tests")]

mod document;
mod fixture;
mod heads;
mod merging;
mod properties;
mod shown;
mod verdicts;
