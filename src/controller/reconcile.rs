//! One look at a NetReach: what there is, what is next, do it, tell it.

use jiff::Timestamp;
use kube::runtime::controller::Action;
use netreach_api::names::reason;
use netreach_api::{CheckedSpec, FieldError, NetReach, Rounds, RuntimeStatus, check};
use netreach_report::Readiness;
use std::time::Duration;

use crate::ControllerError;
use crate::context::Context;
use crate::limits::LOOK_AGAIN_AFTER;
use crate::lives::Life;
use crate::publish::{Shown, publish};
use crate::restore;
use crate::rounds::{Standing, advance};
use crate::workload::{Crew, keep};

/// Faults of a stored spec that are told.
const FAULTS_TOLD_MAX: usize = 3;

pub(crate) async fn reconcile(net_reach: &NetReach, context: &Context) -> Result<Action, ControllerError> {
    if net_reach.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let life = restore::life(context, net_reach).await?;
    let mut life = life.lock().await;
    let spec = match check(&net_reach.spec) {
        Ok(spec) => spec,
        Err(faults) => return refuse(context, net_reach, &mut life, &faults).await,
    };
    let crew = Crew::of(net_reach, &context.settings)?;
    let was_finished = life.is_finished;
    let kept = keep(context, net_reach, &spec, &crew, &mut life).await?;
    let standing = advance(context, net_reach, &spec, &crew, &mut life).await?;
    let shown = shown(&spec, &crew, &life, &standing, kept.runtime);
    publish(context, net_reach, &mut life, shown).await?;
    for tale in standing.tales {
        context.events.tell(net_reach, tale).await;
    }
    if was_finished != life.is_finished {
        // What is made for its agents depends on it.
        return Ok(Action::requeue(Duration::ZERO));
    }
    Ok(Action::requeue(wait(standing.wake, kept.gone_at)))
}

fn shown<'a>(
    spec: &CheckedSpec,
    crew: &Crew,
    life: &Life,
    standing: &Standing,
    runtime: RuntimeStatus,
) -> Shown<'a> {
    let preparation = &life.preparation;
    let ready = if preparation.is_whole() || life.is_finished {
        Readiness {
            is_ready: true,
            reason: reason::PREPARED,
            message: "agents and addresses are there".to_owned(),
        }
    } else {
        let refused = life.refused.iter().chain(preparation.lacking()).cloned().collect::<Vec<_>>();
        Readiness { is_ready: false, reason: reason::PREPARING, message: refused.join("; ") }
    };
    Shown {
        rounds: spec.rounds(),
        next: standing.next,
        resource: Some(crew.resource(&spec.target(), runtime)),
        ready,
        is_suspended: spec.suspend(),
        is_held: standing.is_held,
    }
}

/// A stored spec that makes no sense: no round is begun by it; one under way ends by the spec it was begun with.
async fn refuse(
    context: &Context,
    net_reach: &NetReach,
    life: &mut Life,
    faults: &[FieldError],
) -> Result<Action, ControllerError> {
    let told: Vec<_> = faults.iter().take(FAULTS_TOLD_MAX).map(ToString::to_string).collect();
    let more = faults.len().saturating_sub(FAULTS_TOLD_MAX);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let ready = Readiness {
        is_ready: false,
        reason: reason::INVALID_SPEC,
        message: format!("{}{more}", told.join("; ")),
    };
    let shown = Shown {
        rounds: Rounds::Forever,
        next: None,
        resource: None,
        ready,
        is_suspended: net_reach.spec.suspend.unwrap_or_default(),
        is_held: false,
    };
    publish(context, net_reach, life, shown).await?;
    Ok(Action::await_change())
}

/// Until the next instant that matters: a clock that somebody sets is looked at again before long.
fn wait(wake: Option<Timestamp>, gone_at: Option<Timestamp>) -> Duration {
    let Some(at) = [wake, gone_at].into_iter().flatten().min() else { return LOOK_AGAIN_AFTER };
    let wait = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
    wait.min(LOOK_AGAIN_AFTER)
}
