//! An answer that is made while it is read.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use async_channel::{Receiver, bounded};
use futures_lite::Stream;

use super::pen::Pen;
use crate::refused::Refused;

/// A writer and what it has written and nobody has read yet: one chunk. The writer has no thread and no task of its own: it
/// goes on when somebody reads, and is gone with the flow.
pub(crate) struct Flow {
    // Never locked, for it is only reached through a reference of one's own: a body must be Sync, which a future need not be.
    writer: Mutex<Option<Writer>>,
    // The channel's receiver must not move once it has been polled.
    chunks: Pin<Box<Receiver<Vec<u8>>>>,
}

type Writer = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>;

impl Flow {
    /// A flow of what this writes. It gives the pen back when it is done.
    pub(crate) fn new<F>(write: impl FnOnce(Pen) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Pen, Refused>> + Send + 'static,
    {
        let (sender, chunks) = bounded(1);
        let writing = write(Pen::new(sender));
        let writer: Writer = Box::pin(async move { writing.await?.flush().await });
        Self { writer: Mutex::new(Some(writer)), chunks: Box::pin(chunks) }
    }

    /// The next chunk; none at the end. Nothing comes after an error.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>, Refused>>> {
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Ok(chunk) = self.chunks.try_recv() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            let Some(writing) = writer else {
                return self.chunks.as_mut().poll_next(cx).map(|chunk| chunk.map(Ok));
            };
            match writing.as_mut().poll(cx) {
                Poll::Ready(outcome) => {
                    // With its pen, so that the channel ends.
                    *writer = None;
                    if let Err(refused) = outcome {
                        self.chunks.close();
                        return Poll::Ready(Some(Err(refused)));
                    }
                }
                // What it has sent while it was asked is there without another wake.
                Poll::Pending if self.chunks.is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
        }
    }

    /// The next chunk; none at the end.
    async fn next(&mut self) -> Option<Result<Vec<u8>, Refused>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// Reads it as long as it is no longer than so many bytes.
    pub(crate) async fn collect(&mut self, most: usize) -> Result<Collected, Refused> {
        let (mut chunks, mut bytes) = (Vec::new(), 0);
        while bytes <= most {
            match self.next().await {
                Some(chunk) => {
                    let chunk = chunk?;
                    bytes += chunk.len();
                    chunks.push(chunk);
                }
                None => return Ok(Collected::Whole(chunks.concat())),
            }
        }
        Ok(Collected::Begun(chunks))
    }
}

/// What has been read of a flow.
pub(crate) enum Collected {
    /// All of it.
    Whole(Vec<u8>),
    /// The beginning.
    Begun(Vec<Vec<u8>>),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_lite::future::{self, block_on, poll_once};

    use super::*;
    use crate::limits::CHUNK_BYTES;

    #[test]
    fn an_answer_is_made_as_far_as_it_is_read() {
        block_on(async {
            let written = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&written);
            let mut flow = Flow::new(|mut pen| async move {
                for _ in 0..100 {
                    pen.write(&[b'a'; CHUNK_BYTES]).await?;
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                Ok(pen)
            });
            let first = flow.next().await.unwrap().unwrap();
            assert_eq!(first.len(), CHUNK_BYTES);
            assert!(written.load(Ordering::Relaxed) < 5);
            let mut bytes = first.len();
            while let Some(chunk) = flow.next().await {
                bytes += chunk.unwrap().len();
            }
            assert_eq!(bytes, 100 * CHUNK_BYTES);
            assert!(flow.next().await.is_none());
        });
    }

    #[test]
    fn what_is_small_is_collected_and_what_fails_says_why() {
        let collect = |bytes: usize, most: usize, fails: bool| {
            let mut flow = Flow::new(move |mut pen| async move {
                pen.write(&vec![b'a'; bytes]).await?;
                if fails { Err(Refused::Late) } else { Ok(pen) }
            });
            block_on(flow.collect(most))
        };
        assert!(matches!(collect(10, 10, false), Ok(Collected::Whole(whole)) if whole == [b'a'; 10]));
        assert!(
            matches!(collect(11, 10, false), Ok(Collected::Begun(chunks)) if chunks.concat().len() == 11)
        );
        assert!(matches!(collect(0, 0, false), Ok(Collected::Whole(whole)) if whole.is_empty()));
        assert!(matches!(collect(10, 10, true), Err(Refused::Late)));
        // What has begun ends with what went wrong.
        assert!(matches!(collect(5 * CHUNK_BYTES, CHUNK_BYTES, true), Ok(Collected::Begun(_))));
    }

    #[test]
    fn a_writer_that_waits_is_waited_for_and_is_gone_with_its_flow() {
        block_on(async {
            let (sender, receiver) = bounded::<()>(1);
            let mut flow = Flow::new(|mut pen| async move {
                pen.write(b"a").await?;
                pen.flush().await?;
                future::pending::<()>().await;
                drop(sender);
                Ok(pen)
            });
            assert_eq!(flow.next().await.unwrap().unwrap(), b"a");
            assert!(poll_once(flow.next()).await.is_none());
            assert!(!receiver.is_closed());
            drop(flow);
            assert!(receiver.is_closed());
        });
    }
}
