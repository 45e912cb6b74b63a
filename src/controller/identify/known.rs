//! What API servers have said of tokens, for as long as it may be believed. Pure.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::limits::{TOKEN_REFUSED_FOR, TOKEN_TRUSTED_FOR, TOKENS_MAX};

/// Tokens that were refused and are remembered. Apart from the good ones: strangers push out strangers only.
const REFUSED_MAX: usize = 1_024;
/// For how long no good token is asked about after an API server has not answered.
const AWAY_FOR: Duration = Duration::from_secs(5);
/// The farthest end of a token that is reckoned with: further than any process lives, and no instant overflows.
const ENDS_WITHIN: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What a token is known by.
pub(super) type Hash = [u8; 32];

/// The tokens that are known.
#[derive(Default)]
pub(super) struct Known {
    good: HashMap<Hash, Good>,
    /// Until when each stays refused.
    refused: HashMap<Hash, Instant>,
    /// Until when API servers are taken to be away.
    away_until: Option<Instant>,
}

struct Good {
    pod_uid: String,
    /// From then on it is asked about again.
    fresh_until: Instant,
    /// When it is over by what it says itself: true, for it was found good.
    ends: Instant,
}

/// What is known of a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// It is this pod's.
    Good(String),
    /// It is nobody's.
    Refused,
    /// An API server is to be asked.
    Ask,
}

impl Known {
    /// What is known of a token now.
    pub(super) fn look(&self, hash: &Hash, now: Instant) -> Word {
        if self.refused.get(hash).is_some_and(|until| now < *until) {
            return Word::Refused;
        }
        let is_away = self.away_until.is_some_and(|until| now < until);
        let good = self.good.get(hash).filter(|good| now < good.ends && (is_away || now < good.fresh_until));
        good.map_or(Word::Ask, |good| Word::Good(good.pod_uid.clone()))
    }

    /// An API server has found it good. `left`: until its own end.
    pub(super) fn accept(&mut self, hash: Hash, pod_uid: String, left: Duration, now: Instant) {
        self.away_until = None;
        self.refused.remove(&hash);
        let left = left.min(ENDS_WITHIN);
        let good = Good { pod_uid, fresh_until: now + left.min(TOKEN_TRUSTED_FOR), ends: now + left };
        insert(&mut self.good, (hash, good), TOKENS_MAX, |good| good.ends, now);
    }

    /// An API server has refused it.
    pub(super) fn refuse(&mut self, hash: Hash, now: Instant) {
        self.away_until = None;
        self.good.remove(&hash);
        insert(&mut self.refused, (hash, now + TOKEN_REFUSED_FOR), REFUSED_MAX, |until| *until, now);
    }

    /// No API server answered: until one does, what was found good counts to its own end.
    pub(super) fn miss(&mut self, now: Instant) {
        self.away_until = Some(now + AWAY_FOR);
    }
}

