//! What is in a report, as it is written: in pieces, so that nobody has to hold it whole.

use std::fmt;
use std::io::{self, Write};
use std::pin::Pin;

use async_channel::{Sender, bounded};
use async_std::task;
use futures_lite::{Stream, StreamExt};
use serde::Serialize;

use crate::Trouble;
use crate::limits::CHUNK_BYTES;

/// Pieces that are written ahead of whoever reads them.
const AHEAD: usize = 2;

/// What a report has beside its kind and its metadata: one JSON object with at least one field (`{"spec":…}`, and `status`
/// where there is one), in pieces of any size. A piece is asked for when the one before it has been sent, and none after it
/// fails.
pub struct Contents(Pin<Box<dyn Stream<Item = Piece> + Send>>);

type Piece = Result<Vec<u8>, Trouble>;

impl Contents {
    /// Of pieces that are made elsewhere. The stream is dropped as soon as nobody wants the rest.
    #[must_use]
    pub fn new(pieces: impl Stream<Item = Piece> + Send + 'static) -> Self {
        Self(Box::pin(pieces))
    }

    /// Of a value that is written out on a thread of its own as far as somebody reads. It must come to a JSON object.
    #[must_use]
    pub fn written(value: impl Serialize + Send + 'static) -> Self {
        let (pieces, written) = bounded(AHEAD);
        task::spawn_blocking(move || {
            let mut writer = Pieces { pieces, piece: Vec::with_capacity(CHUNK_BYTES) };
            let outcome = serde_json::to_writer(&mut writer, &value).map_err(io::Error::from);
            if let Err(error) = outcome.and_then(|()| writer.flush()) {
                // Nobody hears it where the reason is that nobody reads.
                let _ = writer.pieces.send_blocking(Err(error.into()));
            }
        });
        Self::new(written)
    }

    pub(crate) async fn next(&mut self) -> Option<Piece> {
        self.0.next().await
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").finish_non_exhaustive()
    }
}

/// Collects what is written into pieces, and waits where they are not taken.
struct Pieces {
    pieces: Sender<Piece>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() + bytes.len() > CHUNK_BYTES {
            self.flush()?;
        }
        let count = bytes.len().min(CHUNK_BYTES);
        self.piece.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(CHUNK_BYTES));
        self.pieces.send_blocking(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_lite::future::block_on;
    use serde::Serializer;
    use serde::ser::{Error as _, SerializeMap};

    use super::*;

    /// A list of so many numbers, which says how many have been written, and cannot be written to its end.
    struct Numbers(u32, Arc<AtomicUsize>);

    impl Serialize for Numbers {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            for number in 0..self.0 {
                map.serialize_entry(&number, &number)?;
                self.1.fetch_add(1, Ordering::Relaxed);
            }
            Err(S::Error::custom("no more numbers"))
        }
    }

    #[test]
    fn a_value_is_written_as_it_is() {
        block_on(async {
            let value = serde_json::json!({"spec": {"text": "a".repeat(200_000)}, "status": [1, 2]});
            let mut contents = Contents::written(value.clone());
            let mut text = Vec::new();
            while let Some(piece) = contents.next().await {
                let piece = piece.unwrap();
                assert!(piece.len() <= CHUNK_BYTES);
                text.extend(piece);
            }
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).unwrap(), value);
        });
    }

    #[test]
    fn nothing_is_written_far_ahead_and_what_fails_is_told() {
        block_on(async {
            let written = Arc::new(AtomicUsize::new(0));
            let mut contents = Contents::written(Numbers(100_000, Arc::clone(&written)));
            contents.next().await.unwrap().unwrap();
            // Each entry takes at least six bytes.
            assert!(written.load(Ordering::Relaxed) <= (AHEAD + 3) * CHUNK_BYTES / 6);
            let mut last = None;
            while let Some(piece) = contents.next().await {
                last = Some(piece);
            }
            assert_eq!(last.unwrap().unwrap_err().to_string(), "no more numbers");
        });
    }
}
