//! What the rounds have come to, told to whoever shows it as it comes about.

use std::collections::BTreeMap;

use jiff::Timestamp;
use netreach_api::{NetReach, Rounds, check};
use netreach_report::{RoundSummary, Standing};
use netreach_store::{Store, StoreError, Summaries};

use crate::context::Context;
use crate::lives::{Entry, Life};

/// Shows the newest round of each NetReach that has one, and is told what becomes of it. What is in a round is in the store, under the
/// NetReach's uid. Nothing here may wait: whoever tells is at work on a NetReach.
pub trait Shows: Send + Sync {
    /// From now on this is what there is to show of that NetReach; often that is what was told before.
    fn show(&self, newest: Newest);

    /// There is nothing more to show of the NetReach of that name and uid. A namesake may be shown already.
    fn withdraw(&self, task: &str, uid: &str);

    /// All that was there when this process began has been told.
    fn begin(&self);
}

/// The newest round of a NetReach whose record is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    /// The NetReach's name.
    pub task: String,
    /// Its uid.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When a round of it was reported for the first time.
    pub first: Timestamp,
    /// The round.
    pub round: RoundSummary,
    /// Where the NetReach stands.
    pub standing: Standing,
}

/// The same as far as the store knows it.
#[derive(Debug, Clone)]
pub(crate) struct Reported {
    first: Timestamp,
    round: RoundSummary,
}

impl Reported {
    /// The newest of them that can be read.
    pub(crate) fn newest(kept: Summaries) -> Option<Self> {
        let Summaries { first, mut rounds, damaged: _ } = kept;
        let round = rounds.pop()?;
        Some(Self { first: first.unwrap_or(round.ended), round })
    }

    fn read(store: &Store, uid: &str) -> Result<Option<Self>, StoreError> {
        store.summaries(uid).map(Self::newest)
    }
}

/// Tells what there is to show of a life, where there is anything.
pub(crate) async fn show(context: &Context, net_reach: &NetReach, (entry, life): (&Entry, &mut Life)) {
    if life.is_unread {
        let uid = life.uid.clone();
        match context.on_store(move |store| Reported::read(store, &uid)).await {
            Ok(reported) => (life.reported, life.is_unread) = (reported, false),
            // What was there before is shown until the next look.
            Err(error) => {
                tracing::warn!(netreach = life.name, %error, "the newest report cannot be shown yet");
            }
        }
    }
    let Some(Reported { first, round }) = life.reported.clone() else { return };
    let rounds = check(&net_reach.spec).map_or(Rounds::Forever, |spec| spec.rounds());
    let newest = Newest {
        task: life.name.clone(),
        uid: life.uid.clone(),
        labels: net_reach.metadata.labels.clone().unwrap_or_default(),
        first,
        round,
        standing: Standing::of(&life.history, rounds, life.is_finished),
    };
    entry.tell(|| context.shows.show(newest));
}
