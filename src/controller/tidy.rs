//! What goes though nobody asks: what is left of NetReaches that were deleted, and rounds that have become too old.

use std::collections::HashSet;

use async_std::task::sleep;
use jiff::Timestamp;
use netreach_store::{Retention, Store, StoreError};

use crate::context::Context;
use crate::leave::leave;
use crate::limits::{RETRY, TIDY_EVERY};

/// Keeps the store in order, for ever. To be begun when every NetReach has been seen.
pub(crate) async fn keep(context: &Context) {
    loop {
        match tidy(context).await {
            Ok(()) => sleep(TIDY_EVERY).await,
            Err(error) => {
                tracing::warn!(%error, "what is not to be kept is left in the store: trying again");
                sleep(RETRY).await;
            }
        }
    }
}

async fn tidy(context: &Context) -> Result<(), StoreError> {
    let (kept, retained) = context.on_store(|store| Ok((store.uids()?, store.retained()?))).await?;
    // Looked at after what is kept: nothing is kept of one before it is seen.
    let there: HashSet<_> =
        context.world.net_reaches.state().iter().filter_map(|one| one.metadata.uid.clone()).collect();
    for uid in kept {
        let retention = context.settings.retention;
        match (there.contains(&uid), retained.contains(&uid)) {
            (true, _) => {
                context.on_store(move |store| store.retain(&uid, retention, Timestamp::now())).await?;
            }
            (false, true) => context.on_store(move |store| age(store, &uid, retention)).await?,
            (false, false) => leave(context, &uid, Some(false)).await,
        }
    }
    Ok(())
}

/// Of one that is gone not even the newest round is kept for ever.
fn age(store: &Store, uid: &str, retention: Retention) -> Result<(), StoreError> {
    let now = Timestamp::now();
    store.retain(uid, retention, now)?;
    let newest = store.summaries(uid)?.rounds.pop();
    let since = retention.age.and_then(|age| now.checked_sub(age).ok());
    let is_over = newest.zip(since).is_some_and(|(newest, since)| newest.ended < since);
    if is_over { store.forget(uid) } else { Ok(()) }
}
