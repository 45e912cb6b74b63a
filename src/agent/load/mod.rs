//! The loop: slots → probes → tallies.
//!
//! Takes an assignment and an instant, makes one tally per target. Open loop: a slot is due whatever became of
//! the slots before it. The loop has a thread to itself: it sends what is due, polls what the kernel says can go on, and sleeps in the
//! kernel until there is more. Does not know who gave the assignment or where the tallies go.

mod cancel;
mod client;
#[cfg(feature = "bench")]
mod closed;
mod pace;
mod probe;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::Stream;
use futures_util::stream::FuturesUnordered;
use netreach_measure::{Digits, Failure, Sample, Tally};
use netreach_wire::limits::TALLIES_BYTES_MAX;
use netreach_wire::{Assignment, Signer, TargetResult, WireTally};

use crate::micros;
pub use cancel::Cancel;
pub(crate) use client::Backend;
#[cfg(feature = "bench")]
pub use closed::run_closed;
pub use pace::{Pace, Slot};
use probe::{Aim, Landed, unanswered};

/// With more targets than this, latencies keep two digits: three would cost 16 to 70 KB each.
const THREE_DIGITS_TARGETS_MAX: usize = 256;
/// Left before the deadline for submitting: probes still in flight then have not been answered in time.
const SUBMIT_MARGIN: Duration = Duration::from_secs(1);

/// Probes begun before answers are looked at again: a burst must not make the answers to its own first probes look late.
const BURST_MAX: usize = 32;

/// An assignment that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A target's URL.
    #[error("cannot probe target {name} at {url:?} ({why})")]
    Target {
        /// The target.
        name: String,
        /// As assigned.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// No epoll instance, or the reactor failed.
    #[error("cannot watch sockets (is the limit on open files reached?)")]
    Engine(#[from] std::io::Error),
}

/// What came of a round's load.
#[derive(Debug)]
pub struct Done {
    /// One per target.
    pub targets: Vec<TargetResult>,
    /// From the first slot to the last probe's end.
    pub elapsed: Duration,
    /// Whether it was cut short by `cancelled`.
    pub interrupted: bool,
}

/// Probes every target of `assignment` from `start` on, until the last slot's probe is over or it is cancelled. Blocks.
///
/// # Errors
/// When a target cannot be probed at all, or sockets cannot be watched.
pub fn run(assignment: &Assignment, start: Instant, cancel: &Cancel) -> Result<Done, LoadError> {
    let backend = Backend::new()?;
    backend.watch(cancel)?;
    let mut round = Round::new(assignment, start, backend)?;
    let interrupted = round.probe(cancel)?;
    Ok(round.done(interrupted))
}

struct Round<'a> {
    assignment: &'a Assignment,
    start: Instant,
    pace: Pace,
    signer: Signer,
    backend: Backend,
    client: Arc<surf::Client>,
    aims: Vec<Aim>,
    tracks: Vec<Track>,
}

/// What is known of one target so far.
struct Track {
    tally: Tally,
    in_flight: u64,
    began_us: Option<u64>,
    ended_us: u64,
}

impl<'a> Round<'a> {
    fn new(assignment: &'a Assignment, start: Instant, backend: Backend) -> Result<Self, LoadError> {
        let Assignment { load, targets, key, .. } = assignment;
        let digits = if targets.len() <= THREE_DIGITS_TARGETS_MAX { Digits::Three } else { Digits::Two };
        Ok(Self {
            assignment,
            start,
            pace: Pace::new(load, targets.iter().map(|target| target.shift)),
            signer: Signer::new(key),
            client: Arc::new(surf::Client::with_http_client(backend.clone())),
            backend,
            aims: targets.iter().map(|target| Aim::new(target, load)).collect::<Result<_, _>>()?,
            tracks: targets.iter().map(|_| Track::new(digits)).collect(),
        })
    }

