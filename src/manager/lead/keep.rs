//! Stands for a Lease, and keeps it. What to do is decided by `plan`; here it is asked of an API server.

use std::pin::pin;
use std::time::{Duration, Instant};

use async_std::future::timeout;
use async_std::task::sleep;
use futures_lite::future::or;
use futures_util::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Error, Event, watcher};
use kube::{Api, Client};
use netreach_api::names::FIELD_MANAGER;
use netreach_serve::Stop;
use serde_json::Value;

use super::LeadError;
use super::plan::{Elector, Record, Step, Terms, Write};
use super::record::{patch, read, unheld};
use super::term::Standing;
use crate::limits::{GIVE_UP_MS, LEASE_ANSWER_MS};

/// One who stands for a Lease.
pub struct Candidate {
    leases: Api<Lease>,
    watched: Api<Lease>,
    lease: String,
    me: String,
    terms: Terms,
    elector: Elector,
    standing: Standing,
}

/// One who leads.
pub struct Leader(Candidate);

/// What an API server has answered.
enum Answer {
    Seen(Option<Record>),
    Written(Record),
    Overtaken,
}

// === impl Candidate ===

impl Candidate {
    /// Stands for a Lease in a namespace under the name `me`, which no other process has or had. Asks by `client`, follows by
    /// `watching`, and tells through `standing`.
    #[must_use]
    pub fn new(
        client: Client,
        watching: Client,
        (namespace, lease): (&str, &str),
        me: String,
        standing: Standing,
    ) -> Self {
        let terms = Terms::default();
        Self {
            leases: Api::namespaced(client, namespace),
            watched: Api::namespaced(watching, namespace),
            lease: lease.to_owned(),
            elector: Elector::new(me.clone(), terms),
            me,
            terms,
            standing,
        }
    }

    /// Waits until it leads, however long API servers are away; none once `stop` is thrown.
    pub async fn win(mut self, stop: &Stop) -> Option<Leader> {
        let named = Config::default().fields(&format!("metadata.name={}", self.lease));
        let mut changes = pin!(watcher(self.watched.clone(), named).default_backoff());
        let mut is_there = false;
        while !stop.is_stopped() {
            match self.elector.step(Instant::now()) {
                // Seen at once, a Lease that is given up is taken at once; else nobody would ask before it has run out.
                Step::Wait(until) => {
                    let over = or(stop.stopped(), sleep_until(until));
                    let change = or(changes.next(), async {
                        over.await;
                        None
                    });
                    if let Some(change) = change.await {
                        self.hear(change, &mut is_there);
                    }
                }
                Step::Look => self.look().await,
                Step::Make => self.make().await,
                Step::Write(write) => self.write(&write).await,
                // Won, and over before anybody has heard of it: this process was asleep.
                Step::End(_) => drop(self.elector.resign()),
            }
            if self.elector.leads(Instant::now()) {
                tracing::info!(lease = self.lease, me = self.me, "leading");
                self.standing.set_leads_until(self.elector.leads_until());
                return Some(Leader(self));
            }
        }
        // It may have got it just now.
        self.give_up().await;
        None
    }

    fn hear(&mut self, change: Result<Event<Lease>, Error>, is_there: &mut bool) {
        match change {
            Ok(Event::Init) => *is_there = false,
            Ok(Event::InitApply(lease) | Event::Apply(lease)) => {
                *is_there = true;
                let record = read(&lease, self.terms.lasts);
                self.saw(Some(record));
            }
            Ok(Event::InitDone) if *is_there => {}
            Ok(Event::InitDone | Event::Delete(_)) => self.saw(None),
            Err(error) => tracing::warn!(lease = self.lease, %error, "could not follow the Lease"),
        }
    }

    fn saw(&mut self, record: Option<Record>) {
        // Before it is told: whoever hears of it may ask.
        self.standing.set_known();
        let holder = |record: Option<&Record>| record.map(|record| record.holder.clone());
        let before = holder(self.elector.record());
        let now = holder(record.as_ref());
        if before != now || !self.elector.is_informed() {
            match now.as_deref() {
                None => tracing::info!(
                    lease = self.lease,
                    "there is no Lease: waiting for as long as one that was deleted may be relied on"
                ),
                Some("") => tracing::info!(lease = self.lease, "nobody leads"),
                Some(holder) => tracing::info!(lease = self.lease, holder, "standing by"),
            }
        }
        self.elector.saw(record, Instant::now());
    }

    async fn look(&mut self) {
        let asked = async {
            let found = self.leases.get_opt(&self.lease).await?;
            Ok(Answer::Seen(found.map(|lease| read(&lease, self.terms.lasts))))
        };
        let (began, answer) = self.within(asked).await;
        self.heed(began, answer, "read");
    }

