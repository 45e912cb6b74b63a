//! A NetReach seen for the first time by this process: what its status and the store know of it.

use std::sync::Arc;
use std::time::Instant;

use async_std::sync::Mutex;
use jiff::Timestamp;
use netreach_api::{NetReach, NetReachSpec, check};
use netreach_report::{History, RoundReport, Verdict, judge};
use netreach_wire::RoundId;

use crate::ControllerError;
use crate::context::Context;
use crate::lives::Life;
use crate::open::Open;
use crate::workload::{Crew, identity};

/// Its life: the one that is known, or one that goes on from what was written down.
pub(crate) async fn life(
    context: &Context,
    net_reach: &NetReach,
) -> Result<Arc<Mutex<Life>>, ControllerError> {
    let (name, uid) = identity(net_reach)?;
    if let Some(life) = context.lives.get(uid) {
        return Ok(life);
    }
    let history = History::from_status(net_reach.status.as_ref());
    let is_finished = net_reach.status.as_ref().is_some_and(|status| status.finish);
    let mut life = Life::new(name, uid, history, is_finished, Instant::now());
    life.written.clone_from(&net_reach.status);
    catch_up(context, &mut life).await?;
    resume(context, net_reach, &mut life).await?;
    Ok(context.lives.begin(life))
}

/// Rounds that were closed, and whose status nobody came to write.
async fn catch_up(context: &Context, life: &mut Life) -> Result<(), ControllerError> {
    let uid = life.uid.clone();
    let numbers = context.on_store(move |store| store.list_rounds(&uid)).await?;
    let newest = numbers.last().copied();
    let done = life.history.done();
    for number in numbers.into_iter().filter(|number| *number > done || Some(*number) == newest) {
        let id = RoundId { uid: life.uid.clone(), number };
        if let Some(report) = context.on_store(move |store| store.read_round(&id)).await? {
            // Closing what is closed changes nothing.
            life.history.close(&report, &verdict(&report));
            life.reported = Some((number, report.ended));
        }
    }
    Ok(())
}

/// A round that was open when its manager ended goes on.
async fn resume(context: &Context, net_reach: &NetReach, life: &mut Life) -> Result<(), ControllerError> {
    let id = RoundId { uid: life.uid.clone(), number: life.history.next_number() };
    let opened = {
        let id = id.clone();
        context.on_store(move |store| store.read_opened(&id)).await?
    };
    let Some(opened) = opened else { return Ok(()) };
    let kept = {
        let id = id.clone();
        context.on_store(move |store| store.read_results(&id)).await?
    };
    let crew = Crew::of(net_reach, &context.settings)?;
    let agents = context.world.agents_of(crew.own.as_deref());
    let open = Open::resumed(opened, &kept, (Instant::now(), Timestamp::now()), &agents);
    tracing::info!(round = %id, results = kept.len(), "a round goes on that was begun before");
    if !open.opened.assignments.is_empty() {
        context.desk.open(id, open.began, open.deadline(), open.opened.assignments.clone())?;
    }
    life.open = Some(open);
    Ok(())
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
