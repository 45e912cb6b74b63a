//! Decisions about one NetReach's rounds, done one after another until there is nothing to do but wait.

mod close;
mod look;
mod start;

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use netreach_api::names::reason;
use netreach_api::{CheckedSpec, NetReach};
use netreach_plan::{Case, Decision, DueRound, decide};
use netreach_report::Next;

use crate::ControllerError;
use crate::context::Context;
use crate::lives::Life;
use crate::observe::preparation::Preparation;
use crate::open::Open;
use crate::publish::Tale;
use crate::workload::Crew;

/// Of a round's timeout, how much of it may pass before it begins: with less than the rest it would be missed instead.
const HOLD_PARTS: (u64, u64) = (3, 4);

/// How things stand when there is nothing to do but wait.
pub(crate) struct Standing {
    /// When to look again.
    pub(crate) wake: Option<Timestamp>,
    /// The round to come.
    pub(crate) next: Option<Next>,
    /// Whether it is due and held back for agents and addresses.
    pub(crate) is_held: bool,
    /// What has happened on the way.
    pub(crate) tales: Vec<Tale>,
}

/// Decides and does until there is nothing to do but wait.
pub(crate) async fn advance(
    context: &Context,
    net_reach: &NetReach,
    spec: &CheckedSpec,
    crew: &Crew,
    life: &mut Life,
) -> Result<Standing, ControllerError> {
    let created =
        net_reach.metadata.creation_timestamp.as_ref().ok_or(ControllerError::Bare("a creation time"))?.0;
    let mut tales = Vec::new();
    loop {
        let seen = look::look(context, spec, crew, life).await;
        // A status that counts rounds and names no instant says nothing of before the beginning.
        let due = |due| if due == Timestamp::UNIX_EPOCH { created } else { due };
        let last = life.history.last().map(|(number, at)| DueRound { number, due: due(at) });
        let case = Case { created, last, open: life.open.as_ref().map(Open::view) };
        // A round is timed by the clock that nobody sets: its deadline does not move when the wall clock does.
        let now = life.open.as_ref().map_or_else(Timestamp::now, Open::now);
        let decision = decide(spec, &case, now);
        life.is_finished = decision == Decision::Finished;
        match decision {
            Decision::Wait { until } => {
                let next = until.filter(|_| life.open.is_none()).map(|due| next(life, spec, due));
                let wake = until.map(|until| on_the_wall(until, now));
                return Ok(Standing { wake, next, is_held: false, tales });
            }
            Decision::Finished => return Ok(Standing { wake: None, next: None, is_held: false, tales }),
            Decision::Open { round, deadline } => {
                if let Some(wake) = held_until(&life.preparation, round.due, spec.round_timeout_ms(), now) {
                    tales.extend(hindrance(life));
                    let next = Some(next(life, spec, round.due));
                    return Ok(Standing { wake: Some(wake), next, is_held: true, tales });
                }
                tales.push(start::start(context, spec, crew, life, seen, round, deadline).await?);
            }
            Decision::Miss { first, last } => tales.push(miss(life, spec, first, last)),
            Decision::Close { .. } => tales.push(close::close(context, life).await),
        }
    }
}

fn miss(life: &mut Life, spec: &CheckedSpec, first: DueRound, last: DueRound) -> Tale {
    let deadline = later(last.due, spec.round_timeout_ms());
    life.history.miss((first.number, first.due), (last.number, last.due), deadline);
    let rounds = if first == last {
        format!("round {} was", last.number)
    } else {
        format!("rounds {} to {} were", first.number, last.number)
    };
    Tale::warning(reason::ROUND_MISSED, format!("{rounds} due and nobody could start them in time"))
}

/// Until when a round that is due is held back, if it is.
fn held_until(
    preparation: &Preparation,
    due: Timestamp,
    timeout_ms: u64,
    now: Timestamp,
) -> Option<Timestamp> {
    let wait =
        preparation.opens_at().checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())?;
    let (part, of) = HOLD_PARTS;
    let latest = later(due, timeout_ms / of * part);
    let until = now.checked_add(wait).unwrap_or(latest).min(latest);
    (until > now).then_some(until)
}

/// Told once for each time that something lacks.
fn hindrance(life: &mut Life) -> Option<Tale> {
    let lacking: Vec<_> = life.refused.iter().chain(life.preparation.lacking()).cloned().collect();
    let is_new = !lacking.is_empty() && !std::mem::replace(&mut life.is_hindrance_told, true);
    let note = || format!("round {} waits: {}", life.history.next_number(), lacking.join("; "));
    is_new.then(|| Tale::normal(reason::PREPARING, note()))
}

fn next(life: &Life, spec: &CheckedSpec, due: Timestamp) -> Next {
    Next { number: life.history.next_number(), due, deadline: later(due, spec.round_timeout_ms()) }
}

/// An instant of a round's own clock on the wall's.
fn on_the_wall(until: Timestamp, now: Timestamp) -> Timestamp {
    let wall = Timestamp::now();
    wall.checked_add(until.duration_since(now)).unwrap_or(wall)
}

fn later(instant: Timestamp, ms: u64) -> Timestamp {
    let span = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    instant.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// As much of a duration as a signed one holds.
fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
