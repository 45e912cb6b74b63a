//! What one who stands for a Lease does next. Pure: what was seen and what time it is are arguments.
//!
//! No two clocks are compared. A leader counts from the instant, by its own clock, at which it *began* its last renewal that succeeded,
//! and leads for less than the Lease lasts. Whoever else stands counts, by its own clock, from the instant at which it *had seen* that
//! renewal, and leaves the Lease alone for as long as it lasts. Every write rests on the version that was read, so that of several at
//! once one succeeds, and a write that was under way for long is of no effect.

use std::fmt;
use std::time::{Duration, Instant};

use crate::limits::{LEASE_AGAIN_MS, LEASE_RENEW_WITHIN_S, LEASE_RETRY_S, LEASE_S};

/// For how long what holds. The same for all who stand for a Lease, but that a holder's own word on how long it lasts is heeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// See [`LEASE_S`].
    pub lasts: Duration,
    /// See [`LEASE_RENEW_WITHIN_S`].
    pub renew_within: Duration,
    /// See [`LEASE_RETRY_S`].
    pub retry: Duration,
    /// See [`LEASE_AGAIN_MS`].
    pub again: Duration,
}

/// What a Lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Another one with every write.
    pub version: String,
    /// Who holds it; empty where nobody does.
    pub holder: String,
    /// How long it is the holder's after this write.
    pub lasts: Duration,
    /// How often the holder has changed.
    pub transitions: u32,
}

/// What a Lease is to say, if it still is what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// What it rests on.
    pub version: String,
    /// Who holds it from then on; empty for nobody.
    pub holder: String,
    /// For how long.
    pub lasts: Duration,
    /// See [`Record::transitions`].
    pub transitions: u32,
    /// Whether the holder is another one than before.
    pub is_new: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read the Lease.
    Look,
    /// Make one that nobody holds, unless there is one.
    Make,
    /// Take it, or renew it.
    Write(Write),
    /// Nothing before that instant, unless something is seen.
    Wait(Instant),
    /// Lead no more, at once.
    End(Lost),
}

/// Why somebody leads no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// No renewal has succeeded in time.
    Overdue,
    /// It is another's.
    Taken(String),
}

/// One who stands for a Lease, or leads by it.
#[derive(Debug, Clone)]
pub struct Elector {
    me: String,
    terms: Terms,
    known: Option<Known>,
    /// Whether what is known was found to be outdated.
    is_outdated: bool,
    /// When anything was seen the last time.
    heard: Option<Instant>,
    /// When to ask the API server again.
    not_before: Option<Instant>,
    /// Until when it leads.
    until: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Known {
    /// None where there is no Lease.
    record: Option<Record>,
    /// When it was seen for the first time.
    since: Instant,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            lasts: Duration::from_secs(LEASE_S),
            renew_within: Duration::from_secs(LEASE_RENEW_WITHIN_S),
            retry: Duration::from_secs(LEASE_RETRY_S),
            again: Duration::from_millis(LEASE_AGAIN_MS),
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overdue => write!(f, "it could not be renewed for {LEASE_RENEW_WITHIN_S} s"),
            Self::Taken(by) => write!(f, "{by} holds it"),
        }
    }
}

// === impl Elector ===

impl Elector {
    /// One that knows nothing yet. No two processes have the same name, be it in the same pod, one after the other.
    #[must_use]
    pub fn new(me: String, terms: Terms) -> Self {
        Self { me, terms, known: None, is_outdated: false, heard: None, not_before: None, until: None }
    }

