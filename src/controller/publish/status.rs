//! Life → the NetReach's status, written when it says something new.

use jiff::Timestamp;
use kube::Api;
use kube::api::{Patch, PatchParams};
use netreach_api::names::{API_VERSION, FIELD_MANAGER, KIND, condition};
use netreach_api::{NetReach, NetReachStatus, ResourceStatus, Rounds};
use netreach_report::{Next, Readiness, StatusFacts, status};
use serde_json::json;

use crate::ControllerError;
use crate::context::Context;
use crate::lives::Life;

/// What is to be shown beside a life.
pub(crate) struct Shown<'a> {
    pub(crate) rounds: Rounds,
    pub(crate) next: Option<Next>,
    pub(crate) resource: Option<ResourceStatus>,
    pub(crate) ready: Readiness<'a>,
    pub(crate) is_suspended: bool,
    /// Whether a round is about to begin: then what is said of it now would only be said again.
    pub(crate) is_held: bool,
}

/// Writes the status, unless it would say what it says already.
pub(crate) async fn publish(
    context: &Context,
    net_reach: &NetReach,
    life: &mut Life,
    shown: Shown<'_>,
) -> Result<(), ControllerError> {
    let Shown { rounds, next, resource, ready, is_suspended, is_held } = shown;
    let facts = StatusFacts {
        history: &life.history,
        generation: net_reach.metadata.generation.unwrap_or_default(),
        rounds,
        finished: life.is_finished,
        open: life.open.as_ref().map(|open| open.facts()),
        next,
        resource,
        ready,
        suspended: is_suspended,
        before: life.written.as_ref(),
        now: Timestamp::now(),
    };
    let wanted = status(&facts);
    if let Some(before) = &life.written {
        let is_quiet = life.open.is_none() && !is_held;
        if is_told(before, &wanted, is_quiet) {
            return Ok(());
        }
    }
    write(context, &life.name, &wanted).await?;
    life.written = Some(wanted);
    Ok(())
}

/// Whether the status of before says all that matters now. How far the agents are is news of its own only while nothing else is going on:
/// the next round's beginning or end tells it as well, and everybody who watches is sent every write.
fn is_told(before: &NetReachStatus, wanted: &NetReachStatus, is_quiet: bool) -> bool {
    let ready = |status: &NetReachStatus| {
        let conditions = status.conditions.iter().flatten();
        conditions.filter(|one| one.type_ == condition::READY).map(|one| one.status.clone()).next()
    };
    let is_same_readiness = ready(before) == ready(wanted) && before.resource == wanted.resource;
    (is_same_readiness || !is_quiet) && aside(before) == aside(wanted)
}

/// Everything but how far the agents are.
fn aside(status: &NetReachStatus) -> NetReachStatus {
    let mut rest = status.clone();
    rest.resource = None;
    rest.conditions.iter_mut().flatten().for_each(|one| {
        if one.type_ == condition::READY {
            one.status.clear();
            one.reason.clear();
            one.message.clear();
            one.last_transition_time.0 = Timestamp::UNIX_EPOCH;
        }
    });
    // What an API server gives back has whole seconds.
    serde_json::to_value(&rest).and_then(serde_json::from_value).unwrap_or(rest)
}

async fn write(context: &Context, name: &str, status: &NetReachStatus) -> Result<(), ControllerError> {
    let patch =
        json!({"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "status": status});
    let api: Api<NetReach> = Api::all(context.client.clone());
    // Forced: nobody else writes it.
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch_status(name, &params, &Patch::Apply(&patch)).await {
        Ok(_) => Ok(()),
        // Deleted in the meantime.
        Err(kube::Error::Api(refused)) if refused.code == 404 => Ok(()),
        Err(source) => Err(ControllerError::Write {
            what: format!("the status of NetReach {name}"),
            source: Box::new(source),
        }),
    }
}
