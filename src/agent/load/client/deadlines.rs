//! When exchanges must be over. Pure: instants come in, what is over goes out.
//!
//! Timeouts within a round are equal, so a new deadline is nearly always the last, and those that were met in time are
//! nearly always the first: a queue does, and holds little more than what is in flight.

use std::collections::VecDeque;
use std::time::Instant;

use super::sources::Key;

/// One exchange's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) key: Key,
    pub(super) exchange: u32,
}

/// Deadlines, rising.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    queue: VecDeque<Deadline>,
    /// What the timer is set to.
    pub(super) armed: Option<Instant>,
}

impl Deadlines {
    /// The earliest.
    pub(super) fn front(&self) -> Option<Instant> {
        self.queue.front().map(|deadline| deadline.at)
    }

    /// Takes one in, and drops from the front what was met.
    pub(super) fn add(&mut self, deadline: Deadline, waiting: impl Fn(&Deadline) -> bool) {
        while self.queue.pop_front_if(|first| !waiting(first)).is_some() {}
        let place = self.queue.partition_point(|other| other.at <= deadline.at);
        self.queue.insert(place, deadline);
    }

    /// Takes out all that is past, and tells whoever still waits; drops from the front what was met.
    pub(super) fn expire<T>(
        &mut self,
        now: Instant,
        waiting: impl Fn(&Deadline) -> Option<T>,
        tell: impl Fn(T),
    ) {
        while let Some(first) = self.queue.front() {
            match waiting(first) {
                Some(_) if first.at > now => return,
                Some(waiting) => tell(waiting),
                None => {}
            }
            self.queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_past_is_told_once_in_order_and_what_was_met_is_forgotten() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut deadlines = Deadlines::default();
        for (exchange, ms) in [(1, 30), (2, 10), (3, 20), (4, 40)] {
            deadlines.add(Deadline { at: at(ms), key: Key::NOBODY, exchange }, |_| true);
        }
        assert_eq!(deadlines.front(), Some(at(10)));
        let told = RefCell::new(Vec::new());
        // The third was met.
        let waiting = |deadline: &Deadline| (deadline.exchange != 3).then_some(deadline.exchange);
        deadlines.expire(at(30), waiting, |exchange| told.borrow_mut().push(exchange));
        assert_eq!(*told.borrow(), [2, 1]);
        assert_eq!(deadlines.front(), Some(at(40)));
        // Adding forgets those that were met before the first that waits.
        deadlines
            .add(Deadline { at: at(50), key: Key::NOBODY, exchange: 5 }, |deadline| deadline.exchange != 4);
        assert_eq!(deadlines.front(), Some(at(50)));
    }
}
