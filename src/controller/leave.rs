//! The end of a NetReach: a round under way is ended, and its records go with it unless it asks otherwise.

use std::collections::HashSet;

use async_channel::Receiver;
use netreach_api::NetReach;
use netreach_api::names::annotation;

use crate::context::Context;
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
                let annotations = net_reach.metadata.annotations.as_ref();
                let retained = annotations.and_then(|all| all.get(annotation::RETAIN_REPORTS));
                leave(context, &uid, retained.is_some_and(|retained| retained == "true")).await;
            }
            Gone::Relisted => leave_unlisted(context).await,
        }
        // What it shared with others may be theirs alone now.
        poke.all();
    }
}

/// What they asked of their reports is not known any more: they stay.
async fn leave_unlisted(context: &Context) {
    let listed: HashSet<_> =
        context.world.net_reaches.state().iter().filter_map(|one| one.metadata.uid.clone()).collect();
    for uid in context.lives.uids().into_iter().filter(|uid| !listed.contains(uid)) {
        leave(context, &uid, true).await;
    }
}

async fn leave(context: &Context, uid: &str, is_retained: bool) {
    let mut name = String::new();
    if let Some(entry) = context.lives.end(uid) {
        name.clone_from(&entry.name);
        if let Some(open) = entry.life.lock().await.open.take() {
            let id = &open.opened.id;
            // A round that was never handed out is unknown to the desk, which is no harm.
            let _ = context.desk.cancel(id);
            let _ = context.desk.close(id);
        }
    }
    if !is_retained {
        let of = uid.to_owned();
        if let Err(error) = context.on_store(move |store| store.forget(&of)).await {
            tracing::warn!(uid, %error, "records of a deleted NetReach are left behind");
        }
    }
    tracing::info!(netreach = name, uid, "a NetReach has left");
}
