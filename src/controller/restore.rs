//! A NetReach seen for the first time by this process: what its status and the store know of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use netreach_api::{NetReach, NetReachSpec, RoundStatus, check};
use netreach_report::{ClosedRound, History, RoundHead, RoundReport, Verdict, judge, merge};
use netreach_store::DamagedRound;
use netreach_wire::RoundId;

use crate::ControllerError;
use crate::context::Context;
use crate::leave;
use crate::lives::{Entry, Life};
use crate::open::Open;
use crate::records::{self, Reported};
use crate::rounds::tale;
use crate::workload::{Crew, identity};

/// Its life: the one that is known, or one that goes on from what was written down.
pub(crate) async fn life(context: &Context, net_reach: &NetReach) -> Result<Arc<Entry>, ControllerError> {
    let (name, uid) = identity(net_reach)?;
    if let Some(entry) = context.lives.get(uid) {
        return Ok(entry);
    }
    let _turn = context.restoring.lock().await;
    if let Some(entry) = context.lives.get(uid) {
        return Ok(entry);
    }
    let status = net_reach.status.as_ref();
    let history = History::from_status(status);
    let is_finished = status.is_some_and(|status| status.finish);
    let mut life = Life::new(name, uid, history, is_finished, Instant::now());
    life.written.clone_from(&net_reach.status);
    if status.is_some_and(|status| status.observed_generation != net_reach.metadata.generation) {
        // Edited while nobody was there: what it asks for, it asks for from now on.
        life.asked.since = Timestamp::now();
    }
    catch_up(context, &mut life).await?;
    resume(context, net_reach, &mut life).await?;
    let entry = context.lives.begin(uid, Entry::new(life));
    let mut life = entry.life.lock().await;
    records::show(context, net_reach, (&entry, &mut life)).await;
    drop(life);
    if !is_listed(context, name, uid) {
        // Deleted while it was restored, and perhaps before there was anything to take leave of.
        leave::leave(context, uid, None).await;
    }
    Ok(entry)
}

/// Whether the NetReach is still there, as far as the watch tells.
fn is_listed(context: &Context, name: &str, uid: &str) -> bool {
    let found = context.world.net_reaches.get(&ObjectRef::new(name));
    found.is_some_and(|found| found.metadata.uid.as_deref() == Some(uid))
}

/// Rounds that were closed, and whose status nobody came to write; and the newest, which is there to be shown, and whose agents may not
/// have heard yet that their results are in it.
async fn catch_up(context: &Context, life: &mut Life) -> Result<(), ControllerError> {
    let uid = life.uid.clone();
    let kept = context.on_store(move |store| store.summaries(&uid)).await?;
    for DamagedRound { number, damaged } in &kept.damaged {
        tracing::error!(netreach = life.name, number, ?damaged, "a report is of no use: going on without it");
    }
    let done = life.history.done();
    let newest = kept.rounds.last().map(|round| round.number);
    for round in kept.rounds.iter().filter(|round| round.number > done || Some(round.number) == newest) {
        let id = RoundId { uid: life.uid.clone(), number: round.number };
        match context.on_store(move |store| store.read_head(&id)).await {
            Ok(Some(head)) => {
                if round.number > done {
                    life.history.close_head(&head);
                }
                recall(context, head);
            }
            Ok(None) => {}
            Err(error) if error.is_the_objects() => {
                tracing::error!(%error, "a report is of no use: going on without it");
            }
            Err(error) => return Err(error.into()),
        }
    }
    life.reported = Reported::newest(kept);
    Ok(())
}

/// Tells the desk of a round that is closed, and whose results are in it.
fn recall(context: &Context, head: RoundHead) {
    let reported = head.lines.into_iter().map(|line| (line.agent, usize::try_from(line.targets).ok()));
    let missing = head.missing.into_iter().map(|missing| (missing.agent, None));
    context.desk.recall(head.id, reported.chain(missing));
}

/// A round that was open when its manager ended goes on, or is reported as lost where nothing is left of it.
async fn resume(context: &Context, net_reach: &NetReach, life: &mut Life) -> Result<(), ControllerError> {
    let id = RoundId { uid: life.uid.clone(), number: life.history.next_number() };
    let of = id.clone();
    let opened = match context.on_store(move |store| store.read_opened(&of)).await {
        Err(error) if error.is_the_objects() => {
            tracing::error!(%error, "a round cannot go on");
            None
        }
        other => other?,
    };
    let Some(opened) = opened else {
        lose(context, net_reach, life, id).await;
        return Ok(());
    };
    let of = id.clone();
    let kept = context.on_store(move |store| store.kept_agents(&of)).await?;
    let crew = Crew::of(net_reach, &context.settings)?;
    let agents = context.world.agents_of(crew.own.as_deref());
    tracing::info!(round = %id, results = kept.len(), "a round goes on that was begun before");
    let open = Open::resumed(opened, kept.iter().cloned(), (Instant::now(), Timestamp::now()), &agents);
    if !open.opened.assignments.is_empty() {
        context.desk.open(id.clone(), open.began, open.deadline(), open.opened.assignments.clone())?;
        context.desk.mark_kept(&id, &kept);
    }
    life.open = Some(open);
    Ok(())
}

/// A round that was under way, and of which nothing is left: its number is used up, for agents may still be at it.
async fn lose(context: &Context, net_reach: &NetReach, life: &mut Life, id: RoundId) {
    let entries = net_reach.status.iter().flat_map(|status| status.history.iter().flatten());
    let is_it = |round: &&netreach_api::RoundHistory| {
        round.status == RoundStatus::Ongoing && u64::try_from(round.round_number) == Ok(id.number)
    };
    let mut instants =
        entries.filter(is_it).map(|round| (round.start_time_stamp.0, round.deadline_time_stamp.0));
    let Some((start, deadline)) = instants.next() else { return };
    tracing::warn!(round = %id, "a round was lost with the volume of the manager that had begun it");
    let closed = ClosedRound {
        id,
        task: life.name.clone(),
        spec: serde_json::to_value(&net_reach.spec).unwrap_or_default(),
        due: start,
        start,
        deadline,
        ended: Timestamp::now(),
        assignments: Vec::new(),
        submitted: Vec::new(),
        lost: BTreeMap::new(),
        gaps: Vec::new(),
        sampling: None,
        interrupted: false,
        results_lost: Some("they went with the volume of the manager that had begun the round".to_owned()),
        not_begun: None,
        clock_offsets_us: BTreeMap::new(),
    };
    let report = merge(closed);
    let verdict = verdict(&report);
    life.history.close(&report, &verdict);
    life.tales.push(tale(&report, &verdict));
    match context.on_store(move |store| store.close_round(&report, &verdict)).await {
        Ok(_) => life.is_unread = true,
        Err(error) => tracing::warn!(%error, "the report of a lost round could not be kept"),
    }
}

/// The verdict on a record, by what was expected when its round began.
pub(crate) fn verdict(report: &RoundReport) -> Verdict {
    let spec = serde_json::from_value::<NetReachSpec>(report.spec.clone()).map_err(|error| error.to_string());
    match spec.map(|spec| check(&spec)) {
        Ok(Ok(spec)) => judge(report, &spec.expect()),
        Ok(Err(_)) => Verdict::Unknown("what was expected cannot be understood any more".to_owned()),
        Err(error) => Verdict::Unknown(format!("what was expected cannot be read: {error}")),
    }
}
