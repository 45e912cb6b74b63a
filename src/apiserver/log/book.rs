//! All reports there are, and what has lately become of them: as data. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::Head;
use crate::limits::{CHANGES_BYTES_MAX, CHANGES_MAX};

/// A head, and the version of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) head: Head,
    pub(crate) version: u64,
}

/// What has become of one report.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Of this change and no other.
    pub(crate) version: u64,
    /// What it was; nothing where it is new.
    pub(crate) before: Option<Arc<Shown>>,
    /// What it is now; nothing where it is gone.
    pub(crate) after: Option<Arc<Shown>>,
}

/// All reports of one moment, by name.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) version: u64,
    pub(crate) shown: Vec<Arc<Shown>>,
}

/// A version of which it is not known what has been since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// Too long ago.
    TooOld {
        /// The first of which it is known.
        oldest: u64,
    },
    /// It has not been yet.
    Ahead {
        /// The last that has been.
        newest: u64,
    },
}

/// How much of the past is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) changes: usize,
    pub(crate) bytes: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { changes: CHANGES_MAX, bytes: CHANGES_BYTES_MAX }
    }
}

/// Reports and their changes.
#[derive(Debug)]
pub(crate) struct Book {
    window: Window,
    /// Of the last change.
    newest: u64,
    /// All changes after this one are known.
    oldest: u64,
    present: BTreeMap<String, Arc<Shown>>,
    changes: VecDeque<Change>,
    /// What is held for the changes' sake, bytes: of each what it was before.
    held: usize,
}

impl Book {
    /// An empty book, whose versions are above all those of lower epochs. No version is 0: to Kubernetes that is any.
    pub(crate) fn new(epoch: u32, window: Window) -> Self {
        let first = (u64::from(epoch) << 32) + 1;
        Self {
            window,
            newest: first,
            oldest: first,
            present: BTreeMap::new(),
            changes: VecDeque::new(),
            held: 0,
        }
    }

    /// The version of the last change.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// Puts a report in, or in the place of what it was. One that is as it was changes nothing; one whose name another had is
    /// told as the end of that and a beginning.
    pub(crate) fn put(&mut self, head: Head) -> u64 {
        match self.present.get(&head.name) {
            Some(shown) if shown.head == head => return shown.version,
            Some(shown) if shown.head.uid != head.uid => {
                self.remove(&head.name);
            }
            _ => {}
        }
        let version = self.newest + 1;
        let after = Arc::new(Shown { head, version });
        let before = self.present.insert(after.head.name.clone(), Arc::clone(&after));
        self.record(Change { version, before, after: Some(after) });
        version
    }

    /// Takes a report out; nothing where there was none.
    pub(crate) fn remove(&mut self, name: &str) -> Option<u64> {
        let before = self.present.remove(name)?;
        let version = self.newest + 1;
        self.record(Change { version, before: Some(before), after: None });
        Some(version)
    }

    /// Forgets how it came to be: nobody can have seen any of it.
    pub(crate) fn forget_the_past(&mut self) {
        (self.oldest, self.held) = (self.newest, 0);
        self.changes.clear();
    }

    /// Everything as it is.
    pub(crate) fn now(&self) -> Snapshot {
        Snapshot { version: self.newest, shown: self.present.values().cloned().collect() }
    }

    /// The report of that name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Shown>> {
        self.present.get(name).cloned()
    }

    /// Everything as it was then.
    pub(crate) fn at(&self, version: u64) -> Result<Snapshot, Outside> {
        let since = self.since(version)?;
        if since == self.changes.len() {
            return Ok(Snapshot { version, ..self.now() });
        }
        let mut then = self.present.clone();
        for Change { version: _, before, after } in self.changes.range(since..).rev() {
            if let Some(after) = after {
                then.remove(&after.head.name);
            }
            if let Some(before) = before {
                then.insert(before.head.name.clone(), Arc::clone(before));
            }
        }
        Ok(Snapshot { version, shown: then.into_values().collect() })
    }

    /// The first changes after that version.
    pub(crate) fn after(&self, version: u64, most: usize) -> Result<Vec<Change>, Outside> {
        let since = self.since(version)?;
        Ok(self.changes.range(since..).take(most).cloned().collect())
    }

    /// Where the changes after that version begin.
    fn since(&self, version: u64) -> Result<usize, Outside> {
        let Self { oldest, newest, .. } = *self;
        if version < oldest {
            return Err(Outside::TooOld { oldest });
        }
        if version > newest {
            return Err(Outside::Ahead { newest });
        }
        Ok(self.changes.partition_point(|change| change.version <= version))
    }

    fn record(&mut self, change: Change) {
        self.newest = change.version;
        self.held += change.bytes();
        self.changes.push_back(change);
        while self.changes.len() > self.window.changes || self.held > self.window.bytes {
            let Some(forgotten) = self.changes.pop_front() else { break };
            self.oldest = forgotten.version;
            self.held -= forgotten.bytes();
        }
    }
}

impl Change {
    /// What it keeps alive that would otherwise be gone, bytes, about.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.before.as_ref().map_or(0, |before| before.head.bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::head::tests::head;

    const WIDE: Window = Window { changes: 100, bytes: 1 << 20 };

    fn of_round(name: &str, uid: &str, round: u64) -> Head {
        Head { uid: uid.to_owned(), round, ..head(name) }
    }