/// Inserts one more. When there are too many, those that are over go; if none is, the one that ends first.
fn insert<T>(
    all: &mut HashMap<Hash, T>,
    (hash, new): (Hash, T),
    max: usize,
    ends: impl Fn(&T) -> Instant,
    now: Instant,
) {
    if all.len() >= max && !all.contains_key(&hash) {
        all.retain(|_, one| now < ends(one));
        if all.len() >= max
            && let Some(first) = all.iter().min_by_key(|(_, one)| ends(one)).map(|(hash, _)| *hash)
        {
            all.remove(&first);
        }
    }
    all.insert(hash, new);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const MOMENT: Duration = Duration::from_millis(1);

    fn hash(number: usize) -> Hash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    }

    fn good(uid: &str) -> Word {
        Word::Good(uid.to_owned())
    }

    #[test]
    fn a_good_token_is_asked_about_again_in_time_and_never_trusted_past_its_end() {
        let (mut known, now) = (Known::default(), Instant::now());
        assert_eq!(known.look(&hash(1), now), Word::Ask);
        known.accept(hash(1), "long".to_owned(), HOUR, now);
        known.accept(hash(2), "short".to_owned(), Duration::from_secs(10), now);
        known.accept(hash(3), "endless".to_owned(), Duration::MAX, now);
        assert_eq!(known.look(&hash(1), now + TOKEN_TRUSTED_FOR - MOMENT), good("long"));
        assert_eq!(known.look(&hash(1), now + TOKEN_TRUSTED_FOR), Word::Ask);
        assert_eq!(known.look(&hash(2), now + Duration::from_secs(10)), Word::Ask);
        assert_eq!(known.look(&hash(3), now), good("endless"));
    }

    #[test]
    fn while_no_api_server_answers_a_good_token_counts_to_its_end() {
        let (mut known, began) = (Known::default(), Instant::now());
        known.accept(hash(1), "a".to_owned(), HOUR, began);
        let now = began + HOUR / 2;
        known.miss(now);
        assert_eq!(known.look(&hash(1), now), good("a"));
        // A stranger is no better off for that.
        assert_eq!(known.look(&hash(2), now), Word::Ask);
        // Now and then one asks whether they are back, and if they are, they are believed.
        assert_eq!(known.look(&hash(1), now + AWAY_FOR), Word::Ask);
        known.miss(began + HOUR - MOMENT);
        assert_eq!(known.look(&hash(1), began + HOUR - MOMENT), good("a"));
        assert_eq!(known.look(&hash(1), began + HOUR), Word::Ask);
        known.refuse(hash(2), began + HOUR - MOMENT);
        assert_eq!(known.look(&hash(1), began + HOUR - MOMENT), Word::Ask);
    }

    #[test]
    fn a_refused_token_stays_refused_for_a_moment_and_is_not_good_any_more() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.accept(hash(1), "a".to_owned(), HOUR, now);
        known.refuse(hash(1), now);
        assert_eq!(known.look(&hash(1), now + TOKEN_REFUSED_FOR - MOMENT), Word::Refused);
        let later = now + TOKEN_REFUSED_FOR;
        assert_eq!(known.look(&hash(1), later), Word::Ask);
        known.miss(later);
        assert_eq!(known.look(&hash(1), later), Word::Ask);
        known.accept(hash(1), "a".to_owned(), HOUR, now);
        assert_eq!(known.look(&hash(1), now), good("a"));
    }

    #[test]
    fn strangers_push_out_strangers_only() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.accept(hash(0), "a".to_owned(), HOUR, now);
        for number in 1..=2 * REFUSED_MAX {
            known.refuse(hash(number), now + MOMENT * u32::try_from(number).unwrap());
        }
        assert_eq!(known.refused.len(), REFUSED_MAX);
        assert_eq!(known.look(&hash(0), now), good("a"));
        // The oldest are forgotten.
        assert_eq!(known.look(&hash(1), now), Word::Ask);
        assert_eq!(known.look(&hash(2 * REFUSED_MAX), now), Word::Refused);
    }

    #[test]
    fn when_there_are_too_many_good_ones_those_that_end_first_are_forgotten() {
        let (mut known, now) = (Known::default(), Instant::now());
        let ends = |number: usize| Duration::from_secs(60 + number as u64);
        for number in 0..TOKENS_MAX {
            known.accept(hash(number), "a".to_owned(), ends(number), now);
        }
        // Known ones need no room.
        known.accept(hash(7), "a".to_owned(), ends(7), now);
        assert_eq!(known.look(&hash(0), now), good("a"));
        known.accept(hash(TOKENS_MAX), "a".to_owned(), HOUR, now);
        assert_eq!((known.look(&hash(0), now), known.look(&hash(1), now)), (Word::Ask, good("a")));
        assert_eq!(known.good.len(), TOKENS_MAX);
        // Two of them are over by now, and go together.
        known.accept(hash(TOKENS_MAX + 1), "a".to_owned(), HOUR, now + ends(2));
        assert_eq!(known.good.len(), TOKENS_MAX - 1);
    }
}
