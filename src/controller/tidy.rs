//! What goes though nobody asks: what is left of NetReaches that were deleted, and rounds that have become too old.

use std::collections::HashSet;

use async_std::task::sleep;
use jiff::Timestamp;
use netreach_store::{Removed, StoreError};

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
        match (there.contains(&uid), retained.contains(&uid)) {
            (true, _) => retain(context, &uid).await?,
            (false, true) => age(context, &uid).await?,
            (false, false) => leave(context, &uid, Some(false)).await,
        }
    }
    Ok(())
}

/// Leaves of a NetReach's past what is to be kept of it.
pub(crate) async fn retain(context: &Context, uid: &str) -> Result<(), StoreError> {
    let (of, retention) = (uid.to_owned(), context.settings.retention);
    let Removed { rounds, bytes } =
        context.on_store(move |store| store.retain(&of, retention, Timestamp::now())).await?;
    if !rounds.is_empty() {
        tracing::info!(uid, ?rounds, bytes, "old rounds are removed");
    }
    Ok(())
}

/// Does so before a full store is asked again.
pub(crate) async fn make_room(context: &Context, uid: &str) {
    if let Err(error) = retain(context, uid).await {
        tracing::warn!(uid, %error, "no room could be made in a full store");
    }
}

/// Of one that is gone not even the newest round is kept for ever.
async fn age(context: &Context, uid: &str) -> Result<(), StoreError> {
    retain(context, uid).await?;
    let since = context.settings.retention.age.and_then(|age| Timestamp::now().checked_sub(age).ok());
    let of = uid.to_owned();
    context
        .on_store(move |store| {
            let newest = store.summaries(&of)?.rounds.pop();
            let is_over = newest.zip(since).is_some_and(|(newest, since)| newest.ended < since);
            if is_over { store.forget(&of) } else { Ok(()) }
        })
        .await
}
