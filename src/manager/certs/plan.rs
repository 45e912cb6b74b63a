//! The life of the CAs: `next` is published and signs nothing yet, `current` signs, `old` is still believed. Pure: what was seen and
//! what time it is are arguments.

use jiff::{SignedDuration, Timestamp};

use super::authority::{Authority, CertificateError, not_after};
use crate::limits::{CA_RENEW_DAYS, KEEP_OLD_S, PUBLISH_AHEAD_S};

/// Every CA that somebody may have to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities {
    /// Signs.
    pub current: Authority,
    /// Will sign.
    pub next: Option<Next>,
    /// Has signed.
    pub old: Option<Old>,
}

/// A CA before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// It.
    pub authority: Authority,
    /// Since when it has been published everywhere.
    pub published: Option<Timestamp>,
}

/// A CA after its time: it signs no more, so its key is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Old {
    /// Its certificate, PEM.
    pub certificate: String,
    /// When the first leaf by the next one was signed.
    pub replaced: Timestamp,
}

/// How long CAs overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// See [`PUBLISH_AHEAD_S`].
    pub publish_ahead: SignedDuration,
    /// See [`KEEP_OLD_S`].
    pub keep_old: SignedDuration,
}

impl Default for Overlap {
    fn default() -> Self {
        let seconds = |seconds| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        Self { publish_ahead: seconds(PUBLISH_AHEAD_S), keep_old: seconds(KEEP_OLD_S) }
    }
}

/// What was seen of the cluster. All CAs are published by then: a turn that could not see to that takes no step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Somebody asks for a new CA.
    pub is_asked: bool,
    /// Every replica shows a leaf that `current` alone vouches for.
    pub is_shown: bool,
}

/// What to do about the CAs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a CA to be the next.
    MakeNext,
    /// Keep these from now on.
    Keep(Authorities),
    /// Nothing before that instant.
    Wait(Timestamp),
}

// === impl Authorities ===

impl Authorities {
    /// The first ones there are.
    #[must_use]
    pub fn beginning_with(current: Authority) -> Self {
        Self { current, next: None, old: None }
    }

    /// Every certificate that is to be believed, PEM, one after another.
    #[must_use]
    pub fn bundle(&self) -> String {
        let next = self.next.as_ref().map(|next| next.authority.certificate());
        let old = self.old.as_ref().map(|old| old.certificate.as_str());
        [Some(self.current.certificate()), next, old].into_iter().flatten().collect()
    }

    /// What comes next in their life.
    ///
    /// # Errors
    /// When the certificate of `current` cannot be read.
    pub fn step(&self, seen: Seen, overlap: Overlap, now: Timestamp) -> Result<Step, CertificateError> {
        if let Some(next) = &self.next {
            return Ok(self.step_of_next(next, overlap, now));
        }
        if let Some(old) = &self.old {
            let until = after(old.replaced, overlap.keep_old);
            if now < until {
                return Ok(Step::Wait(until));
            }
            if seen.is_shown {
                return Ok(Step::Keep(Self { old: None, ..self.clone() }));
            }
            // Nothing tells when a replica has loaded what its volume shows: they are asked again.
            return Ok(Step::Wait(after(now, overlap.publish_ahead)));
        }
        let renewal =
            after(not_after(self.current.certificate())?, -SignedDuration::from_hours(24 * CA_RENEW_DAYS));
        Ok(if seen.is_asked || now >= renewal { Step::MakeNext } else { Step::Wait(renewal) })
    }

    fn step_of_next(&self, next: &Next, overlap: Overlap, now: Timestamp) -> Step {
        let Some(published) = next.published else {
            let next = Next { published: Some(now), ..next.clone() };
            return Step::Keep(Self { next: Some(next), ..self.clone() });
        };
        let until = after(published, overlap.publish_ahead);
        if now < until {
            return Step::Wait(until);
        }
        let old = Old { certificate: self.current.certificate().to_owned(), replaced: now };
        Step::Keep(Self { current: next.authority.clone(), next: None, old: Some(old) })
    }
}

