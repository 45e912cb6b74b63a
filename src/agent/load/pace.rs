//! When each probe is due. Pure: takes a load and an instant, makes slots.
//!
//! The table of slots is never stored: slots go round the targets in turn, one each per interval, evenly spread over it.
//! The whole is shifted by the agent's own phase, so that neither an agent's probes nor those of many agents at one
//! target fire in step.

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
    targets: u64,
    /// The first target of each interval, and by how much the slots are shifted.
    first: u64,
    shift: u128,
    next: u64,
    end: u64,
}

impl Pace {
    /// The slots of `load` at so many targets. `phase` is the agent's shift as a fraction of an interval, in 2^-64.
    #[must_use]
    pub fn new(load: &Load, targets: usize, phase: u64) -> Self {
        let targets = targets as u64;
        // phase · targets / 2^64: whole part = how many targets' places the agent is ahead, rest = shift within a place.
        let places = u128::from(phase) * u128::from(targets);
        let ahead = u64::try_from(places >> 64).unwrap_or(0);
        let first = if targets == 0 { 0 } else { (targets - ahead) % targets };
        let end = load.slots().saturating_mul(targets);
        let shift = places & u128::from(u64::MAX);
        Self { rate_qps: u128::from(load.rate_qps), targets, first, shift, next: 0, end }
    }

    /// When the next slot is due, from the round's start; none when all were handed out.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        (self.next < self.end).then(|| self.at(self.next))
    }

    /// The next slot, if it is due by `now` (from the round's start).
    pub fn next(&mut self, now: Duration) -> Option<Slot> {
        let at = self.due().filter(|&at| at <= now)?;
        let number = self.next;
        self.next += 1;
        let target = (self.first + number % self.targets) % self.targets;
        Some(Slot { at, target: usize::try_from(target).unwrap_or(usize::MAX), number })
    }

    /// How many slots of each target are not handed out yet: what is unsent when a round is cut short.
    #[must_use]
    pub fn rest(&self) -> Vec<u64> {
        let Self { targets, first, next, end, .. } = *self;
        let left = end - next;
        // The turn goes on from here: the next targets in line are owed one more.
        let (each, more) = (left.checked_div(targets).unwrap_or(0), left.checked_rem(targets).unwrap_or(0));
        let place = |target: u64| (target + 2 * targets - first - next % targets) % targets;
        (0..targets).map(|target| each + u64::from(place(target) < more)).collect()
    }

    /// Passes over the slots that were due before `instant`; returns how many of each target those are.
    pub fn skip_to(&mut self, instant: Duration) -> Vec<u64> {
        let before = self.rest();
        let per_s = self.rate_qps * u128::from(self.targets);
        // One less than the exact count: the division above rounds, and a slot that is kept too long does no harm.
        let passed = (instant.as_nanos() * per_s / NS_PER_S).saturating_sub(1);
        self.next = self.next.max(u64::try_from(passed).unwrap_or(u64::MAX).min(self.end));
        before.iter().zip(self.rest()).map(|(before, after)| before - after).collect()
    }

    /// Exact: (number + shift) / (rate · targets) seconds.
    fn at(&self, number: u64) -> Duration {
        let per_s = self.rate_qps * u128::from(self.targets);
        let fraction = (self.shift * NS_PER_S / per_s) >> 64;
        let ns = u128::from(number) * NS_PER_S / per_s + fraction;
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
    fn one_target_is_probed_at_even_distances() {
        let at: Vec<u128> =
            all(Pace::new(&load(4, 1), 1, 0)).iter().map(|slot| slot.at.as_millis()).collect();
        assert_eq!(at, [0, 250, 500, 750]);
    }

    #[test]
    fn agents_with_other_phases_reach_a_target_at_other_instants() {
        let first_of_0 = |phase| {
            all(Pace::new(&load(1, 1), 4, phase)).iter().find(|slot| slot.target == 0).map(|slot| slot.at)
        };
        let quarter = u64::MAX / 4 + 1;
        let at: Vec<_> = (0..4).map(|k| first_of_0(quarter * k).unwrap().as_millis()).collect();
        assert_eq!(at, [0, 250, 500, 750]);
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut pace = Pace::new(&load(2, 1), 1, 0);
        assert_eq!(pace.next(Duration::ZERO).map(|slot| slot.number), Some(0));
        assert_eq!(pace.next(Duration::from_millis(499)), None);
        assert_eq!(pace.due(), Some(Duration::from_millis(500)));
        assert_eq!(pace.rest(), [1]);
        assert_eq!(Pace::new(&load(2, 1), 0, 7).due(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_target_gets_rate_times_duration_slots_in_order_and_within_the_duration(
            rate in 1_u32..200, duration in 1_u32..5, targets in 1_usize..20, phase: u64,
        ) {
            let slots = all(Pace::new(&load(rate, duration), targets, phase));
            for target in 0..targets {
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
            rate in 1_u32..50, targets in 1_usize..9, phase: u64, taken in 0_usize..200, to_ms in 0_u64..2_500,
        ) {
            let mut pace = Pace::new(&load(rate, 2), targets, phase);
            let slots = all(pace.clone());
            let taken = taken.min(slots.len());
            prop_assert_eq!(std::iter::from_fn(|| pace.next(Duration::MAX)).take(taken).count(), taken);
            let count = |of: &[Slot]| (0..targets).map(|t| of.iter().filter(|slot| slot.target == t).count() as u64).collect::<Vec<_>>();
            prop_assert_eq!(pace.rest(), count(&slots[taken..]));
            let passed = pace.skip_to(Duration::from_millis(to_ms));
            let kept = all(pace);
            let gone = slots.len() - taken - kept.len();
            prop_assert_eq!(passed, count(&slots[taken..taken + gone]));
            // Nothing that was still to come is passed over, and hardly anything that was not is kept.
            prop_assert!(slots[taken..taken + gone].iter().all(|slot| slot.at < Duration::from_millis(to_ms)));
            let late = kept.iter().filter(|slot| slot.at < Duration::from_millis(to_ms)).count();
            prop_assert!(late <= 3, "{late} slots were kept");
        }
    }
}
