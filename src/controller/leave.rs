//! The end of a NetReach: a round under way is ended, and its records go with it unless it asks otherwise.

use async_channel::Receiver;
use netreach_api::NetReach;
use netreach_api::names::annotation;

use crate::context::Context;
use crate::observe::Poke;

/// Takes leave of every NetReach that is deleted, for ever.
pub(crate) async fn leave_all(context: &Context, poke: &Poke, gone: Receiver<NetReach>) {
    while let Ok(net_reach) = gone.recv().await {
        leave(context, &net_reach).await;
        // What it shared with others may be theirs alone now.
        poke.all();
    }
}

async fn leave(context: &Context, net_reach: &NetReach) {
    let Some(uid) = net_reach.metadata.uid.clone() else { return };
    let name = net_reach.metadata.name.as_deref().unwrap_or_default();
    if let Some(life) = context.lives.end(&uid)
        && let Some(open) = life.lock().await.open.take()
    {
        let id = &open.opened.id;
        // A round that was never handed out is unknown to the desk, which is no harm.
        let _ = context.desk.cancel(id);
        let _ = context.desk.close(id);
    }
    let retained =
        net_reach.metadata.annotations.as_ref().and_then(|all| all.get(annotation::RETAIN_REPORTS));
    if retained.is_none_or(|retained| retained != "true") {
        let of = uid.clone();
        if let Err(error) = context.on_store(move |store| store.forget(&of)).await {
            tracing::warn!(uid, %error, "records of a deleted NetReach are left behind");
        }
    }
    tracing::info!(netreach = name, uid, "a NetReach has left");
}
