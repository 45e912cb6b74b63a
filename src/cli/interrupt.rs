//! Ctrl-C, and what else asks a program to end.

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use netreach_serve::Stop;

use crate::ending::Trouble;

/// What the shell makes of a program that is ended by Ctrl-C.
const EXIT_CODE_INTERRUPTED: i32 = 130;

/// A switch that the first signal throws; the second signal ends the program at once.
pub(crate) fn heed_signals() -> Result<Stop, Trouble> {
    let interrupted = Stop::new();
    let signals = Signals::new([Signal::Int, Signal::Term, Signal::Hup]);
    let mut signals = signals.map_err(|source| Trouble::System { attempt: "listen to signals", source })?;
    let throw = interrupted.clone();
    async_std::task::spawn(async move {
        signals.next().await;
        throw.stop();
        signals.next().await;
        // Agents of a local run end by themselves: their standard input closes with us.
        std::process::exit(EXIT_CODE_INTERRUPTED);
    });
    Ok(interrupted)
}
