//! Carries out one assignment on a thread of its own, so that answering and talking never delay a slot.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_io::Timer;
use futures_lite::FutureExt;
use netreach_serve::Stop;
use netreach_wire::{AgentResult, Assignment, Usage, VERSION};

use crate::load::{self, Cancel, LoadError};
use crate::usage::{LOOK_EVERY, Meter};

/// Begins the round; `finished` is called on its thread when it is over.
///
/// # Errors
/// When no thread can be had.
pub(crate) fn begin(
    assignment: Assignment,
    received: Instant,
    cancel: Cancel,
    finished: impl FnOnce(Result<AgentResult, LoadError>) + Send + 'static,
) -> std::io::Result<()> {
    let conduct = move || finished(conduct(&assignment, received, &cancel));
    std::thread::Builder::new().name("load".to_owned()).spawn(conduct).map(drop)
}

fn conduct(assignment: &Assignment, received: Instant, cancel: &Cancel) -> Result<AgentResult, LoadError> {
    let start = received + Duration::from_micros(assignment.start_in_us);
    let started_at_us = wall_clock_us(start);
    let over = Stop::new();
    let metering = async_std::task::spawn(meter(over.clone()));
    let done = load::run(assignment, start, cancel);
    over.stop();
    let usage = async_std::task::block_on(metering);
    let load::Done { targets, elapsed, interrupted } = done?;
    Ok(AgentResult {
        version: VERSION,
        round: assignment.round.clone(),
        started_at_us,
        elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        interrupted,
        targets,
        usage,
    })
}

/// Measures this process until the round is over.
async fn meter(over: Stop) -> Usage {
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
