//! Rulings that are remembered for a short while. Pure: what time it is, is told.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use netreach_apiserver::{Access, Caller, Ruling};
use sha2::{Digest, Sha256};

/// How long a ruling is remembered, seconds, be it yes or no: so long a right that was taken away may still be used.
const KEEP_S: u64 = 10;
/// Most rulings at once.
const RULINGS_MAX: usize = 512;

/// Who asks, and for what.
pub(super) type Question = (Caller, Access);

/// Rulings, each with the instant it was asked for. Of a question its print is held: a user's groups may be a MiB.
#[derive(Default)]
pub(super) struct Rulings(HashMap<Print, (Ruling, Instant)>);

type Print = [u8; 32];

impl Rulings {
    /// The ruling, if it is still good.
    pub(super) fn recall(&self, question: &Question, now: Instant) -> Option<Ruling> {
        let (ruling, asked) = self.0.get(&print(question))?;
        is_good(*asked, now).then(|| ruling.clone())
    }

    /// Remembers a ruling. When there is no room, none is remembered but this one: it is only asked for again.
    pub(super) fn keep(&mut self, question: &Question, ruling: Ruling, asked: Instant) {
        if self.0.len() >= RULINGS_MAX {
            self.0.retain(|_, (_, other)| is_good(*other, asked));
        }
        if self.0.len() >= RULINGS_MAX {
            self.0.clear();
        }
        self.0.insert(print(question), (ruling, asked));
    }
}

/// No two questions are written alike: texts stand in quotes, and quotes in them are escaped.
fn print(question: &Question) -> Print {
    Sha256::digest(format!("{question:?}")).into()
}

fn is_good(asked: Instant, now: Instant) -> bool {
    now.saturating_duration_since(asked) < Duration::from_secs(KEEP_S)
}

#[cfg(test)]
mod tests {
    use netreach_apiserver::Verb;

    use super::*;

    fn question(user: &str, groups: &[&str]) -> Question {
        let caller = Caller {
            user: user.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            ..Caller::default()
        };
        let access = Access {
            group: "group",
            version: "v1",
            resource: "things",
            subresource: None,
            verb: Verb::List,
            name: None,
        };
        (caller, access)
    }

    #[test]
    fn a_ruling_is_good_for_that_very_question_and_for_a_while() {
        let (began, mut rulings) = (Instant::now(), Rulings::default());
        let after = |seconds: u64| began + Duration::from_secs(seconds);
        rulings.keep(&question("alice", &["readers"]), Ruling::Allowed, began);
        assert_eq!(rulings.recall(&question("alice", &["readers"]), after(9)), Some(Ruling::Allowed));
        assert_eq!(rulings.recall(&question("alice", &["readers"]), after(10)), None);
        assert_eq!(rulings.recall(&question("alice", &[]), began), None);
        assert_eq!(rulings.recall(&question("bob", &["readers"]), began), None);
        let (caller, access) = question("alice", &["readers"]);
        let of_one = Access { name: Some("a".to_owned()), ..access.clone() };
        let of_part = Access { subresource: Some("parts"), ..access };
        for other in [of_one, of_part] {
            assert_eq!(rulings.recall(&(caller.clone(), other), began), None);
        }
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let (began, mut rulings) = (Instant::now(), Rulings::default());
        for user in 0..2 * RULINGS_MAX {
            rulings.keep(&question(&user.to_string(), &[]), Ruling::Denied(None), began);
            assert!(rulings.0.len() <= RULINGS_MAX);
        }
        let last = question(&(2 * RULINGS_MAX - 1).to_string(), &[]);
        assert_eq!(rulings.recall(&last, began), Some(Ruling::Denied(None)));
    }
}
