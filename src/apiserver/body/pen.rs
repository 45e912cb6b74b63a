//! The writing end of an answer.

use async_channel::Sender;
use serde::Serialize;

use crate::limits::CHUNK_BYTES;
use crate::refused::Refused;

/// Collects what is written and hands it on in chunks, each as soon as the one before it has been taken.
pub(crate) struct Pen {
    chunks: Sender<Vec<u8>>,
    chunk: Vec<u8>,
}

impl Pen {
    pub(super) fn new(chunks: Sender<Vec<u8>>) -> Self {
        Self { chunks, chunk: Vec::new() }
    }

    pub(crate) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Refused> {
        while self.chunk.len() + bytes.len() > CHUNK_BYTES {
            let (now, later) = bytes.split_at(CHUNK_BYTES - self.chunk.len());
            self.chunk.extend_from_slice(now);
            bytes = later;
            self.flush().await?;
        }
        self.chunk.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes something small: it is written out at once.
    pub(crate) async fn json(&mut self, value: &(impl Serialize + Sync)) -> Result<(), Refused> {
        serde_json::to_writer(&mut self.chunk, value)?;
        if self.chunk.len() >= CHUNK_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Hands on what has been collected.
    pub(crate) async fn flush(&mut self) -> Result<(), Refused> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::take(&mut self.chunk);
        self.chunks.send(chunk).await.map_err(|_| Refused::Unread)
    }
}
