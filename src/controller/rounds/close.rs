//! A round that ends: read back, merged, judged, written down, told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use async_std::task::spawn_blocking;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use netreach_api::NetReach;
use netreach_api::names::reason;
use netreach_report::{RoundReport, Verdict, merge};
use netreach_store::StoreError;
use netreach_wire::{AgentId, RoundId};

use crate::context::Context;
use crate::limits::RETRY;
use crate::lives::{Entry, Life};
use crate::observe::agents::quote;
use crate::open::Open;
use crate::publish::Tale;
use crate::records;
use crate::restore::verdict;

/// Ends the round under way. Whatever fails on the way, the round ends, and says so; but for a store that is away, which comes back:
/// until then it is not ended, and why is said.
pub(super) async fn close(
    context: &Context,
    net_reach: &NetReach,
    (entry, life): (&Entry, &mut Life),
) -> Option<StoreError> {
    let id = life.open.as_ref()?.opened.id.clone();
    // What agents could not hand in meanwhile they keep, as long as they are not told that the round is closed.
    let of = id.clone();
    if let Err(error) = context.on_store(move |store| store.kept_agents(&of)).await
        && error.is_away()
    {
        tracing::warn!(round = %id, %error, "a round cannot be closed yet");
        life.open.as_mut()?.withhold(&error.to_string());
        return Some(error);
    }
    let open = life.open.take()?;
    life.unwritten = None;
    if !open.opened.assignments.is_empty()
        && let Err(error) = context.desk.close(&id)
    {
        tracing::warn!(round = %id, %error, "the desk was not told that a round is closed");
    }
    let (report, Judged { verdict, is_kept }) = judged(context, open).await;
    life.history.close(&report, &verdict);
    if is_kept {
        life.is_unread = true;
        records::show(context, net_reach, (entry, life)).await;
        tidy(context, &id).await;
    }
    let tale = tale(&report, &verdict);
    tracing::info!(netreach = life.name, "{}", tale.note);
    life.tales.push(tale);
    None
}

struct Judged {
    verdict: Verdict,
    is_kept: bool,
}

async fn judged(context: &Context, open: Open) -> (RoundReport, Judged) {
    let nodes = unready(&context.world.nodes.state());
    let store = Arc::clone(&context.store);
    let ended = Timestamp::now();
    // Megabytes of numbers take a while, and reading them waits for the disk.
    spawn_blocking(move || {
        let id = open.opened.id.clone();
        let results = once_there(|| store.read_results(&id)).map_err(|error| error.to_string());
        let why = |agent: &AgentId| nodes.get(&agent.node).cloned();
        let report = merge(open.close(results, ended, why));
        let verdict = verdict(&report);
        match once_there(|| store.close_round(&report, &verdict)) {
            Ok(_) => (report, Judged { verdict, is_kept: true }),
            Err(error) => {
                tracing::error!(round = %id, %error, "a round's report could not be kept");
                (
                    report,
                    Judged {
                        verdict: Verdict::Unknown(format!("its report could not be kept: {error}")),
                        is_kept: false,
                    },
                )
            }
        }
    })
    .await
}

/// Works on a store, again while it is away: agents were told already that they may forget what it holds.
fn once_there<T>(work: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    loop {
        match work() {
            Err(error) if error.is_away() => {
                tracing::warn!(%error, "a round is being closed: trying again");
                thread::sleep(RETRY);
            }
            done => return done,
        }
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
async fn tidy(context: &Context, id: &RoundId) {
    let (of, retention) = (id.clone(), context.settings.retention);
    let tidied = context.on_store(move |store| {
        store.settle_round(&of)?;
        store.retain(&of.uid, retention, Timestamp::now())
    });
    match tidied.await {
        Ok(removed) if !removed.rounds.is_empty() => {
            tracing::info!(uid = id.uid, rounds = ?removed.rounds, bytes = removed.bytes, "old rounds are removed");
        }
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(round = %id, %error, "what is not needed any more is left in the store");
        }
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
