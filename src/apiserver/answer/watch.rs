//! What becomes of reports, as it comes.
//!
//! A watcher has no buffer: it goes through the log at its own pace, and one that is too slow for what the log keeps is ended,
//! without a part in how fast the others go.

use std::time::Instant;

use event_listener::EventListener;
use futures_lite::future;

use super::item::{Item, Style};
use super::{Answer, Asked, JSON, Said};
use crate::State;
use crate::ask::accept::Form;
use crate::ask::options::WatchAsk;
use crate::ask::selector::Selection;
use crate::ask::versions::Start;
use crate::body::{Flow, Pen};
use crate::limits::{BOOKMARK_EVERY, CHANGES_AT_ONCE_MAX, EVENT_WITHIN};
use crate::log::{Log, Outside};
use crate::refused::Refused;
use crate::state::Seat;
use crate::tell::Opening;
use crate::tell::event::{END, Kind, bookmark, error, of_one, told};
use crate::tell::object::View;
use crate::tell::table::table;

/// Begins a watch.
pub(super) fn begin(
    state: &State,
    asked: &Asked<'_>,
    ask: WatchAsk,
    style: Style,
) -> Result<Answer, Refused> {
    let log = state.log()?.clone();
    let seat = state.seat()?;
    let WatchAsk { selection, start, bookmarks, lasting } = ask;
    let until = asked.came + lasting.unwrap_or_else(|| state.watch_for());
    let at = match start {
        Start::Now | Start::Everything { .. } => log.version(),
        Start::After(version) => version,
    };
    let watcher = Watcher {
        state: state.clone(),
        log,
        _seat: seat,
        selection,
        style,
        bookmarks,
        until,
        at,
        said: at,
        has_told: false,
    };
    let flow = Flow::new(move |pen| watcher.watch(pen, start));
    Ok(Answer { media_type: JSON, tag: None, is_immutable: false, pretty: false, said: Said::Watched(flow) })
}

struct Watcher {
    state: State,
    log: Log,
    _seat: Seat,
    selection: Selection,
    style: Style,
    bookmarks: bool,
    until: Instant,
    /// All changes up to this one are told, or are none of its.
    at: u64,
    /// The version of the last event.
    said: u64,
    /// Whether there has been any.
    has_told: bool,
}

/// Why a watch ends.
enum Ended {
    /// Its time is over, or that of the server.
    Over,
    /// It cannot go on, and the watcher should hear why.
    Told(Refused),
    /// It cannot go on within an event.
    Cut(Refused),
}

/// What a watcher that has nothing to tell was woken by.
enum Woken {
    Changed,
    Bookmark,
    Over,
}

impl Watcher {
    async fn watch(mut self, mut pen: Pen, start: Start) -> Result<Pen, Refused> {
        match self.follow(&mut pen, start).await {
            Ended::Over if self.bookmarks && self.at > self.said => self.bookmark(&mut pen, false).await?,
            Ended::Over => {}
            Ended::Told(refused) => {
                if refused.is_ours() {
                    tracing::warn!(error = %refused, "ended a watch");
                }
                pen.write(&error(&refused.status())).await?;
                self.count(Kind::Error);
            }
            Ended::Cut(refused) => return Err(refused),
        }
        Ok(pen)
    }

    async fn follow(&mut self, pen: &mut Pen, start: Start) -> Ended {
        let begun = match start {
            Start::Everything { not_older_than } => self.everything(pen, not_older_than).await,
            Start::Now | Start::After(_) => Ok(()),
        };
        match begun {
            Err(ended) => ended,
            Ok(()) => loop {
                if let Err(ended) = self.go_on(pen).await {
                    return ended;
                }
            },
        }
    }

    /// Tells everything there is, and where it ends.
    async fn everything(&mut self, pen: &mut Pen, not_older_than: u64) -> Result<(), Ended> {
        let all = self.log.now();
        if all.version < not_older_than {
            let (version, newest) = (not_older_than, all.version);
            return Err(Ended::Told(Refused::Ahead { version, newest }));
        }
        for shown in &all.shown {
            if self.selection.matches(&shown.head) {
                self.tell(pen, Kind::Added, View::of(shown)).await?;
            }
        }
        // Only now: whoever is ended before must not take up from here.
        self.at = all.version;
        if self.bookmarks {
            self.bookmark(pen, true).await.map_err(Ended::Cut)?;
        }
        Ok(())
    }

