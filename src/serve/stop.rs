//! How a server learns that it should end.

use std::convert::Infallible;
use std::io;

use async_channel::{Receiver, Sender, bounded};
use async_signal::{Signal, Signals};
use futures_lite::StreamExt;

/// One switch, any number of clones; thrown once and for all.
#[derive(Debug, Clone)]
pub struct Stop {
    // Nothing is ever sent: closing a channel wakes everybody who receives, at no cost until then.
    sender: Sender<Infallible>,
    receiver: Receiver<Infallible>,
}

impl Stop {
    /// A switch that has not been thrown.
    #[must_use]
    pub fn new() -> Self {
        let (sender, receiver) = bounded(1);
        Self { sender, receiver }
    }

    /// Throws it. Throwing it again changes nothing.
    pub fn stop(&self) {
        self.sender.close();
    }

    /// Has it thrown by SIGTERM and by SIGINT from now on.
    ///
    /// # Errors
    /// When the system gives no way to hear them.
    pub fn throw_on_signals(&self) -> io::Result<()> {
        let mut signals = Signals::new([Signal::Term, Signal::Int])?;
        let stop = self.clone();
        async_std::task::spawn(async move {
            signals.next().await;
            stop.stop();
        });
        Ok(())
    }

    /// Whether it has been thrown.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.receiver.is_closed()
    }

    /// Ends when it is thrown, at once if it has been.
    pub async fn stopped(&self) {
        // The only way out of this is the error of a closed channel.
        let _ = self.receiver.recv().await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::{block_on, poll_once};

    use super::*;

    #[test]
    fn every_clone_hears_the_stop_and_none_hears_it_before() {
        block_on(async {
            let (here, there) = (Stop::new(), Stop::new());
            let clone = here.clone();
            assert!(poll_once(clone.stopped()).await.is_none());
            here.stop();
            here.stop();
            clone.stopped().await;
            assert!(clone.is_stopped());
            assert!(!there.is_stopped());
        });
    }
}
