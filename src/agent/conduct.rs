//! Carries out one assignment on a thread of its own, so that answering and talking never delay a slot.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_io::Timer;
use futures_lite::FutureExt;
use netreach_measure::{Digits, Tally};
use netreach_serve::Stop;
use netreach_wire::{AgentResult, Assignment, TargetResult, Unsound, Usage, VERSION, WireTally};

use crate::load::{self, Cancel};
use crate::micros;
use crate::usage::{LOOK_EVERY, Meter};

/// A round that did not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotBegun {
    /// The assignment is not one to carry out.
    #[error(transparent)]
    Unsound(#[from] Unsound),
    /// No thread or descriptor.
    #[error("no thread or descriptor is left ({0})")]
    System(#[from] std::io::Error),
}

/// Begins the round; `finished` is called on its thread when it is over. Returns the switch that ends it early.
///
/// # Errors
/// When the assignment is unsound, or no thread or descriptor can be had.
pub(crate) fn begin(
    assignment: Assignment,
    received: Instant,
    finished: impl FnOnce(AgentResult) + Send + 'static,
) -> Result<Cancel, NotBegun> {
    assignment.check()?;
    let cancel = Cancel::new()?;
    let switch = cancel.clone();
    let conduct = move || finished(conduct(&assignment, received, &switch));
    std::thread::Builder::new().name("load".to_owned()).spawn(conduct)?;
    Ok(cancel)
}

/// The result of a round that did not begin: every slot is unsent. Why is for the caller to add.
pub(crate) fn not_begun(assignment: &Assignment) -> AgentResult {
    let mut nothing = Tally::new(Digits::Two);
    nothing.miss(assignment.load.slots());
    let target = TargetResult { began_us: 0, ended_us: 0, tally: WireTally::from(&nothing) };
    AgentResult {
        version: VERSION,
        round: assignment.round.clone(),
        started_at_us: wall_clock_us(Instant::now()),
        elapsed_us: 0,
        interrupted: false,
        trouble: None,
        targets: vec![target; assignment.targets.len()],
        usage: Usage::default(),
    }
}

fn conduct(assignment: &Assignment, received: Instant, cancel: &Cancel) -> AgentResult {
    let start = received + Duration::from_micros(assignment.start_in_us);
    let started_at_us = wall_clock_us(start);
    let over = Stop::new();
    let metering = async_std::task::spawn(meter(start, over.clone()));
    let done = load::run(assignment, start, cancel);
    over.stop();
    let usage = async_std::task::block_on(metering);
    match done {
        Ok(load::Done { targets, elapsed, interrupted }) => AgentResult {
            started_at_us,
            elapsed_us: micros(elapsed),
            interrupted,
            targets,
            usage,
            ..not_begun(assignment)
        },
        Err(error) => AgentResult { trouble: Some(error.to_string()), usage, ..not_begun(assignment) },
    }
}

/// Measures this process from the round's start (the wait for it would thin out the mean) until it is over.
async fn meter(start: Instant, over: Stop) -> Usage {
    let started = async {
        Timer::at(start).await;
    };
    started.or(over.stopped()).await;
    let mut meter = Meter::start();
    let looks = async {
        loop {
            Timer::after(LOOK_EVERY).await;
            meter.look();
        }
    };
    looks.or(over.stopped()).await;
    meter.finish()
}

/// The wall clock at an instant, microseconds since 1970.
pub(crate) fn wall_clock_us(at: Instant) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ahead = at.saturating_duration_since(Instant::now());
    let behind = Instant::now().saturating_duration_since(at);
    let micros = (now + ahead).saturating_sub(behind).as_micros();
    i64::try_from(micros).unwrap_or(i64::MAX)
}
