//! Asks the cluster, takes its answers: held as a whole, or passed on as they come.

use std::future::Future;
use std::io;
use std::pin::Pin;

use async_io::Timer;
use futures_lite::{AsyncRead, AsyncReadExt, FutureExt};
use http::header::ACCEPT;
use kube::Client;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use super::limits::{HELD_BYTES_MAX, SILENT_MAX};
use crate::connect::innermost;
use crate::refusal::Refusal;
use crate::show;

/// What is asked for.
pub(super) const JSON: &str = "application/json";
/// Metadata alone: the reports themselves may take megabytes.
pub(super) const NAMES: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// Reads from one cluster.
pub(super) struct Reader {
    pub(super) client: Client,
    /// Whether the client keeps its own words to itself: what is wrong is told once, by us.
    pub(super) is_quiet: bool,
}

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadTrouble {
    /// None has begun.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It ended before its end.
    #[error("the answer was cut off after {bytes} bytes: {why}")]
    CutOff { bytes: u64, why: String },
    /// More than is held.
    #[error(
        "the answer has more than {} MiB: ask for less by --failed, --node or --family, or have it passed on as it \
         comes by -o json",
        HELD_BYTES_MAX >> 20
    )]
    TooLarge,
    /// Not what JSON is made of.
    #[error("the answer is not UTF-8 text")]
    NoText,
    /// It is there, and cannot be printed.
    #[error("could not write to standard output")]
    Print(#[source] io::Error),
}

/// An answer under way.
struct Answer {
    body: Pin<Box<dyn AsyncRead>>,
    bytes: u64,
}

impl Reader {
    /// The whole answer.
    pub(super) async fn hold(&self, path: &str, form: &str) -> Result<String, ReadTrouble> {
        let mut answer = self.ask(path, form).await?;
        let (mut held, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
        loop {
            match answer.read(&mut buffer).await? {
                0 => return String::from_utf8(held).map_err(|_| ReadTrouble::NoText),
                _ if answer.bytes > HELD_BYTES_MAX => return Err(ReadTrouble::TooLarge),
                count => held.extend_from_slice(&buffer[..count]),
            }
        }
    }

    /// Prints the answer as it comes, and no more of it is held than a piece.
    pub(super) async fn pass(&self, path: &str) -> Result<(), ReadTrouble> {
        let mut answer = self.ask(path, JSON).await?;
        let (mut buffer, mut is_line) = (vec![0; READ_BYTES], true);
        loop {
            let count = answer.read(&mut buffer).await?;
            if count == 0 {
                break;
            }
            is_line = buffer[count - 1] == b'\n';
            if !show::piece(&buffer[..count]).map_err(ReadTrouble::Print)? {
                return Ok(());
            }
        }
        // A shell goes on at the beginning of a line.
        if !is_line {
            show::piece(b"\n").map_err(ReadTrouble::Print)?;
        }
        Ok(())
    }

    async fn ask(&self, path: &str, form: &str) -> Result<Answer, ReadTrouble> {
        let request = http::Request::get(path).header(ACCEPT, form).body(Vec::new());
        let request = request.map_err(|error| Refusal::Unreached(error.to_string()))?;
        let asking = self.client.request_stream(request);
        let answer = if self.is_quiet {
            in_time(asking.with_subscriber(NoSubscriber::default())).await
        } else {
            in_time(asking).await
        };
        let answer = answer.map_err(Refusal::Unreached)?;
        let body = answer.map_err(|error| Refusal::of(&error))?;
        Ok(Answer { body: Box::pin(body), bytes: 0 })
    }
}

impl Answer {
    /// How many more bytes have come; 0 at the end.
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadTrouble> {
        let bytes = self.bytes;
        let cut_off = |why| ReadTrouble::CutOff { bytes, why };
        let read = in_time(self.body.read(buffer)).await.map_err(cut_off)?;
        let count = read.map_err(|error| cut_off(innermost(&error)))?;
        self.bytes += count as u64;
        Ok(count)
    }
}

/// What comes of it, unless it takes too long.
async fn in_time<T>(coming: impl Future<Output = T>) -> Result<T, String> {
    let too_long = async {
        Timer::after(SILENT_MAX).await;
        Err(format!("nothing came for {} s", SILENT_MAX.as_secs()))
    };
    async { Ok(coming.await) }.or(too_long).await
}
