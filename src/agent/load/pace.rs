//! When each probe is due. Pure: takes a load, shifts and an instant, makes slots.
//!
//! The table of slots is never stored: every interval has one slot of each target, at the target's own shift.

use std::time::Duration;

use netreach_wire::Load;

const NS_PER_S: u128 = 1_000_000_000;

/// A planned instant of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When, from the round's start.
    pub at: Duration,
    /// Which target, by its place in the assignment.
    pub target: usize,
    /// Counted from 0 over the whole round; no two slots share one.
    pub number: u64,
}

/// Hands out a round's slots in order.
#[derive(Debug, Clone)]
pub struct Pace {
    rate_qps: u128,
    /// The targets in the order in which an interval probes them, with their shifts.
    turns: Vec<(u64, usize)>,
    next: u64,
    end: u64,
}

impl Pace {
    /// The slots of `load` at targets with these shifts: fractions of an interval, in 2^-64.
    #[must_use]
    pub fn new(load: &Load, shifts: impl IntoIterator<Item = u64>) -> Self {
        let mut turns: Vec<_> = shifts.into_iter().zip(0..).collect();
        turns.sort_unstable();
        let end = load.slots().saturating_mul(turns.len() as u64);
        Self { rate_qps: u128::from(load.rate_qps), turns, next: 0, end }
    }

    /// When the next slot is due, from the round's start; none when all were handed out.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        (self.next < self.end).then(|| self.slot(self.next).0)
    }

    /// The next slot, if it is due by `now` (from the round's start).
    pub fn next(&mut self, now: Duration) -> Option<Slot> {
        let number = self.next;
        let (at, target) = (number < self.end).then(|| self.slot(number)).filter(|&(at, _)| at <= now)?;
        self.next += 1;
        Some(Slot { at, target, number })
    }

    /// How many slots of each target are not handed out yet: what is unsent when a round is cut short.
    #[must_use]
    pub fn rest(&self) -> Vec<u64> {
        let targets = self.turns.len() as u64;
        let mut rest = vec![0; self.turns.len()];
        for (place, &(_, target)) in (0..).zip(&self.turns) {
            let handed_out = (self.next + targets - 1 - place) / targets;
            rest[target] = self.end / targets - handed_out;
        }
        rest
    }

    /// Passes over the slots that were due before `instant`; returns how many of each target those are.
    pub fn skip_to(&mut self, instant: Duration) -> Vec<u64> {
        let before = self.rest();
        let intervals = instant.as_nanos() * self.rate_qps / NS_PER_S;
        let begun = self.turns.partition_point(|&(shift, _)| self.at(intervals, shift) < instant);
        let passed = intervals * self.turns.len() as u128 + begun as u128;
        self.next = self.next.max(u64::try_from(passed).unwrap_or(u64::MAX).min(self.end));
        before.iter().zip(self.rest()).map(|(before, after)| before - after).collect()
    }

    /// When the slot of this number is due, and at which target. There are targets, or there was no number.
    fn slot(&self, number: u64) -> (Duration, usize) {
        let targets = self.turns.len() as u64;
        let (shift, target) = self.turns[usize::try_from(number % targets).unwrap_or(usize::MAX)];
        (self.at(u128::from(number / targets), shift), target)
    }

    /// (interval + shift · 2^-64) / rate seconds, at most 2 ns early.
    fn at(&self, interval: u128, shift: u64) -> Duration {
        let within = (u128::from(shift) * NS_PER_S / self.rate_qps) >> 64;
        let ns = interval * NS_PER_S / self.rate_qps + within;
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use netreach_wire::Connection;
    use proptest::prelude::*;

    use super::*;

    fn load(rate_qps: u32, duration_s: u32) -> Load {
        Load { rate_qps, duration_s, timeout_ms: 1000, connection: Connection::New }
    }

    fn all(mut pace: Pace) -> Vec<Slot> {
        std::iter::from_fn(|| pace.next(Duration::MAX)).collect()
    }

    #[test]
    fn a_target_is_probed_at_even_distances_from_its_shift_on() {
        let quarter = u64::MAX / 4 + 1;
        let slots = all(Pace::new(&load(4, 1), [2 * quarter, 0]));
        let at: Vec<(u128, usize)> = slots.iter().map(|slot| (slot.at.as_millis(), slot.target)).collect();
        assert_eq!(at, [(0, 1), (125, 0), (250, 1), (375, 0), (500, 1), (625, 0), (750, 1), (875, 0)]);
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut pace = Pace::new(&load(2, 1), [0]);
        assert_eq!(pace.next(Duration::ZERO).map(|slot| slot.number), Some(0));
        assert_eq!(pace.next(Duration::from_millis(499)), None);
        assert_eq!(pace.due(), Some(Duration::from_millis(500)));
        assert_eq!(pace.rest(), [1]);
        assert_eq!(Pace::new(&load(2, 1), []).due(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_target_gets_rate_times_duration_slots_in_order_and_within_the_duration(
            rate in 1_u32..200, duration in 1_u32..5, shifts in prop::collection::vec(any::<u64>(), 1..20),
        ) {
            let slots = all(Pace::new(&load(rate, duration), shifts.iter().copied()));
            for target in 0..shifts.len() {
                let of_target: Vec<_> = slots.iter().filter(|slot| slot.target == target).collect();
                prop_assert_eq!(of_target.len() as u64, u64::from(rate) * u64::from(duration));
                let interval = Duration::from_secs(1) / rate;
                for pair in of_target.windows(2) {
                    let gap = pair[1].at - pair[0].at;
                    prop_assert!(gap.abs_diff(interval) <= Duration::from_nanos(2));
                }
            }
            prop_assert!(slots.windows(2).all(|pair| pair[0].at <= pair[1].at));
            prop_assert!(slots.iter().all(|slot| slot.at < Duration::from_secs(duration.into())));
        }

        #[test]
        fn what_is_left_and_what_is_passed_over_is_counted_by_target(
            rate in 1_u32..50, shifts in prop::collection::vec(any::<u64>(), 1..9), taken in 0_usize..200, to_ms in 0_u64..2_500,
        ) {
            let targets = shifts.len();
            let mut pace = Pace::new(&load(rate, 2), shifts);
            let slots = all(pace.clone());
            let taken = taken.min(slots.len());
            prop_assert_eq!(std::iter::from_fn(|| pace.next(Duration::MAX)).take(taken).count(), taken);
            let count = |of: &[Slot]| (0..targets).map(|t| of.iter().filter(|slot| slot.target == t).count() as u64).collect::<Vec<_>>();
            prop_assert_eq!(pace.rest(), count(&slots[taken..]));
            let passed = pace.skip_to(Duration::from_millis(to_ms));
            let kept = all(pace);
            let gone = slots.len() - taken - kept.len();
            prop_assert_eq!(passed, count(&slots[taken..taken + gone]));
            // Nothing that was still to come is passed over, and nothing that was not is kept.
            prop_assert!(slots[taken..taken + gone].iter().all(|slot| slot.at < Duration::from_millis(to_ms)));
            prop_assert!(kept.iter().all(|slot| slot.at >= Duration::from_millis(to_ms)));
        }
    }
}
