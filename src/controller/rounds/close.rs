//! A round that ends: read back, merged, judged, written down, told.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_std::future::timeout;
use async_std::task::spawn_blocking;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use netreach_api::NetReach;
use netreach_api::names::reason;
use netreach_report::{ClosedRound, Merging, RoundReport, Submitted, Verdict};
use netreach_store::{DamagedResult, KeptResult, Store, StoreError, Written};
use netreach_wire::RoundId;

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
    if life.open.as_ref().is_some_and(|open| !open.opened.assignments.is_empty()) {
        end_at_desk(context, &id).await;
        look::hear(entry, life);
    }
    let open = life.open.take()?;
    life.unwritten = None;
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
    None
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
    let nodes = unready(&context.world.nodes.state());
    let round = open.close(Timestamp::now(), |agent| nodes.get(&agent.node).cloned());
    let of = round.clone();
    let merged = context.on_store_in_the_end(move |store| merged(store, of.clone())).await;
    // Megabytes of numbers take a while.
    spawn_blocking(move || {
        let report = merged.unwrap_or_else(|error| {
            let mut merging = Merging::new(round);
            merging.lose(format!("they could not be read back: {error}"));
            merging.finish()
        });
        let verdict = verdict(&report);
        (Arc::new(report), verdict)
    })
    .await
}

/// What the results of a round come to. A few of them are in memory at a time.
fn merged(store: &Store, round: ClosedRound) -> Result<RoundReport, StoreError> {
    let id = round.id.clone();
    let mut merging = Merging::new(round);
    let damaged = store.each_result(&id, |KeptResult { agent, late, clock_ahead_us, result }| {
        merging.take_by_clock(&Submitted { agent, result, late }, clock_ahead_us.unwrap_or_default());
    })?;
    for DamagedResult { agent, damaged } in damaged {
        // What lay where no agent's belongs was nobody's.
        if let Some(agent) = agent {
            merging.lose_result(&agent, &damaged.why);
        }
    }
    Ok(merging.finish())
}

/// Writes a report down, unless it was written before: by ourselves, where an answer was lost, or by another.
fn write(store: &Store, report: &RoundReport, verdict: &Verdict) -> Result<(), StoreError> {
    if store.close_round(report, verdict)? == Written::Now {
        return Ok(());
    }
    match store.read_head(&report.id) {
        Ok(Some(_)) => Ok(()),
        // What could not be read is out of the way now.
        Ok(None) | Err(StoreError::Corrupt { .. }) => store.close_round(report, verdict).map(drop),
        Err(error) => Err(error),
    }
}

/// Keeps a report, in the room that old rounds leave where there is no other.
async fn keep(context: &Context, report: &Arc<RoundReport>, verdict: &Verdict) -> Result<(), StoreError> {
    let (of, on) = (Arc::clone(report), verdict.clone());
    let close = move |store: &Store| write(store, &of, &on);
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use netreach_report::MissingAgent;
    use netreach_store::OpenedRound;
    use netreach_wire::AgentId;

    use super::*;

    #[test]
    fn a_round_whose_result_is_damaged_names_it() {
        let agent = AgentId { node: "n".to_owned(), pod: "p".to_owned() };
        let at = |seconds| Timestamp::from_second(seconds).expect("it is a small number");
        let opened = OpenedRound {
            task: "task".to_owned(),
            spec: serde_json::Value::Null,
            assignments: Vec::new(),
            id: RoundId { uid: "uid".to_owned(), number: 1 },
            due: at(0),
            start: at(0),
            deadline: at(60),
            absent: vec![MissingAgent { agent: agent.clone(), why: String::new() }],
            gaps: Vec::new(),
            sampling: None,
            not_begun: None,
        };
        let dir = tempfile::tempdir().unwrap();
        let results = dir.path().join("uid/rounds/1/results/n");
        fs::create_dir_all(&results).unwrap();
        fs::write(results.join("p"), "torn").unwrap();
        let store = Store::open_local(dir.path()).unwrap();
        let open = Open::new(opened, Instant::now(), &[]);
        let report = merged(&store, open.close(at(61), |_| None)).unwrap();
        assert_eq!(report.missing[0].agent, agent);
        let why = report.missing[0].why.strip_prefix("its result is damaged: ").unwrap();
        assert_eq!(report.results_lost, Some(format!("that of p on n is damaged: {why}")));
    }
}
