//! What agents say at the desk.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use async_channel::Receiver;
use futures_util::StreamExt;
use netreach_dispatch::{DeskEvent, Keeping};
use netreach_store::{KeptResult, Written};
use netreach_wire::{AgentId, AgentResult, Receipt};

use crate::context::Context;
use crate::limits::KEEPING_AT_ONCE_MAX;
use crate::lives::Arrived;
use crate::observe::Poke;

/// Hears everything that is said, for ever: several at once, for each result is synced to the disk before its agent gets the receipt.
pub(crate) async fn hear_all(context: &Context, poke: &Poke, events: Receiver<DeskEvent>) {
    events.for_each_concurrent(KEEPING_AT_ONCE_MAX, |event| hear(context, poke, event)).await;
}

async fn hear(context: &Context, poke: &Poke, event: DeskEvent) {
    match event {
        DeskEvent::Present { agent, .. } => {
            tracing::debug!(%agent, "an agent has come");
            let known: BTreeSet<_> = context.world.agents().map(|known| known.id).collect();
            context.present.add(agent, |agent| known.contains(agent));
            poke.all();
        }
        DeskEvent::Submitted { agent, receipt, result, clock_offset_us, keeping } => {
            take(context, poke, agent, (receipt, result, clock_offset_us), keeping).await;
        }
    }
}

async fn take(
    context: &Context,
    poke: &Poke,
    agent: AgentId,
    (receipt, result, clock_offset_us): (Receipt, Box<AgentResult>, Option<i64>),
    keeping: Keeping,
) {
    let round = result.round.number;
    let Some(entry) = context.lives.get(&result.round.uid) else {
        if context.is_caught_up.load(Ordering::Acquire) {
            // Its NetReach was deleted, and its records with it: nobody will ask for this one.
            keeping.confirm();
        }
        // Else unconfirmed: its NetReach is just being restored, and the agent comes again.
        return;
    };
    let late = receipt == Receipt::Late;
    if late && !entry.is_open(round) {
        // The round is closed and its report made: of what comes now, nothing is told any more.
        return keeping.confirm();
    }
    // The desk says what is to be added to the agent's clock; kept is by how much that is ahead.
    let clock_ahead_us = clock_offset_us.map(i64::saturating_neg);
    let kept = KeptResult { agent: agent.clone(), late, clock_ahead_us, result: *result };
    let kept = context.on_store(move |store| store.keep_result(&kept)).await;
    if let Err(error) = &kept {
        // Unconfirmed: the agent keeps it and comes again.
        tracing::error!(%agent, %error, "a result could not be kept");
    }
    // Asked when it is written: what was written while we led is found by whoever leads next, who may have closed the round without
    // what was written later.
    if !(context.leads)() {
        return tracing::warn!(%agent, "a result is not confirmed: another manager may lead");
    }
    // Before it is confirmed: whoever waits for that finds it.
    let is_late = late && !matches!(kept, Ok(Written::Before));
    entry.arrive(Arrived { round, agent, is_late, unkept: kept.as_ref().err().map(ToString::to_string) });
    if kept.is_ok() {
        keeping.confirm();
    }
    poke.one(&entry.name);
}
