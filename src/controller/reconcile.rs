//! One look at a NetReach: what there is, what is next, do it, tell it.

use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::controller::Action;
use netreach_api::names::reason;
use netreach_api::{CheckedSpec, FieldError, NetReach, Rounds, check};
use netreach_report::Readiness;

use crate::context::Context;
use crate::limits::LOOK_AGAIN_AFTER;
use crate::lives::{Entry, Life};
use crate::publish::{Shown, publish};
use crate::rounds::{Stand, advance, finish};
use crate::workload::{Crew, Kept, keep};
use crate::{ControllerError, leave, records, restore};

/// Faults of a stored spec that are told.
const FAULTS_TOLD_MAX: usize = 3;

pub(crate) async fn reconcile(net_reach: &NetReach, context: &Context) -> Result<Action, ControllerError> {
    if net_reach.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let entry = restore::life(context, net_reach).await?;
    let mut life = entry.life.lock().await;
    if entry.is_over() {
        return Ok(Action::await_change());
    }
    leave::heed(context, net_reach, &mut life).await;
    let crew = Crew::of(net_reach, &context.settings)?;
    let done = match check(&net_reach.spec) {
        Ok(spec) => go_on(context, net_reach, &spec, &crew, (&entry, &mut life)).await,
        Err(faults) => refuse(context, net_reach, &crew, &faults, (&entry, &mut life)).await,
    };
    // What has happened is told, whatever else has failed.
    for tale in std::mem::take(&mut life.tales) {
        context.events.tell(net_reach, tale).await;
    }
    done.map(Action::requeue)
}

async fn go_on(
    context: &Context,
    net_reach: &NetReach,
    spec: &CheckedSpec,
    crew: &Crew,
    (entry, life): (&Entry, &mut Life),
) -> Result<Duration, ControllerError> {
    let was_finished = life.is_finished;
    // A part that cannot be made is what a round will tell of: it goes on without.
    let (kept, failed) = match keep(context, net_reach, spec, crew, life).await {
        Ok(kept) => (kept, None),
        Err(error) => (Kept::unknown(), Some(error)),
    };
    let stand = advance(context, net_reach, spec, crew, (entry, life)).await?;
    records::show(context, net_reach, (entry, life)).await;
    publish(context, net_reach, life, shown(spec, crew, life, &stand, &kept)).await?;
    if was_finished != life.is_finished {
        // What is made for its agents depends on it.
        return Ok(Duration::ZERO);
    }
    let wait = wait(stand.wake, kept.gone_at);
    Ok(match failed {
        Some(error) => {
            tracing::warn!(netreach = life.name, "{}: trying again", error.whole());
            // A round that is due meanwhile does not wait for it.
            wait.min(error.retry_after())
        }
        None => wait,
    })
}

fn shown<'a>(spec: &CheckedSpec, crew: &Crew, life: &Life, stand: &Stand, kept: &Kept) -> Shown<'a> {
    let lacking = life.lacking();
    let ready = if lacking.is_empty() {
        let message = "agents and addresses are there".to_owned();
        Readiness { is_ready: true, reason: reason::PREPARED, message }
    } else {
        Readiness { is_ready: false, reason: reason::PREPARING, message: lacking.join("; ") }
    };
    Shown {
        rounds: spec.rounds(),
        next: stand.next,
        resource: Some(crew.resource(&spec.target(), kept.runtime)),
        ready,
        is_suspended: spec.suspend(),
        is_held: stand.is_held,
    }
}

/// A stored spec that makes no sense: no round is begun by it; one under way ends by the spec it was begun with.
async fn refuse(
    context: &Context,
    net_reach: &NetReach,
    crew: &Crew,
    faults: &[FieldError],
    (entry, life): (&Entry, &mut Life),
) -> Result<Duration, ControllerError> {
    let left = finish(context, net_reach, crew, (entry, life)).await;
    life.asked.lapse();
    records::show(context, net_reach, (entry, life)).await;
    let told: Vec<_> = faults.iter().take(FAULTS_TOLD_MAX).map(ToString::to_string).collect();
    let more = faults.len().saturating_sub(FAULTS_TOLD_MAX);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let message = format!("{}{more}", told.join("; "));
    let shown = Shown {
        rounds: Rounds::Forever,
        next: None,
        resource: None,
        ready: Readiness { is_ready: false, reason: reason::INVALID_SPEC, message },
        is_suspended: net_reach.spec.suspend.unwrap_or_default(),
        is_held: false,
    };
    publish(context, net_reach, life, shown).await?;
    Ok(left.unwrap_or(LOOK_AGAIN_AFTER))
}

/// Until the next instant that matters: a clock that somebody sets is looked at again before long.
fn wait(wake: Option<Timestamp>, gone_at: Option<Timestamp>) -> Duration {
    let Some(at) = [wake, gone_at].into_iter().flatten().min() else { return LOOK_AGAIN_AFTER };
    let wait = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
    wait.min(LOOK_AGAIN_AFTER)
}
