//! What agents say at the desk.

use async_channel::Receiver;
use futures_util::StreamExt;
use netreach_dispatch::DeskEvent;
use netreach_store::KeptResult;
use netreach_wire::{AgentId, AgentResult, Receipt};

use crate::context::Context;
use crate::limits::KEEPING_AT_ONCE_MAX;
use crate::observe::Poke;

/// Hears everything that is said, for ever: several at once, for each result is synced to the disk before its agent gets the receipt.
pub(crate) async fn hear_all(context: &Context, poke: &Poke, events: Receiver<DeskEvent>) {
    events.for_each_concurrent(KEEPING_AT_ONCE_MAX, |event| hear(context, poke, event)).await;
}

async fn hear(context: &Context, poke: &Poke, event: DeskEvent) {
    match event {
        DeskEvent::Present { agent, .. } => {
            tracing::debug!(%agent, "an agent has come");
            let known: std::collections::BTreeSet<_> = context.world.agents().map(|known| known.id).collect();
            context.present.add(agent, |agent| known.contains(agent));
            poke.all();
        }
        DeskEvent::Submitted { agent, receipt, result, clock_offset_us, keeping } => {
            let uid = result.round.uid.clone();
            let number = result.round.number;
            if context.lives.get(&uid).is_none() {
                // Its NetReach was deleted, and its records with it: nobody will ask for this one.
                return keeping.confirm();
            }
            match keep(context, agent.clone(), receipt, result, clock_offset_us).await {
                Ok(()) => {
                    keeping.confirm();
                    note(context, poke, &uid, number, agent, None).await;
                }
                // Unconfirmed: the agent keeps it and comes again.
                Err(why) => note(context, poke, &uid, number, agent, Some(why)).await,
            }
        }
    }
}

async fn keep(
    context: &Context,
    agent: AgentId,
    receipt: Receipt,
    result: Box<AgentResult>,
    clock_offset_us: Option<i64>,
) -> Result<(), String> {
    // The desk says what is to be added to the agent's clock; kept is by how much that is ahead.
    let clock_ahead_us = clock_offset_us.map(i64::saturating_neg);
    let kept = KeptResult { agent, late: receipt == Receipt::Late, clock_ahead_us, result: *result };
    let kept = context.on_store(move |store| store.keep_result(&kept)).await;
    kept.map(drop).map_err(|error| {
        tracing::error!(%error, "a result could not be kept: its agent will come again");
        error.to_string()
    })
}

async fn note(
    context: &Context,
    poke: &Poke,
    uid: &str,
    number: u64,
    agent: AgentId,
    unkept: Option<String>,
) {
    let Some(life) = context.lives.get(uid) else { return };
    let mut life = life.lock().await;
    if let Some(open) = life.open.as_mut().filter(|open| open.number() == number) {
        match unkept {
            None => open.take(agent),
            Some(why) => open.not_kept(agent, why),
        }
        poke.one(&life.name);
    }
}