    /// Says whether it was cancelled.
    fn probe(&mut self, cancel: &Cancel) -> Result<bool, LoadError> {
        let last_call = Duration::from_micros(self.assignment.deadline_us).saturating_sub(SUBMIT_MARGIN);
        let mut flying = FuturesUnordered::new();
        while !cancel.is_cancelled() {
            for _ in 0..BURST_MAX {
                let Some(slot) = self.next_slot() else { break };
                flying.push(self.fire(slot));
            }
            while let Poll::Ready(Some(landed)) = poll_next(&mut flying) {
                self.record(landed);
            }
            let due = self.pace.due();
            if due.is_none() && flying.is_empty() {
                return Ok(false);
            }
            if self.start.elapsed() >= last_call {
                self.give_up();
                return Ok(false);
            }
            self.backend.turn(self.start + due.unwrap_or(last_call).min(last_call))?;
        }
        Ok(true)
    }

    /// The next slot that is due and still worth a probe.
    fn next_slot(&mut self) -> Option<Slot> {
        // None before the start, when nothing is due.
        let now = Instant::now().checked_duration_since(self.start)?;
        let timeout = Duration::from_millis(self.assignment.load.timeout_ms.into());
        // Missed by more than a whole timeout (this process was stopped): sent now it would only be a burst.
        if let Some(worth) = now.checked_sub(timeout)
            && self.pace.due()? < worth
        {
            for (track, missed) in self.tracks.iter_mut().zip(self.pace.skip_to(worth)) {
                track.tally.miss(missed);
            }
        }
        let slot = self.pace.next(now)?;
        self.tracks[slot.target].in_flight += 1;
        Some(slot)
    }

    fn fire(&self, slot: Slot) -> impl Future<Output = Landed> + use<> {
        let tag = self.signer.tag(self.nonce(slot));
        self.aims[slot.target].fire(&self.client, slot, tag)
    }

    /// No two probes of a round share one, whichever agents they are of.
    fn nonce(&self, slot: Slot) -> u64 {
        self.assignment.nonces_from.wrapping_add(slot.number)
    }

    fn record(&mut self, landed: Landed) {
        let slot = landed.slot;
        let due = self.start + slot.at;
        let aim = &self.aims[slot.target];
        let sample = aim.sample(&landed, &self.signer, due);
        self.tracks[slot.target].record(&sample, slot.at);
        aim.clear_away(landed, &self.backend);
    }

    /// Time is up: what is still in flight got no answer by the deadline.
    fn give_up(&mut self) {
        let elapsed_us = micros(self.start.elapsed());
        for track in &mut self.tracks {
            for _ in 0..std::mem::take(&mut track.in_flight) {
                track.tally.record(&unanswered(Failure::TimeoutResponse, 0));
                track.ended_us = elapsed_us;
            }
        }
    }

    fn done(self, interrupted: bool) -> Done {
        let Self { mut tracks, pace, start, .. } = self;
        // Cut short: a slot without a probe that ended is unsent, so that the counts still add up.
        for (track, left) in tracks.iter_mut().zip(pace.rest()) {
            track.tally.miss(left);
        }
        for track in &mut tracks {
            track.tally.miss(std::mem::take(&mut track.in_flight));
        }
        let elapsed = start.elapsed();
        let tallies = WireTally::all_within(TALLIES_BYTES_MAX, tracks.iter().map(|track| &track.tally));
        let targets = tracks.iter().zip(tallies).map(|(track, tally)| TargetResult {
            began_us: track.began_us.unwrap_or(track.ended_us),
            ended_us: track.ended_us,
            tally,
        });
        Done { targets: targets.collect(), elapsed, interrupted }
    }
}

/// What can go on goes on. Nobody needs to be woken: the loop itself turns the engine, which is all that a probe waits for.
fn poll_next(flying: &mut FuturesUnordered<impl Future<Output = Landed>>) -> Poll<Option<Landed>> {
    Pin::new(flying).poll_next(&mut Context::from_waker(Waker::noop()))
}

impl Track {
    fn new(digits: Digits) -> Self {
        Self { tally: Tally::new(digits), in_flight: 0, began_us: None, ended_us: 0 }
    }

    fn record(&mut self, sample: &Sample<'_>, slot_at: Duration) {
        self.tally.record(sample);
        self.in_flight -= 1;
        let began_us = micros(slot_at) + sample.lateness_us;
        self.began_us = Some(self.began_us.map_or(began_us, |first| first.min(began_us)));
        self.ended_us = self.ended_us.max(began_us + sample.latency_us);
    }
}
