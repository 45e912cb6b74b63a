//! From the NetReach's creation to its last round: hears of its changes, tells them, fetches and shows each report.

use std::pin::Pin;
use std::time::{Duration, Instant};

use async_io::Timer;
use futures_lite::{FutureExt, Stream, StreamExt};
use jiff::Timestamp;
use kube::runtime::watcher::Error as WatchError;
use netreach_api::NetReach;
use netreach_serve::Stop;

use super::reports::fetch;
use super::story::{Story, Tale};
use super::target::Target;
use super::trouble::ClusterTrouble;
use super::wording::Wanted;
use crate::args::Output;
use crate::connect::{innermost, plain};
use crate::documents::Documents;
use crate::ending::{Ending, Trouble};
use crate::progress::Progress;
use crate::show;

/// How long a manager may be silent when it has something to say.
const SILENT_MAX: Duration = Duration::from_secs(30);
/// How long the cluster may be away.
const AWAY_MAX: Duration = Duration::from_secs(300);

/// What can happen.
enum Event {
    Changed(Box<Result<Option<NetReach>, WatchError>>),
    /// The manager should have said something by now.
    Silent,
    /// The user wants it to end.
    Interrupted,
}

type Changes = Pin<Box<dyn Stream<Item = Result<Option<NetReach>, WatchError>>>>;

/// One NetReach's life, as seen from outside the cluster.
pub(super) struct Follow<'a> {
    target: &'a Target,
    wanted: Wanted,
    output: Output,
    documents: Option<Documents>,
    progress: &'a Progress,
    interrupted: &'a Stop,
    story: Story,
    shown: u64,
    /// The load of the round under way, from its first slot to its last.
    span: Option<(Instant, Duration)>,
    /// When the manager should have said something.
    silent_at: Option<Instant>,
    /// Since when the cluster does not answer.
    away_since: Option<Instant>,
}

impl<'a> Follow<'a> {
    pub(super) fn new(
        target: &'a Target,
        wanted: Wanted,
        output: Output,
        documents: Option<Documents>,
        progress: &'a Progress,
        interrupted: &'a Stop,
    ) -> Self {
        Self {
            target,
            wanted,
            output,
            documents,
            progress,
            interrupted,
            story: Story::new(wanted.rounds),
            shown: 0,
            span: None,
            silent_at: Some(Instant::now() + SILENT_MAX),
            away_since: None,
        }
    }

    /// Until no round is left, the NetReach is gone or the user has had enough.
    pub(super) async fn until_done(&mut self) -> Result<Ending, Trouble> {
        let mut changes: Changes = Box::pin(self.target.changes());
        loop {
            match self.next(&mut changes).await {
                Event::Interrupted => return Ok(self.interrupt()),
                Event::Silent => self.doubt(),
                Event::Changed(change) => match *change {
                    Err(error) => self.stumble(&error)?,
                    Ok(object) => {
                        self.away_since = None;
                        if let Some(ending) = self.hear(object).await? {
                            return Ok(ending);
                        }
                    }
                },
            }
        }
    }

    async fn next(&self, changes: &mut Changes) -> Event {
        let interrupted = async {
            self.interrupted.stopped().await;
            Event::Interrupted
        };
        let changed = async {
            match changes.next().await {
                Some(change) => Event::Changed(Box::new(change)),
                // A watch goes on for ever.
                None => std::future::pending().await,
            }
        };
        let silent = async {
            match self.silent_at {
                Some(at) => Timer::at(at).await,
                None => std::future::pending().await,
            };
            Event::Silent
        };
        // Moves the bar while the others are awaited; never ends by itself.
        let moving = async {
            self.progress.follow(self.span).await;
            Event::Silent
        };
        interrupted.or(changed).or(silent).or(moving).await
    }

    fn interrupt(&self) -> Ending {
        self.progress.say("interrupted: a round under way is not reported");
        Ending::NotSucceeded
    }

    fn doubt(&mut self) {
        self.silent_at = None;
        self.progress.say(
            "nothing is heard of the manager, which seems not to run: see kubectl -n netreach-system get pods",
        );
    }

