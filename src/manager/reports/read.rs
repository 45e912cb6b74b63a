//! A closed round, read in the store while it is sent: its agents one at a time, whatever their number.

use std::sync::Arc;

use async_channel::{Sender, bounded};
use async_std::task::spawn_blocking;
use jiff::Timestamp;
use netreach_apiserver::{Contents, Trouble};
use netreach_report::{
    Filter, KdoctorReport, RoundHead, RoundSummary, Selection, Standing, around_contents, report_object,
};
use netreach_store::{Record, Store, StoreError};
use netreach_wire::RoundId;

/// Agents' entries that are written ahead of whoever reads them.
const AHEAD: usize = 2;

/// Which part of a round.
pub(super) enum Part {
    /// So much that an object holds it: everything that failed, and some of the rest.
    Object,
    /// All that passes.
    Of(Filter),
}

/// Where the round's NetReach stands.
pub(super) enum Stands {
    /// It lives.
    Now(Standing),
    /// It is gone, and these are its rounds, rising.
    Past(Vec<RoundSummary>),
}

/// A round that is being read.
pub(super) struct Opened {
    pub(super) ended: Timestamp,
    pub(super) contents: Contents,
}

/// Why a round could not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unopened {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("whoever read it has ended before its time")]
    Ended,
}

/// Opens a closed round; none where it is not kept. What is wrong with its agents is told where they would stand.
pub(super) async fn open(
    store: &Arc<Store>,
    id: RoundId,
    stands: Stands,
    part: Part,
) -> Result<Option<Opened>, Unopened> {
    let (say, said) = bounded(1);
    let (pieces, written) = bounded(AHEAD);
    let store = Arc::clone(store);
    spawn_blocking(move || {
        let record = match store.open_record(&id) {
            Ok(record) => record,
            Err(error) => return drop(say.send_blocking(Err(error))),
        };
        let is_heard = say.send_blocking(Ok(record.as_ref().map(|record| record.head().ended))).is_ok();
        let Some(record) = record.filter(|_| is_heard) else { return };
        if let Err(error) = write(&record, stands, part, &pieces) {
            // Nobody hears it where nobody reads any more.
            let _ = pieces.send_blocking(Err(error));
        }
    });
    let ended = said.recv().await.map_err(|_| Unopened::Ended)??;
    Ok(ended.map(|ended| Opened { ended, contents: Contents::new(written) }))
}

impl Unopened {
    /// Whether the round itself is damaged, or of another release.
    pub(super) fn is_the_rounds(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_the_objects())
    }
}

/// Writes everything, as far as somebody reads it.
fn write(
    record: &Record<'_>,
    stands: Stands,
    part: Part,
    pieces: &Sender<Result<Vec<u8>, Trouble>>,
) -> Result<(), Trouble> {
    let head = record.head();
    let selection = match part {
        Part::Object => Selection::shortened(head),
        Part::Of(filter) => Selection::filtered(head, &filter),
    };
    let (before, after) = around_contents(&document(head, stands, &selection));
    pieces.send_blocking(Ok(before.into_bytes()))?;
    let mut is_first = true;
    for agent in record.agents(|line, _| selection.takes(line)) {
        let (line, agent) = agent?;
        let Some(entry) = selection.agent_round(head, line, &agent) else { continue };
        let mut piece = if std::mem::take(&mut is_first) { Vec::new() } else { b",".to_vec() };
        serde_json::to_writer(&mut piece, &entry)?;
        pieces.send_blocking(Ok(piece))?;
    }
    pieces.send_blocking(Ok(after.into_bytes()))?;
    Ok(())
}

fn document(head: &RoundHead, stands: Stands, selection: &Selection) -> KdoctorReport {
    let standing = match stands {
        Stands::Now(standing) => standing,
        Stands::Past(rounds) => Standing::past(&rounds, head),
    };
    report_object(head, &standing, selection)
}