fn after(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.saturating_add(duration).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Seen = Seen { is_asked: false, is_shown: false };
    const OVERLAP: Overlap =
        Overlap { publish_ahead: SignedDuration::from_mins(1), keep_old: SignedDuration::from_mins(60) };

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + minute * 60).unwrap()
    }

    fn check(of: &Authorities, seen: Seen, minute: i64, expected: &str) -> Authorities {
        let step = of.step(seen, OVERLAP, at(minute)).unwrap();
        let minutes = |at: Timestamp| (at.as_second() - 1_780_000_000) / 60;
        let parts = |all: &Authorities| {
            let published = |next: &Next| {
                next.published.map_or("next".to_owned(), |at| format!("next since {}", minutes(at)))
            };
            let old = |old: &Old| format!("old since {}", minutes(old.replaced));
            [all.next.as_ref().map(published), all.old.as_ref().map(old)]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (said, then) = match step {
            Step::MakeNext => {
                let next = Next { authority: Authority::new(at(minute)).unwrap(), published: None };
                ("make".to_owned(), Authorities { next: Some(next), ..of.clone() })
            }
            Step::Keep(all) => (format!("keep {}", parts(&all)), all),
            Step::Wait(until) => (format!("wait until {}", minutes(until)), of.clone()),
        };
        assert_eq!(said.trim_end(), expected, "{of:?} {seen:?} at {minute}");
        then
    }

    #[test]
    fn a_rotation_from_its_beginning_to_its_end() {
        let first = Authorities::beginning_with(Authority::new(at(0)).unwrap());
        let day = 24 * 60;
        check(&first, NONE, 1, &format!("wait until {}", 610 * day));
        check(&first, NONE, 610 * day, "make");
        let made = check(&first, Seen { is_asked: true, ..NONE }, 1, "make");
        assert_eq!(made.bundle().matches("BEGIN CERTIFICATE").count(), 2);
        let published = check(&made, NONE, 2, "keep next since 2");
        check(&published, NONE, 2, "wait until 3");
        let switched = check(&published, NONE, 3, "keep old since 3");
        assert_eq!(switched.current, made.next.clone().unwrap().authority);
        assert_eq!(switched.old.as_ref().unwrap().certificate, first.current.certificate());
        check(&switched, Seen { is_shown: true, is_asked: true }, 62, "wait until 63");
        // A replica that still shows the old one: it must be believed.
        check(&switched, NONE, 63, "wait until 64");
        let over = check(&switched, Seen { is_shown: true, ..NONE }, 70, "keep");
        assert_eq!(over, Authorities::beginning_with(switched.current));
    }

    #[test]
    fn whatever_signs_was_published_before_and_is_believed_after() {
        // Every order in which things can happen, a minute apart: nobody is ever shown a leaf that he does not believe.
        for order in 0..4_096_u32 {
            let mut all = Authorities::beginning_with(Authority::new(at(0)).unwrap());
            for minute in 1..5 {
                let bits = order >> ((minute - 1) * 3);
                // A turn begins with publishing, and ends where that fails.
                let is_published = bits & 2 > 0;
                if !is_published {
                    continue;
                }
                let believed = all.bundle();
                let seen = Seen { is_asked: bits & 1 > 0, is_shown: bits & 4 > 0 };
                match all.step(seen, OVERLAP, at(i64::from(minute))).unwrap() {
                    Step::MakeNext => {
                        all.next = Some(Next { authority: Authority::new(at(0)).unwrap(), published: None })
                    }
                    Step::Keep(next) => all = next,
                    Step::Wait(_) => {}
                }
                // What signs from now on.
                assert!(
                    believed.contains(all.current.certificate()),
                    "order {order:o}, minute {minute}: {all:?}"
                );
            }
        }
    }
}
