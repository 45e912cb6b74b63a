//! A round that ends: read back, merged, judged, written down, told.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_std::future::timeout;
use async_std::task::spawn_blocking;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use netreach_api::NetReach;
use netreach_api::names::reason;
use netreach_report::{RoundReport, Verdict, merge};
use netreach_store::{Store, StoreError, Written};
use netreach_wire::{AgentId, RoundId};

use super::look;
use crate::context::Context;
use crate::limits::KEPT_WITHIN;
use crate::lives::{Entry, Life};
use crate::observe::agents::quote;
use crate::open::Open;
use crate::publish::Tale;
use crate::records;
use crate::restore::verdict;
use crate::tidy::{make_room, retain};

/// Ends the round under way. Whatever fails on the way, the round ends, and says so.
pub(super) async fn close(context: &Context, net_reach: &NetReach, (entry, life): (&Entry, &mut Life)) {
    let Some(open) = &life.open else { return };
    let id = open.opened.id.clone();
    if !open.opened.assignments.is_empty() {
        end_at_desk(context, &id).await;
        look::hear(entry, life);
    }
    let Some(open) = life.open.take() else { return };
    let (report, verdict) = judged(context, open).await;
    let kept = keep(context, &report, &verdict).await;
    let verdict = match &kept {
        Ok(()) => verdict,
        Err(error) => {
            tracing::error!(round = %id, %error, "a round's report could not be kept");
            Verdict::Unknown(format!("its report could not be kept: {error}"))
        }
    };
    life.history.close(&report, &verdict);
    if kept.is_ok() {
        life.is_unread = true;
        records::show(context, net_reach, (entry, life)).await;
        settle(context, &id).await;
    } else {
        // Nobody will ask for what it was made of, and others need the room.
        let of = id.clone();
        if let Err(error) = context.on_store(move |store| store.forget_round(&of)).await {
            tracing::warn!(round = %id, %error, "what a round was made of is left in the store until the next one ends");
        }
    }
    let tale = tale(&report, &verdict);
    tracing::info!(netreach = life.name, "{}", tale.note);
    life.tales.push(tale);
}

/// From here on results are late; those that came before may still be on their way to the disk.
async fn end_at_desk(context: &Context, id: &RoundId) {
    if let Err(error) = context.desk.close(id) {
        return tracing::warn!(round = %id, %error, "the desk was not told that a round is closed");
    }
    if timeout(KEPT_WITHIN, context.desk.all_kept(id)).await.is_err() {
        tracing::warn!(round = %id, "the store is too slow: results that came in time are not in the report");
    }
}

/// The report of a round and the verdict on it.
async fn judged(context: &Context, open: Open) -> (Arc<RoundReport>, Verdict) {
    let ended = Timestamp::now();
    let nodes = unready(&context.world.nodes.state());
    let id = open.opened.id.clone();
    let results = context.on_store_in_the_end(move |store| store.read_results(&id)).await;
    // Megabytes of numbers take a while.
    spawn_blocking(move || {
        let why = |agent: &AgentId| nodes.get(&agent.node).cloned();
        let report = merge(open.close(results.map_err(|error| error.to_string()), ended, why));
        let verdict = verdict(&report);
        (Arc::new(report), verdict)
    })
    .await
}

/// Keeps a report, in the room that old rounds leave where there is no other.
async fn keep(context: &Context, report: &Arc<RoundReport>, verdict: &Verdict) -> Result<(), StoreError> {
    let (of, on) = (Arc::clone(report), verdict.clone());
    let close = move |store: &Store| match store.close_round(&of, &on)? {
        Written::Now => Ok(()),
        // By ourselves, where an answer was lost, or by another. That it can be read is to be seen.
        Written::Before => store.read_head(&of.id).map(drop),
    };
    match context.on_store_in_the_end(close.clone()).await {
        Err(error) if error.is_full() => {
            make_room(context, &report.id.uid).await;
            context.on_store_in_the_end(close).await
        }
        done => done,
    }
}

/// Nodes that have not been heard of, and what is known of that.
fn unready(nodes: &[Arc<Node>]) -> BTreeMap<String, String> {
    let why = |node: &Node| {
        let conditions = node.status.as_ref()?.conditions.as_ref()?;
        let ready =
            conditions.iter().find(|condition| condition.type_ == "Ready" && condition.status != "True")?;
        let words = ready.message.as_deref().or(ready.reason.as_deref()).unwrap_or("no reason given");
        Some(format!("its node is not ready ({})", quote(words)))
    };
    nodes.iter().filter_map(|node| Some((node.metadata.name.clone()?, why(node)?))).collect()
}

/// Of a round that is closed its report is kept, and of the past what retention leaves.
async fn settle(context: &Context, id: &RoundId) {
    let of = id.clone();
    let settled = match context.on_store(move |store| store.settle_round(&of)).await {
        Ok(()) => retain(context, &id.uid).await,
        failed => failed,
    };
    if let Err(error) = settled {
        tracing::warn!(round = %id, %error, "what is not needed any more is left in the store");
    }
}

/// What there is to tell of a round that has ended.
pub(crate) fn tale(report: &RoundReport, verdict: &Verdict) -> Tale {
    let number = report.id.number;
    match verdict {
        Verdict::Succeeded => Tale::normal(
            reason::ROUND_SUCCEEDED,
            format!("round {number}: {} agents reached every target as expected", report.agents.len()),
        ),
        Verdict::Unknown(why) => {
            Tale::warning(reason::ROUND_FAILED, format!("round {number} cannot be judged: {why}"))
        }
        Verdict::Failed(reasons) => {
            let first =
                reasons.first().map(|reason| format!("{}: {reason}", reason.code())).unwrap_or_default();
            let more = reasons.len().saturating_sub(1);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            Tale::warning(reason::ROUND_FAILED, format!("round {number}: {first}{more}"))
        }
    }
}
