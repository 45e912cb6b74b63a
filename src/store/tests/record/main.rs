//! Records of closed rounds: written, read back in parts, torn and altered.
#![allow(clippy::unwrap_used, reason = "tests")]

mod damage;
mod parts;
mod reports;
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "made up"
)]
#[path = "../../benches/record/round.rs"]
mod round;
