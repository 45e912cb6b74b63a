//! The servers of a process, each on a task of its own.

use async_std::task::{self, JoinHandle};
use futures_util::StreamExt;
use futures_util::future::pending;
use futures_util::stream::FuturesUnordered;
use netreach_serve::ServeError;

type Ended = Result<(), ServeError>;

/// Servers that run until a switch of theirs is thrown. One that ends before is a failure, and none goes unnoticed.
#[derive(Default)]
pub(crate) struct Servers(FuturesUnordered<JoinHandle<Ended>>);

impl Servers {
    pub(crate) fn add(&mut self, server: impl Future<Output = Ended> + Send + 'static) {
        self.0.push(task::spawn(server));
    }

    /// Ends when one of them fails, with its error. Those that were stopped are none of them.
    pub(crate) async fn failed(&mut self) -> ServeError {
        while let Some(ended) = self.0.next().await {
            if let Err(error) = ended {
                return error;
            }
        }
        pending().await
    }

    /// Ends when all have: after their switch was thrown.
    pub(crate) async fn ended(mut self) -> Ended {
        while let Some(ended) = self.0.next().await {
            ended?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use async_std::task::block_on;
    use futures_lite::future::{poll_once, yield_now};

    use super::*;

    fn failure() -> ServeError {
        ServeError::Accept(io::Error::from_raw_os_error(22))
    }

    /// Servers that end as these say, one after another; then one that goes on.
    fn check(ends: &[bool], fails: bool) {
        block_on(async {
            let mut servers = Servers::default();
            for is_well in ends {
                let ended = if *is_well { Ok(()) } else { Err(failure()) };
                servers.add(async { ended });
            }
            servers.add(pending());
            if fails {
                servers.failed().await;
            }
            // Where none fails, all that have ended are heard, and none of them is taken for a failure.
            while !fails && servers.0.len() > 1 {
                assert!(poll_once(servers.failed()).await.is_none(), "{ends:?}");
                yield_now().await;
            }
        });
    }

    #[test]
    fn one_that_fails_is_noticed_among_those_that_end_well_and_those_that_go_on() {
        check(&[], false);
        check(&[true, true], false);
        check(&[false], true);
        check(&[true, false, true], true);
    }

    #[test]
    fn the_end_of_all_is_the_end_and_a_failure_is_told_then_too() {
        block_on(async {
            let mut servers = Servers::default();
            servers.add(async { Ok(()) });
            assert!(servers.ended().await.is_ok());
            let mut servers = Servers::default();
            servers.add(async { Err(failure()) });
            servers.add(async { Ok(()) });
            assert!(servers.ended().await.is_err());
            assert!(Servers::default().ended().await.is_ok());
            // Without servers nothing fails.
            assert!(poll_once(Servers::default().failed()).await.is_none());
        });
    }
}