    /// Tells what is new, or waits for it.
    async fn go_on(&mut self, pen: &mut Pen) -> Result<(), Ended> {
        // First listen, then look: what comes in between is heard.
        let changed = self.log.listen();
        let changes = self
            .log
            .after(self.at, CHANGES_AT_ONCE_MAX)
            .map_err(|outside| Ended::Told(gone(self.at, outside)))?;
        if changes.is_empty() {
            pen.flush().await.map_err(Ended::Cut)?;
            return match self.wait(changed).await {
                Woken::Changed => Ok(()),
                Woken::Bookmark => self.bookmark(pen, false).await.map_err(Ended::Cut),
                Woken::Over => Err(Ended::Over),
            };
        }
        for change in changes {
            if let Some((kind, view)) = told(&self.selection, &change) {
                self.tell(pen, kind, view).await?;
            }
            self.at = change.version;
        }
        Ok(())
    }

    async fn wait(&self, changed: EventListener) -> Woken {
        let changed = async {
            changed.await;
            Woken::Changed
        };
        let bookmark = async {
            if !self.bookmarks {
                return future::pending().await;
            }
            self.state.clock().until(self.state.clock().now() + BOOKMARK_EVERY).await;
            Woken::Bookmark
        };
        future::or(changed, future::or(bookmark, self.over())).await
    }

    async fn over(&self) -> Woken {
        let stopped = self.state.ending().stopped();
        future::or(stopped, self.state.clock().until(self.until)).await;
        Woken::Over
    }

    /// Tells one event, which the watcher has a certain time to read.
    async fn tell(&mut self, pen: &mut Pen, kind: Kind, view: View<'_>) -> Result<(), Ended> {
        if self.state.ending().is_stopped() || self.state.clock().now() >= self.until {
            return Err(Ended::Over);
        }
        let _turn = if self.style.opens() {
            // What is collected should not wait with it.
            pen.flush().await.map_err(Ended::Cut)?;
            let turn = async { Ok(self.state.event_turn().await) };
            let over = async {
                self.over().await;
                Err(Ended::Over)
            };
            Some(future::or(turn, over).await?)
        } else {
            None
        };
        let item = match self.style.open(&self.state, view.head).await.map_err(Ended::Told)? {
            Some(item) => item,
            None if kind == Kind::Deleted => Item::Remains,
            // It is gone, and that is being told as well.
            None => return Ok(()),
        };
        let late = self.state.clock().until(self.state.clock().now() + EVENT_WITHIN);
        let late = async {
            late.await;
            Err(Refused::SlowReader)
        };
        future::or(self.write(pen, kind, view, item), late).await.map_err(Ended::Cut)?;
        (self.said, self.has_told) = (view.version.max(self.said), true);
        self.count(kind);
        Ok(())
    }

    async fn write(&self, pen: &mut Pen, kind: Kind, view: View<'_>, item: Item) -> Result<(), Refused> {
        pen.write(kind.opening().as_bytes()).await?;
        if self.style.form == Form::Table {
            let opening = Opening::of_list(&table(of_one(view.version), !self.has_told))?;
            pen.write(opening.bytes()).await?;
            self.style.write(pen, view, item).await?;
            pen.write(b"]}").await?;
        } else {
            self.style.write(pen, view, item).await?;
        }
        pen.write(END).await
    }

    async fn bookmark(&mut self, pen: &mut Pen, is_end: bool) -> Result<(), Refused> {
        let Style { form, include } = self.style;
        pen.write(&bookmark(form, include, self.at, is_end, !self.has_told)).await?;
        (self.said, self.has_told) = (self.at, true);
        self.count(Kind::Bookmark);
        Ok(())
    }

    fn count(&self, kind: Kind) {
        self.state.tally().told(kind);
    }
}

/// Whoever goes on from a version that has not been (it is of a server that is no more, or of none) must list anew as well: the
/// changes after it would never come.
fn gone(version: u64, outside: Outside) -> Refused {
    match outside {
        Outside::TooOld { oldest } => Refused::Expired { version, oldest },
        Outside::Ahead { newest } => Refused::Unheard { version, newest },
    }
}
