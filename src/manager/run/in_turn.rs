//! One of several managers on one store.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_std::future::timeout;
use futures_lite::future::or;
use netreach_manager::lead::{Badge, Candidate, Standing, Term};
use netreach_manager::limits::{API_READY_MS, DESK_DRAIN_MS};
use netreach_serve::{Limits, Stop};

use super::ground::Ground;
use super::office::{Listeners, Office};
use super::unless;
use crate::servers::Servers;

impl Ground {
    /// One of several managers on one store, of which the one leads that holds the Lease. The others are ready, and listen to nobody
    /// but kubelets.
    pub(super) async fn run_in_turn(&self, lease: &str) -> anyhow::Result<()> {
        // Whoever could not work is not to be ready, so that an update stops there and leaves those that can.
        drop(self.open_store().await?);
        let standing = Standing::default();
        let (over, mut beside) = (Stop::new(), Servers::default());
        let of_ready = standing.clone();
        self.serve_health(&mut beside, &over, Some(&standing), move || of_ready.is_known())?;
        let (namespace, pod) = (self.settings.namespace.as_str(), self.settings.instance.as_str());
        let badge = Badge::new(self.client.clone(), self.watching.clone(), namespace, pod);
        // Another name for every process: what an earlier one in this pod held is not ours.
        let me = format!("{pod}_{:016x}", getrandom::u64().context("the system gives no random bytes")?);
        let clients = (self.client.clone(), self.watching.clone());
        let candidate = Candidate::new(clients.0, clients.1, (namespace, lease), me, standing);
        let won = async {
            or(self.stop.stopped(), badge.begin_without()).await;
            Ok(candidate.win(&self.stop).await)
        };
        let failed = async { Err(beside.failed().await) };
        if let Some(leader) = or(won, failed).await? {
            let term = Term::begin(leader).context("could not start a thread")?;
            let mut at_api = Servers::default();
            let lost = async { Err(term.lost().await.into()) };
            let failed = async { Err(beside.failed().await.into()) };
            let led = or(lost, or(failed, self.lead(&term, &badge, &mut at_api))).await;
            // However it has ended, nothing is written any more: the next one need not wait.
            term.give_up().await;
            led?;
            // Reports alone are still shown, to those who have not heard of the next one yet.
            at_api.ended().await?;
        }
        over.stop();
        Ok(beside.ended().await?)
    }

    /// Does what a leader does until it is told to end; reports may still be shown then.
    async fn lead(&self, term: &Term, badge: &Badge, at_api: &mut Servers) -> anyhow::Result<()> {
        let stopped = async {
            self.stop.stopped().await;
            Ok(None)
        };
        let begun = async {
            let (store, epoch) = self.take_over_store(term).await;
            self.open(store, epoch).await.map(Some)
        };
        let Some(Office { controller, desk, events, state, kept }) = or(stopped, begun).await? else {
            return Ok(());
        };
        let Listeners { desk: desk_listeners, api: api_listeners } = self.bind()?;
        let mut at_desk = Servers::default();
        let limits = Limits { drain_ms: DESK_DRAIN_MS, ..netreach_dispatch::limits::server_limits() };
        self.serve_desk(&mut at_desk, desk_listeners, &desk, limits);
        self.serve_api(at_api, api_listeners, &state);
        let called = async {
            if timeout(Duration::from_millis(API_READY_MS), state.ready()).await.is_err() {
                tracing::warn!(
                    "the API of reports does not know whom to believe yet: agents may come nevertheless"
                );
            }
            badge.wear(|| tracing::info!(term = term.number(), "ready")).await;
        };
        let work = controller.run(desk.clone(), events, Arc::new(kept), Arc::new(term.leads()));
        let worked = or(work, or(self.stop.stopped(), called));
        let failed = or(at_desk.failed(), at_api.failed());
        let ended = unless(failed, worked).await;
        // From here on the order is that in which the next one can do without us: those who wait for news, of work or of reports, ask
        // again and find it.
        desk.end();
        state.end();
        if let Err(error) = badge.take_off().await {
            tracing::warn!(%error, "callers may look for us until there is another leader");
        }
        ended?;
        Ok(at_desk.ended().await?)
    }
}
