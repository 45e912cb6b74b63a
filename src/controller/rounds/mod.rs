//! Decisions about one NetReach's rounds, done one after another until there is nothing to do but wait.

mod close;
mod look;
mod start;

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use netreach_api::names::reason;
use netreach_api::{CheckedSpec, NetReach};
use netreach_plan::{Case, Decision, DueRound, decide, later};
use netreach_report::Next;

use crate::ControllerError;
use crate::context::Context;
use crate::limits::{AGENTS_RETURN, RETRY, TELL_AFTER};
use crate::lives::{Asked, Entry, Life};
use crate::open::Open;
use crate::publish::Tale;
use crate::tidy::make_room;
use crate::workload::Crew;
pub(crate) use close::tale;

/// Of a round's timeout, how much of it may pass before it begins: with less than the rest it would be missed instead.
const HOLD_PARTS: (u64, u64) = (3, 4);
/// The same where agents that waited for their desk may only just be coming back.
const HOLD_PARTS_RETURNING: (u64, u64) = (19, 20);

/// How things stand when there is nothing to do but wait.
pub(crate) struct Stand {
    /// When to look again.
    pub(crate) wake: Option<Timestamp>,
    /// The round to come.
    pub(crate) next: Option<Next>,
    /// Whether that is due and held back for agents and addresses.
    pub(crate) is_held: bool,
}

/// Decides and does until there is nothing to do but wait.
pub(crate) async fn advance(
    context: &Context,
    net_reach: &NetReach,
    spec: &CheckedSpec,
    crew: &Crew,
    (entry, life): (&Entry, &mut Life),
) -> Result<Stand, ControllerError> {
    let created =
        net_reach.metadata.creation_timestamp.as_ref().ok_or(ControllerError::Bare("a creation time"))?.0;
    let counts_from = counts_from(life, spec);
    loop {
        let seen = look::look(context, spec, crew, (entry, life)).await;
        // Slots of another schedule are nobody's; a status that counts rounds and names no instant speaks of the beginning.
        let due = |due: Timestamp| if due == Timestamp::UNIX_EPOCH { created } else { due }.max(counts_from);
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
                return Ok(Stand { wake, next, is_held: false });
            }
            Decision::Finished => return Ok(Stand { wake: None, next: None, is_held: false }),
            Decision::Open { round, deadline } => {
                let next = Some(next(life, spec, round.due));
                if let Some(wake) = held_until(context, life, (round.due, spec.round_timeout_ms()), now) {
                    let wake = Some(tell_hindrance(life, wake));
                    return Ok(Stand { wake, next, is_held: true });
                }
                let begun = start::start(context, spec, crew, life, seen, (round, deadline)).await;
                if let Err(ControllerError::Store(error)) = &begun {
                    if error.is_full() {
                        make_room(context, &life.uid).await;
                    }
                    // Told, for the disk will not mend itself, and tried again until it is too late.
                    tracing::error!(netreach = life.name, %error, "a round cannot be begun");
                    tell_unwritten(life, error.to_string());
                    return Ok(Stand { wake: again(), next, is_held: true });
                }
                begun?;
            }
            Decision::Miss { first, last } => miss(life, spec, first, last),
            Decision::Close { .. } => {
                if let Some(error) = close::close(context, net_reach, (entry, life)).await {
                    tell_unwritten(life, error.to_string());
                    return Ok(Stand { wake: again(), next: None, is_held: false });
                }
            }
        }
    }
}

/// Ends the round under way when it is time, whatever the spec has become; else gives the time until then.
pub(crate) async fn finish(
    context: &Context,
    net_reach: &NetReach,
    crew: &Crew,
    (entry, life): (&Entry, &mut Life),
) -> Option<Duration> {
    look::hear(entry, life);
    let open = life.open.as_mut()?;
    open.look_after(&context.world.agents_of(crew.own.as_deref()));
    if open.view().closing(open.now()).is_some() {
        let error = close::close(context, net_reach, (entry, life)).await?;
        tell_unwritten(life, error.to_string());
        return Some(RETRY);
    }
    Some(open.deadline().saturating_duration_since(Instant::now()))
}

/// From when on slots count: since the spec has asked for rounds as it does now, where that has changed.
fn counts_from(life: &mut Life, spec: &CheckedSpec) -> Timestamp {
    let asks = format!("{:?} {} {:?}", spec.schedule(), spec.time_zone_name(), spec.rounds());
    let Asked { words, since } = &mut life.asked;
    if *words != asks {
        if !words.is_empty() {
            *since = Timestamp::now();
        }
        *words = asks;
    }
    *since
}

fn miss(life: &mut Life, spec: &CheckedSpec, first: DueRound, last: DueRound) {
    let deadline = later(last.due, spec.round_timeout_ms());
    life.history.miss((first.number, first.due), (last.number, last.due), deadline);
    let rounds = if first == last {
        format!("round {} was", last.number)
    } else {
        format!("rounds {} to {} were", first.number, last.number)
    };
    let note = format!("{rounds} due and nobody could start them in time");
    life.tales.push(Tale::warning(reason::ROUND_MISSED, note));
}

/// Until when a round that is due is held back, if it is.
fn held_until(
    context: &Context,
    life: &Life,
    (due, timeout_ms): (Timestamp, u64),
    now: Timestamp,
) -> Option<Timestamp> {
    let left = |until: Instant| until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
    let wait = left(life.preparation.opens_at())?;
    let of_timeout = |(part, of): (u64, u64)| later(due, timeout_ms / of * part);
    let returned = left(context.since + AGENTS_RETURN).and_then(|left| now.checked_add(left).ok());
    let latest = of_timeout(HOLD_PARTS).max(returned.unwrap_or(now).min(of_timeout(HOLD_PARTS_RETURNING)));
    let until = now.checked_add(wait).unwrap_or(latest).min(latest);
    (until > now).then_some(until)
}

/// Tells what a round waits for, once, when that has lasted for a while; gives the instant to look again.
fn tell_hindrance(life: &mut Life, wake: Timestamp) -> Timestamp {
    let lacks_for = life.preparation.lacks_for(Instant::now());
    let Some(left) = TELL_AFTER.checked_sub(lacks_for).filter(|left| !left.is_zero()) else {
        if !std::mem::replace(&mut life.is_hindrance_told, true) {
            let note = format!("round {} waits: {}", life.history.next_number(), life.lacking().join("; "));
            life.tales.push(Tale::warning(reason::PREPARING, note));
        }
        return wake;
    };
    Timestamp::now().checked_add(left).map_or(wake, |tell_at| tell_at.min(wake))
}

/// When the store is asked again.
fn again() -> Option<Timestamp> {
    Timestamp::now().checked_add(RETRY).ok()
}

/// Tells why a round cannot be written down, once.
fn tell_unwritten(life: &mut Life, why: String) {
    if life.unwritten.is_none() {
        let number = life.open.as_ref().map_or_else(|| life.history.next_number(), Open::number);
        let note = format!("round {number} waits: {why}");
        life.tales.push(Tale::warning(reason::PREPARING, note));
    }
    life.unwritten = Some(why);
}

fn next(life: &Life, spec: &CheckedSpec, due: Timestamp) -> Next {
    Next { number: life.history.next_number(), due, deadline: later(due, spec.round_timeout_ms()) }
}

/// An instant of a round's own clock on the wall's.
fn on_the_wall(until: Timestamp, now: Timestamp) -> Timestamp {
    let wall = Timestamp::now();
    wall.checked_add(until.duration_since(now)).unwrap_or(wall)
}

/// As much of a duration as a signed one holds.
fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