    /// The watch goes on by itself, unless there is no sense in it.
    fn stumble(&mut self, error: &WatchError) -> Result<(), ClusterTrouble> {
        let (why, is_refusal) = watch_trouble(error);
        let since = *self.away_since.get_or_insert_with(|| {
            self.progress.say(&format!("could not hear of the NetReach: {why}; trying again"));
            Instant::now()
        });
        if is_refusal || since.elapsed() > AWAY_MAX {
            return Err(ClusterTrouble::NotFollowed { name: self.target.name.clone(), why });
        }
        Ok(())
    }

    async fn hear(&mut self, object: Option<NetReach>) -> Result<Option<Ending>, Trouble> {
        let ours = object.filter(|object| object.metadata.uid.as_ref() == Some(&self.target.uid));
        let Some(object) = ours else {
            self.progress.say(&format!("NetReach {} was deleted by somebody else", self.target.name));
            return Ok(Some(Ending::NotSucceeded));
        };
        let Some(status) = object.status else { return Ok(None) };
        let tales = self.story.look(&status, Timestamp::now());
        if self.span.is_none() {
            self.silent_at = None;
        }
        for tale in tales {
            if let Some(line) = self.wanted.line(&tale) {
                self.progress.say(&line);
            }
            if matches!(tale, Tale::Ended(_) | Tale::Missed { .. } | Tale::Untold { .. }) {
                (self.span, self.silent_at) = (None, None);
            }
            match tale {
                Tale::Started { number, deadline, agents: _ } => self.start(number, deadline),
                Tale::Ended(round) => {
                    if round.is_newest && self.report(round.number).await?.is_none() {
                        return Ok(Some(self.interrupt()));
                    }
                }
                Tale::Finished => return Ok(Some(self.finish())),
                Tale::Invalid(why) => {
                    return Err(ClusterTrouble::Invalid { name: self.target.name.clone(), why }.into());
                }
                Tale::Waiting(_) | Tale::Due(_) | Tale::Missed { .. } | Tale::Untold { .. } => {}
            }
        }
        Ok(None)
    }

    fn start(&mut self, number: u64, deadline: Timestamp) {
        let load = Duration::from_secs(self.wanted.load.duration_s.into());
        let left = Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or_default();
        self.span = Some((Instant::now(), load));
        self.silent_at = Some(Instant::now() + left + SILENT_MAX);
        self.progress.note(&self.wanted.name(number), "agents probe each other".to_owned());
    }

    /// Shows the round's report, or says why there is none; nothing when the user does not want to wait for it.
    async fn report(&mut self, number: u64) -> Result<Option<()>, Trouble> {
        let interrupted = async {
            self.interrupted.stopped().await;
            None
        };
        let fetched = async { Some(fetch(self.target, number).await) };
        match interrupted.or(fetched).await {
            None => return Ok(None),
            Some(Err(why)) => {
                self.progress.say(&format!("{}: could not get its report: {why}", self.wanted.name(number)));
            }
            Some(Ok(report)) => {
                self.progress.aside(|| show::report(&report, self.output, self.shown == 0))?;
                self.shown += 1;
                if let Some(documents) = &self.documents {
                    documents.write(number, &report)?;
                }
            }
        }
        Ok(Some(()))
    }

    fn finish(&self) -> Ending {
        if self.story.is_short() {
            let name = self.wanted.name(self.story.done());
            self.progress.say(&format!("ended after {name}: the schedule has no further date"));
        }
        self.story.ending()
    }
}

/// Why a watch has failed, and whether it will fail again.
fn watch_trouble(error: &WatchError) -> (String, bool) {
    match error {
        WatchError::InitialListFailed(error)
        | WatchError::WatchStartFailed(error)
        | WatchError::WatchFailed(error) => {
            let is_refusal =
                matches!(error, kube::Error::Api(status) if status.is_forbidden() || status.code == 401);
            (plain(error), is_refusal)
        }
        WatchError::WatchError(status) => (status.message.clone(), false),
        WatchError::NoResourceVersion => (innermost(error), false),
    }
}
