//! The end of a NetReach: a round under way is ended, and its records go with it unless it asks otherwise.
//!
//! What it asked is noted in the store while it is there: nobody may be there when it is deleted.

use std::collections::HashSet;

use async_channel::Receiver;
use netreach_api::NetReach;
use netreach_api::names::annotation;

use crate::context::Context;
use crate::lives::Life;
use crate::observe::Poke;

/// What the watch of NetReaches tells of their ends.
pub(crate) enum Gone {
    /// This one was deleted.
    One(Box<NetReach>),
    /// All were listed anew: those that are not among them were deleted in between.
    Relisted,
}

/// Takes leave of every NetReach that is deleted, for ever.
pub(crate) async fn leave_all(context: &Context, poke: &Poke, gone: Receiver<Gone>) {
    while let Ok(gone) = gone.recv().await {
        match gone {
            Gone::One(net_reach) => {
                let Some(uid) = net_reach.metadata.uid.clone() else { continue };
                leave(context, &uid, Some(is_retained(&net_reach))).await;
            }
            Gone::Relisted => leave_unlisted(context).await,
        }
        // What it shared with others may be theirs alone now.
        poke.all();
    }
}

async fn leave_unlisted(context: &Context) {
    let listed: HashSet<_> =
        context.world.net_reaches.state().iter().filter_map(|one| one.metadata.uid.clone()).collect();
    for uid in context.lives.uids().into_iter().filter(|uid| !listed.contains(uid)) {
        leave(context, &uid, None).await;
    }
}

/// Notes what becomes of its records when it is deleted, where that has changed.
pub(crate) async fn heed(context: &Context, net_reach: &NetReach, life: &mut Life) {
    let is_retained = is_retained(net_reach);
    if life.is_retained == Some(is_retained) {
        return;
    }
    let uid = life.uid.clone();
    match context.on_store(move |store| store.set_retained(&uid, is_retained)).await {
        Ok(()) => life.is_retained = Some(is_retained),
        // The next look tries again.
        Err(error) => {
            tracing::warn!(netreach = life.name, %error, "{} is not noted", annotation::RETAIN_REPORTS);
        }
    }
}

/// Forgets what is kept of NetReaches that were deleted while nobody was there, unless they asked otherwise.
pub(crate) async fn sweep(context: &Context) {
    let (kept, retained) = match context.on_store(|store| Ok((store.uids()?, store.retained()?))).await {
        Ok(kept) => kept,
        Err(error) => {
            return tracing::warn!(%error, "records of NetReaches that were deleted may be left behind");
        }
    };
    // Looked at after what is kept: nothing is kept of one before it is seen.
    let there: HashSet<_> =
        context.world.net_reaches.state().iter().filter_map(|one| one.metadata.uid.clone()).collect();
    for uid in kept.iter().filter(|uid| !there.contains(*uid) && !retained.contains(*uid)) {
        leave(context, uid, Some(false)).await;
    }
}

fn is_retained(net_reach: &NetReach) -> bool {
    let annotations = net_reach.metadata.annotations.as_ref();
    annotations.and_then(|all| all.get(annotation::RETAIN_REPORTS)).is_some_and(|retained| retained == "true")
}

/// Takes leave of one. `asked`: whether its records are to stay, where that is known better than by the last look at it.
pub(crate) async fn leave(context: &Context, uid: &str, asked: Option<bool>) {
    let (mut name, mut is_retained) = (String::new(), asked);
    if let Some(entry) = context.lives.end(uid) {
        name.clone_from(&entry.name);
        entry.untell(|| context.shows.withdraw(&entry.name, uid));
        let mut life = entry.life.lock().await;
        is_retained = asked.or(life.is_retained);
        if let Some(open) = life.open.take() {
            let id = &open.opened.id;
            // A round that was never handed out is unknown to the desk, which is no harm.
            let _ = context.desk.cancel(id);
            let _ = context.desk.close(id);
        }
    }
    let of = uid.to_owned();
    let left = context.on_store(move |store| match is_retained {
        Some(false) => store.forget(&of),
        // Noted for whoever sweeps next.
        Some(true) => store.set_retained(&of, true),
        // Never looked at: who sweeps next knows as much.
        None => Ok(()),
    });
    if let Err(error) = left.await {
        tracing::warn!(uid, %error, "records of a deleted NetReach are left behind");
    }
    tracing::info!(netreach = name, uid, is_retained, "a NetReach has left");
}
