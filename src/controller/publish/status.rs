//! Life → the NetReach's status, written when it says something new.

use std::time::Instant;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use kube::api::{Patch, PatchParams};
use netreach_api::names::{API_VERSION, FIELD_MANAGER, KIND, condition, reason};
use netreach_api::{NetReach, NetReachStatus, ResourceStatus, Rounds};
use netreach_report::{Next, Readiness, StatusFacts, status};
use serde_json::json;

use crate::ControllerError;
use crate::context::Context;
use crate::limits::TELL_AFTER;
use crate::lives::Life;
use crate::open::Open;

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

/// How far the agents are is news only while nothing else is going on: the next round's beginning or end tells it as well, and everybody
/// who watches is sent every write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heed {
    /// Nobody asks.
    Nothing,
    /// Whether they are there.
    Turns,
    /// Every word: users wait for them.
    Words,
}

/// Writes the status, unless it would say what it says already.
pub(crate) async fn publish(
    context: &Context,
    net_reach: &NetReach,
    life: &mut Life,
    shown: Shown<'_>,
) -> Result<(), ControllerError> {
    let Shown { rounds, next, resource, ready, is_suspended, is_held } = shown;
    // With the last round its agents go, and what stands in front of them: that is no news. That its spec passes again is.
    let before = life.written.as_ref().filter(|_| life.is_finished).and_then(readiness);
    let before = before.filter(|last| last.reason != reason::INVALID_SPEC).cloned();
    let ready = match &before {
        Some(last) => {
            Readiness { is_ready: last.status == "True", reason: &last.reason, message: last.message.clone() }
        }
        None => ready,
    };
    let facts = StatusFacts {
        history: &life.history,
        generation: net_reach.metadata.generation.unwrap_or_default(),
        rounds,
        finished: life.is_finished,
        open: life.open.as_ref().map(Open::facts),
        next,
        resource,
        ready,
        suspended: is_suspended,
        before: life.written.as_ref(),
        now: Timestamp::now(),
    };
    let wanted = status(&facts);
    let heed = match (&life.open, is_held) {
        (Some(_), _) => Heed::Nothing,
        (None, true) if life.unwritten.is_some() => Heed::Words,
        (None, true) if life.preparation.lacks_for(Instant::now()) < TELL_AFTER => Heed::Nothing,
        (None, true) => Heed::Words,
        (None, false) => Heed::Turns,
    };
    if life.written.as_ref().is_some_and(|before| is_told(before, &wanted, heed)) {
        return Ok(());
    }
    write(context, life, &wanted).await?;
    life.written = Some(wanted);
    Ok(())
}

fn is_told(before: &NetReachStatus, wanted: &NetReachStatus, heed: Heed) -> bool {
    let words = |status: &NetReachStatus| {
        readiness(status).map(|one| (one.status.clone(), one.reason.clone(), one.message.clone()))
    };
    let turn =
        |status: &NetReachStatus| (words(status).map(|(is_ready, ..)| is_ready), status.resource.clone());
    let is_same = match heed {
        Heed::Nothing => true,
        Heed::Turns => turn(before) == turn(wanted),
        Heed::Words => turn(before) == turn(wanted) && words(before) == words(wanted),
    };
    is_same && aside(before) == aside(wanted)
}

fn readiness(status: &NetReachStatus) -> Option<&Condition> {
    status.conditions.iter().flatten().find(|one| one.type_ == condition::READY)
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

async fn write(context: &Context, life: &Life, status: &NetReachStatus) -> Result<(), ControllerError> {
    let Life { name, uid, .. } = life;
    // With its uid: a namesake that was made in the meantime is somebody else.
    let metadata = json!({"name": name, "uid": uid});
    let patch = json!({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "status": status});
    let api: Api<NetReach> = Api::all(context.client.clone());
    // Forced: nobody else writes it.
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch_status(name, &params, &Patch::Apply(&patch)).await {
        Ok(_) => Ok(()),
        // Deleted in the meantime, and perhaps made anew.
        Err(kube::Error::Api(refused)) if matches!(refused.code, 404 | 409) => Ok(()),
        Err(source) => {
            let what = format!("the status of NetReach {name}");
            Err(ControllerError::Write { what, source: Box::new(source) })
        }
    }
}