    /// What comes next.
    #[must_use]
    pub fn step(&self, now: Instant) -> Step {
        if self.until.is_some_and(|until| now >= until) {
            return Step::End(Lost::Overdue);
        }
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::Wait(self.until.map_or(at, |until| at.min(until)));
        }
        let Some(Known { record, since }) = self.known.as_ref().filter(|_| !self.is_outdated) else {
            return Step::Look;
        };
        let Some(record) = record else { return Step::Make };
        let is_mine = record.holder == self.me;
        // One that nobody has held yet may stand in the place of one that was deleted while somebody leads by it.
        let is_given_up = record.holder.is_empty() && (record.transitions > 0 || self.until.is_some());
        if is_mine || is_given_up {
            return Step::Write(self.claim(record));
        }
        if self.until.is_some() {
            return Step::End(Lost::Taken(record.holder.clone()));
        }
        let over = *since + record.lasts;
        // Who leads is heard of with every renewal. If it is not, it may be gone, or what we hear by is.
        let silence = self.heard.unwrap_or(*since) + self.terms.retry * 3 / 2;
        match now {
            _ if now >= over => Step::Write(self.claim(record)),
            _ if now >= silence => Step::Look,
            _ => Step::Wait(over.min(silence)),
        }
    }

    /// Takes note of what the Lease says, or that there is none. `at` is an instant at which it had been seen: never one before the
    /// answer was there.
    pub fn saw(&mut self, record: Option<Record>, at: Instant) {
        self.is_outdated = false;
        self.heard = Some(at);
        let is_known = self.known.as_ref().is_some_and(|known| {
            known.record.as_ref().map(|record| &record.version)
                == record.as_ref().map(|record| &record.version)
        });
        if !is_known {
            self.known = Some(Known { record, since: at });
        }
    }

    /// Takes note of what it has written itself. `began` is an instant before that was sent.
    pub fn wrote(&mut self, record: Record, began: Instant, now: Instant) {
        let until = began + self.terms.renew_within;
        // An answer that is there so late that nothing is left of it begins no term: it is renewed first.
        if record.holder == self.me && (self.until.is_some() || now < until) {
            self.until = Some(until);
        }
        self.not_before = Some(began + self.terms.retry);
        self.saw(Some(record), now);
    }

    /// Takes note that the Lease is not what was read any more.
    pub fn overtaken(&mut self, now: Instant) {
        self.not_before = Some(now + self.terms.again);
        self.is_outdated = true;
    }

    /// Takes note that a request has failed, or was not answered in time. It may have been heeded nevertheless.
    pub fn failed(&mut self, began: Instant, now: Instant) {
        self.not_before = Some((began + self.terms.retry).max(now + self.terms.again));
    }

    /// Whether it leads.
    #[must_use]
    pub fn leads(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Until when it leads, if nothing more is renewed.
    #[must_use]
    pub fn leads_until(&self) -> Option<Instant> {
        self.until
    }

    /// What is known of the Lease; none before something was seen, or where there is no Lease.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        self.known.as_ref()?.record.as_ref()
    }

    /// Whether the Lease, or that there is none, has been seen.
    #[must_use]
    pub fn is_informed(&self) -> bool {
        self.known.is_some()
    }

    /// Leads no more. Gives what is to be written so that nobody has to wait, where it holds the Lease.
    pub fn resign(&mut self) -> Option<Write> {
        self.until = None;
        let record = self.record().filter(|record| record.holder == self.me)?;
        Some(Write {
            version: record.version.clone(),
            holder: String::new(),
            lasts: Duration::from_secs(1),
            transitions: record.transitions,
            is_new: true,
        })
    }

    fn claim(&self, over: &Record) -> Write {
        let is_new = over.holder != self.me;
        Write {
            version: over.version.clone(),
            holder: self.me.clone(),
            lasts: self.terms.lasts,
            transitions: over.transitions.saturating_add(is_new.into()),
            is_new,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One who stands, an instant to count from, and the steps that were taken so far.
    struct Story(Elector, Instant);

    impl Story {
        fn new() -> Self {
            Self(Elector::new("me".to_owned(), Terms::default()), Instant::now())
        }

        fn at(&self, second: f64) -> Instant {
            self.1 + Duration::from_secs_f64(second)
        }

        /// Sees this record; none where `version` is 0.
        fn sees(mut self, second: f64, version: u64, holder: &str, transitions: u32) -> Self {
            self.0.saw((version > 0).then(|| record(version, holder, transitions)), self.at(second));
            self
        }

        /// Its write is answered half a second after it began.
        fn writes(mut self, second: f64, version: u64, transitions: u32) -> Self {
            self.0.wrote(record(version, "me", transitions), self.at(second), self.at(second + 0.5));
            self
        }

        fn loses_a_race(mut self, second: f64) -> Self {
            self.0.overtaken(self.at(second));
            self
        }

        /// A request that began then got no answer for two seconds.
        fn fails(mut self, second: f64) -> Self {
            self.0.failed(self.at(second), self.at(second + 2.0));
            self
        }

        #[track_caller]
        fn check(self, second: f64, expected: &str) -> Self {
            let said = match self.0.step(self.at(second)) {
                Step::Look => "look".to_owned(),
                Step::Make => "make".to_owned(),
                Step::Write(Write { version, holder, lasts, transitions, is_new }) => {
                    assert_eq!((holder.as_str(), lasts.as_secs()), ("me", LEASE_S));
                    format!("{} over {version} as {transitions}", if is_new { "take" } else { "renew" })
                }
                Step::Wait(until) => format!("wait {:.1}", until.duration_since(self.1).as_secs_f64()),
                Step::End(why) => format!("end: {why}"),
            };
            assert_eq!(said, expected, "at {second}: {:?}", self.0);
            self
        }
    }

    fn record(version: u64, holder: &str, transitions: u32) -> Record {
        Record {
            version: version.to_string(),
            holder: holder.to_owned(),
            lasts: Duration::from_secs(LEASE_S),
            transitions,
        }
    }

    #[test]
    fn another_leads_until_its_lease_has_run_out_since_it_was_seen() {
        let story = Story::new().check(0.0, "look").sees(1.0, 5, "other", 3).check(1.0, "wait 4.0");
        // The same again is no news; a renewal is.
        let story = story.sees(9.0, 5, "other", 3).check(9.0, "wait 11.0");
        let story = story.sees(9.5, 6, "other", 3).check(9.5, "wait 12.5").check(12.5, "look");
        let story = story.sees(18.0, 6, "other", 3).check(18.0, "wait 19.5").check(19.5, "take over 6 as 4");
        // It was renewed, and nobody had told.
        let story = story.loses_a_race(19.6).check(19.6, "wait 19.7").check(19.7, "look");
        story.sees(19.8, 7, "other", 3).check(29.7, "look").check(29.8, "take over 7 as 4");
    }

    #[test]
    fn what_is_given_up_is_taken_at_once_and_what_was_never_held_is_not() {
        Story::new().sees(0.0, 5, "", 3).check(0.0, "take over 5 as 4");
        let story = Story::new().sees(0.0, 0, "", 0).check(0.0, "make");
        story.sees(0.1, 5, "", 0).check(0.1, "wait 3.1").check(10.1, "take over 5 as 1");
    }

    #[test]
    fn a_leader_renews_and_ends_before_the_others_may_begin() {
        let story = Story::new().sees(0.0, 5, "", 3).writes(1.0, 6, 4);
        // Counted from the beginning of the write.
        let story = story.check(1.5, "wait 3.0").check(3.0, "renew over 6 as 4").writes(3.0, 7, 4);
        let story =
            story.check(3.5, "wait 5.0").fails(5.0).check(7.0, "wait 7.1").check(7.1, "renew over 7 as 4");
        let story = story.fails(7.1).check(9.15, "wait 9.2").check(9.9, "renew over 7 as 4");
        let ended = story.check(10.0, "end: it could not be renewed for 7 s");
        assert!(!ended.0.leads(ended.at(10.0)) && ended.0.leads(ended.at(9.9)));
    }

    #[test]
    fn a_renewal_whose_answer_was_lost_is_found_again() {
        let story = Story::new().sees(0.0, 5, "", 3).writes(0.0, 6, 4).fails(2.0);
        let story = story.check(4.1, "renew over 6 as 4").loses_a_race(4.2).check(4.3, "look");
        // That it holds the Lease makes its term no longer: its next write does.
        let story = story.sees(4.4, 7, "me", 4).check(4.4, "renew over 7 as 4");
        assert_eq!(story.0.leads_until(), Some(story.at(7.0)));
        let story = story.writes(4.4, 8, 4);
        assert_eq!(story.0.leads_until(), Some(story.at(11.4)));
    }

    #[test]
    fn a_leader_that_finds_another_in_its_place_ends_at_once() {
        let story = Story::new().sees(0.0, 5, "", 3).writes(0.0, 6, 4).loses_a_race(2.0).check(2.1, "look");
        story.sees(2.2, 9, "other", 5).check(2.2, "end: other holds it");
    }

    #[test]
    fn a_leader_makes_a_lease_anew_that_was_deleted() {
        let story = Story::new().sees(0.0, 5, "", 3).writes(0.0, 6, 4).loses_a_race(2.0).check(2.1, "look");
        let story = story.sees(2.2, 0, "", 0).check(2.2, "make").sees(2.3, 8, "", 0);
        story.check(2.3, "take over 8 as 1").writes(2.3, 9, 1).check(2.8, "wait 4.3");
    }

    #[test]
    fn an_answer_that_comes_too_late_begins_no_term() {
        let mut story = Story::new().sees(0.0, 5, "", 3);
        story.0.wrote(record(6, "me", 4), story.at(0.0), story.at(8.0));
        assert!(!story.0.leads(story.at(8.0)));
        // It holds the Lease all the same, and nobody else can lead.
        story.check(8.0, "renew over 6 as 4");
    }

    #[test]
    fn who_resigns_holds_nothing_and_who_holds_nothing_writes_nothing() {
        let mut story = Story::new().sees(0.0, 5, "", 3).writes(0.0, 6, 4);
        let write = story.0.resign().unwrap();
        let is_nobodys =
            (write.holder.as_str(), write.version.as_str(), write.lasts.as_secs(), write.transitions);
        assert_eq!(is_nobodys, ("", "6", 1, 4));
        assert!(!story.0.leads(story.at(0.6)));
        let mut story = story.sees(1.0, 7, "other", 5);
        assert_eq!(story.0.resign(), None);
        assert_eq!(Story::new().0.resign(), None);
    }
}