    /// `name uid round` of each.
    fn told(snapshot: &Snapshot) -> Vec<String> {
        let one = |shown: &Arc<Shown>| {
            let Shown { head, version } = &**shown;
            format!("{} {} {} @{}", head.name, head.uid, head.round, version & 0xffff_ffff)
        };
        snapshot.shown.iter().map(one).collect()
    }

    fn changes(book: &Book, version: u64) -> Vec<String> {
        let word = |change: &Change| match (&change.before, &change.after) {
            (None, Some(after)) => format!("+{}{}", after.head.name, after.head.round),
            (Some(_), Some(after)) => format!("~{}{}", after.head.name, after.head.round),
            (Some(before), None) => format!("-{}{}", before.head.name, before.head.round),
            (None, None) => panic!("a change of nothing"),
        };
        book.after(version, usize::MAX).unwrap().iter().map(word).collect()
    }

    #[test]
    fn versions_rise_from_their_epoch_and_none_is_zero() {
        let mut book = Book::new(0, WIDE);
        assert_eq!(book.newest(), 1);
        assert_eq!(book.put(head("a")), 2);
        assert_eq!(book.remove("a"), Some(3));
        assert_eq!(book.remove("a"), None);
        assert_eq!(book.newest(), 3);
        let later = Book::new(7, WIDE);
        assert_eq!(later.newest(), 7 << 32 | 1);
        assert_eq!(later.after(3, 1).unwrap_err(), Outside::TooOld { oldest: 7 << 32 | 1 });
        assert_eq!(book.after(7 << 32 | 1, 1).unwrap_err(), Outside::Ahead { newest: 3 });
    }

    #[test]
    fn a_report_that_is_as_it_was_is_no_change_and_another_of_its_name_is_two() {
        let mut book = Book::new(1, WIDE);
        let start = book.newest();
        assert_eq!(book.put(of_round("a", "u", 1)), start + 1);
        assert_eq!(book.put(of_round("a", "u", 1)), start + 1);
        assert_eq!(book.put(of_round("a", "u", 2)), start + 2);
        assert_eq!(book.put(of_round("a", "v", 1)), start + 4);
        book.put(of_round("b", "w", 1));
        assert_eq!(changes(&book, start), ["+a1", "~a2", "-a2", "+a1", "+b1"]);
        assert_eq!(told(&book.now()), ["a v 1 @5", "b w 1 @6"]);
        assert_eq!(told(&book.at(start + 2).unwrap()), ["a u 2 @3"]);
        assert_eq!(told(&book.at(start + 1).unwrap()), ["a u 1 @2"]);
        assert_eq!(told(&book.at(start).unwrap()), [""; 0]);
        assert_eq!(book.at(start + 2).unwrap().version, start + 2);
        assert_eq!(book.get("a").unwrap().version, start + 4);
        assert!(book.get("c").is_none());
    }

    #[test]
    fn only_so_much_of_the_past_is_kept() {
        let mut book = Book::new(1, Window { changes: 2, bytes: 1 << 20 });
        let start = book.newest();
        for round in 1..=4 {
            book.put(of_round("a", "u", round));
        }
        assert_eq!(changes(&book, start + 2), ["~a3", "~a4"]);
        assert_eq!(book.at(start + 1).unwrap_err(), Outside::TooOld { oldest: start + 2 });
        let mut narrow = Book::new(1, Window { changes: 100, bytes: 3_000 });
        for round in 1..=100 {
            narrow.put(of_round("a", &"u".repeat(1_000), round));
        }
        assert!(narrow.changes.len() < 3 && narrow.held <= 3_000, "{}", narrow.held);
        book.forget_the_past();
        assert_eq!(book.after(start + 4, 9).unwrap().len(), 0);
        assert_eq!(book.at(start + 3).unwrap_err(), Outside::TooOld { oldest: start + 4 });
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whoever_applies_the_changes_since_any_moment_has_what_is_now(
            steps in prop::collection::vec((0_u8..5, 0_u8..3, 0_u64..4), 0..60),
            window in 1_usize..70,
        ) {
            let mut book = Book::new(3, Window { changes: window, bytes: 1 << 20 });
            let mut moments = vec![book.now()];
            for (name, uid, round) in steps {
                let name = format!("n{name}");
                if round == 0 {
                    book.remove(&name);
                } else {
                    book.put(of_round(&name, &format!("u{uid}"), round));
                }
                moments.push(book.now());
            }
            for then in moments {
                match book.after(then.version, usize::MAX) {
                    Err(outside) => {
                        let is_too_old = matches!(outside, Outside::TooOld { .. });
                        prop_assert!(is_too_old);
                    }
                    Ok(changes) => {
                        prop_assert_eq!(told(&book.at(then.version).unwrap()), told(&then));
                        let mut known: BTreeMap<String, Arc<Shown>> =
                            then.shown.iter().map(|one| (one.head.name.clone(), Arc::clone(one))).collect();
                        for Change { before, after, .. } in changes {
                            if let Some(before) = before {
                                prop_assert_eq!(known.remove(&before.head.name), Some(before));
                            }
                            if let Some(after) = after {
                                prop_assert!(known.insert(after.head.name.clone(), after).is_none());
                            }
                        }
                        let shown = known.into_values().collect();
                        prop_assert_eq!(told(&Snapshot { version: 0, shown }), told(&book.now()));
                    }
                }
            }
        }
    }
}
