//! The loop as fast as it goes, for `hack/bench.sh`: no slots, but so many probes in flight at any time.

use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::stream::FuturesUnordered;
use netreach_measure::Tally;
use netreach_wire::Assignment;

use super::{Backend, LoadError, Round, Slot, poll_next};

/// Probes the targets of `assignment` in turn for so long, whatever its rate, and says what came of it all. Blocks.
///
/// # Errors
/// As of [`super::run`].
pub fn run_closed(
    assignment: &Assignment,
    in_flight: usize,
    lasting: Duration,
) -> Result<Vec<Tally>, LoadError> {
    let start = Instant::now();
    let mut round = Round::new(assignment, start, Backend::new()?)?;
    let mut flying = FuturesUnordered::new();
    let mut number = 0;
    loop {
        let is_over = start.elapsed() >= lasting;
        while !is_over && flying.len() < in_flight {
            let target = usize::try_from(number).unwrap_or(usize::MAX) % round.aims.len();
            let slot = Slot { at: start.elapsed(), target, number };
            number += 1;
            round.tracks[target].in_flight += 1;
            flying.push(round.fire(slot));
        }
        while let Poll::Ready(Some(landed)) = poll_next(&mut flying) {
            round.record(landed);
        }
        if is_over && flying.is_empty() {
            return Ok(round.tracks.into_iter().map(|track| track.tally).collect());
        }
        if is_over || flying.len() == in_flight {
            let timeout = Duration::from_millis(assignment.load.timeout_ms.into());
            round.backend.turn(start + lasting + timeout)?;
        }
    }
}