    async fn make(&mut self) {
        let asked = async {
            let params = PatchParams::apply(FIELD_MANAGER);
            let made = self.leases.patch(&self.lease, &params, &Patch::Apply(unheld(&self.lease))).await?;
            Ok(Answer::Seen(Some(read(&made, self.terms.lasts))))
        };
        let (began, answer) = self.within(asked).await;
        self.heed(began, answer, "make");
    }

    async fn write(&mut self, write: &Write) {
        let (began, answer) = self.within(self.written(write)).await;
        self.heed(began, answer, "write");
    }

    async fn written(&self, write: &Write) -> Result<Answer, kube::Error> {
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let change: Value = patch(write, Timestamp::now());
        match self.leases.patch(&self.lease, &params, &Patch::Merge(change)).await {
            Ok(lease) => Ok(Answer::Written(read(&lease, self.terms.lasts))),
            // Somebody was quicker, or it was deleted.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Answer::Overtaken),
            Err(error) => Err(error),
        }
    }

    /// When a request began, and its answer: none where that did not come in time. What leads does not wait beyond its time.
    async fn within(
        &self,
        asked: impl Future<Output = Result<Answer, kube::Error>>,
    ) -> (Instant, Option<Result<Answer, kube::Error>>) {
        let began = Instant::now();
        let mut longest = Duration::from_millis(LEASE_ANSWER_MS);
        if let Some(until) = self.elector.leads_until() {
            longest = longest.min(until.saturating_duration_since(began));
        }
        (began, timeout(longest, asked).await.ok())
    }

    fn heed(&mut self, began: Instant, answer: Option<Result<Answer, kube::Error>>, verb: &str) {
        let now = Instant::now();
        match answer {
            Some(Ok(Answer::Seen(record))) => self.saw(record),
            Some(Ok(Answer::Written(record))) => {
                self.elector.wrote(record, began, now);
                self.standing.set_known();
            }
            Some(Ok(Answer::Overtaken)) => {
                tracing::debug!(lease = self.lease, "somebody else was quicker: reading the Lease again");
                self.elector.overtaken(now);
            }
            Some(Err(error)) => {
                tracing::warn!(
                    lease = self.lease,
                    %error,
                    "could not {verb} the Lease: see that the role netreach-leader is bound to this service account"
                );
                self.elector.failed(began, now);
            }
            None => {
                tracing::warn!(
                    lease = self.lease,
                    "could not {verb} the Lease: the API server does not answer"
                );
                self.elector.failed(began, now);
            }
        }
    }
}

// === impl Leader ===

impl Leader {
    /// Which term of office this is of all there were by this Lease, from 1: each is told from those before it, and rises.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.0.elector.record().map_or(1, |record| record.transitions.max(1))
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.0.standing
    }

    /// The name of the Lease.
    #[must_use]
    pub fn lease(&self) -> &str {
        &self.0.lease
    }

    /// Renews the Lease until `give_up` is thrown, and gives it up then.
    ///
    /// # Errors
    /// When it is lost: from then on nothing that only a leader may do is to be done.
    pub async fn keep(mut self, give_up: &Stop) -> Result<(), LeadError> {
        let candidate = &mut self.0;
        while !give_up.is_stopped() {
            match candidate.elector.step(Instant::now()) {
                Step::Wait(until) => or(give_up.stopped(), sleep_until(until)).await,
                Step::Look => candidate.look().await,
                Step::Write(write) => {
                    candidate.write(&write).await;
                    candidate.standing.set_leads_until(candidate.elector.leads_until());
                }
                // One who leads makes no Lease: if it is gone, so is the lead when its time is over.
                Step::Make => unreachable!("waits for its end instead"),
                Step::End(why) => {
                    candidate.standing.set_leads_until(None);
                    let error = LeadError::Lost { lease: candidate.lease.clone(), why };
                    tracing::error!("{error}");
                    return Err(error);
                }
            }
        }
        candidate.give_up().await;
        Ok(())
    }
}

impl Candidate {
    /// Has nobody wait, where that can be done soon.
    async fn give_up(&mut self) {
        self.standing.set_leads_until(None);
        let done = async {
            while let Some(write) = self.elector.resign() {
                let answer = self.within(self.written(&write)).await.1;
                match answer {
                    Some(Ok(Answer::Overtaken)) => self.look().await,
                    Some(Ok(_)) => return tracing::info!(lease = self.lease, "the Lease is given up"),
                    Some(Err(_)) | None => {
                        sleep(self.terms.again).await;
                        self.look().await;
                    }
                }
            }
        };
        if timeout(Duration::from_millis(GIVE_UP_MS), done).await.is_err() {
            tracing::warn!(
                lease = self.lease,
                "the Lease could not be given up: others wait until it has run out"
            );
        }
    }
}

async fn sleep_until(at: Instant) {
    sleep(at.saturating_duration_since(Instant::now())).await;
}
