//! What there is to tell, fed by whoever composes: all heads, and their changes as they come.

mod book;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, EventListener};

use self::book::{Book, Window};
pub(crate) use self::book::{Change, Outside, Shown, Snapshot};
use crate::Head;

/// The heads of all reports and the changes of late. Lists are made of it and watches follow it, so that what both say fits.
/// Clones are the same.
///
/// Versions are `epoch << 32 | counter`, each above the one before. Whoever has a version of a lower epoch is told to list
/// again; so every process that serves the API, and every leader, must begin with an epoch above all before it.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

struct Shared {
    book: Mutex<Book>,
    is_whole: AtomicBool,
    changed: Event,
}

impl Log {
    /// An empty log. Until [`Log::begin`] whoever asks is told to come back.
    #[must_use]
    pub fn new(epoch: u32) -> Self {
        Self::keeping(epoch, Window::default())
    }

    fn keeping(epoch: u32, window: Window) -> Self {
        let (book, is_whole) = (Mutex::new(Book::new(epoch, window)), AtomicBool::new(false));
        Self(Arc::new(Shared { book, is_whole, changed: Event::new() }))
    }

    /// Says that all reports there are have been put in: from now on everybody is answered.
    pub fn begin(&self) {
        self.book().forget_the_past();
        self.0.is_whole.store(true, Ordering::Release);
    }

    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.is_whole.load(Ordering::Acquire)
    }

    /// Puts a report in, or what has become of it, and says its version. One that is as it was keeps its version and wakes
    /// nobody; one with another uid than the last of its name is told as a deletion and an addition.
    pub fn put(&self, head: Head) -> u64 {
        let mut book = self.book();
        let before = book.newest();
        let version = book.put(head);
        let is_news = book.newest() != before;
        drop(book);
        if is_news {
            self.0.changed.notify(usize::MAX);
        }
        version
    }

    /// Takes a report out, and says the version of that; none where there was no such report.
    pub fn remove(&self, name: &str) -> Option<u64> {
        let version = self.book().remove(name);
        if version.is_some() {
            self.0.changed.notify(usize::MAX);
        }
        version
    }

    /// The version of the last change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.book().newest()
    }

    pub(crate) fn now(&self) -> Snapshot {
        self.book().now()
    }

    pub(crate) fn at(&self, version: u64) -> Result<Snapshot, Outside> {
        self.book().at(version)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Shown>> {
        self.book().get(name)
    }

    pub(crate) fn after(&self, version: u64, most: usize) -> Result<Vec<Change>, Outside> {
        self.book().after(version, most)
    }

    /// Hears the next change. To miss none, listen first and look then.
    pub(crate) fn listen(&self) -> EventListener {
        self.0.changed.listen()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Nothing in the book can panic half-way: a poisoned lock still guards a whole one.
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("version", &self.version()).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use futures_lite::future::{block_on, poll_once};

    use super::*;
    use crate::head::tests::head;

    /// A log that keeps no more than so many changes.
    pub(crate) fn narrow(epoch: u32, changes: usize) -> Log {
        Log::keeping(epoch, Window { changes, ..Window::default() })
    }

    #[test]
    fn a_change_wakes_whoever_listens_and_what_is_none_does_not() {
        block_on(async {
            let log = Log::new(1);
            let mut listening = log.listen();
            log.put(head("a"));
            listening.await;
            listening = log.listen();
            log.put(head("a"));
            log.remove("b");
            assert!(poll_once(&mut listening).await.is_none());
            log.remove("a");
            listening.await;
        });
    }

    #[test]
    fn what_came_before_the_beginning_is_no_change() {
        let log = Log::new(1);
        assert!(!log.has_begun());
        let version = log.put(head("a"));
        log.begin();
        assert!(log.has_begun());
        assert_eq!(log.version(), version);
        assert!(log.after(version - 1, 9).is_err());
        assert_eq!(log.after(version, 9).unwrap().len(), 0);
    }
}
