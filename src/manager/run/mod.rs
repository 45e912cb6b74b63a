//! Desk, controller and aggregated API in one process, from the first look at the cluster to the end.

mod ground;
mod in_turn;
mod office;

use std::sync::Arc;

use anyhow::Context;
use async_std::task::spawn_blocking;
use futures_lite::future::or;
use jiff::Timestamp;
use netreach_apiserver::State;
use netreach_manager::reports::epoch_alone;
use netreach_serve::{ServeError, Stop};

use self::ground::Ground;
use self::office::{Listeners, Office};
use crate::run_args::RunArgs;
use crate::servers::Servers;

/// Runs until it is told to end. A round under way stays open: whoever comes next goes on with it.
pub(crate) async fn run(args: RunArgs) -> anyhow::Result<()> {
    let stop = Stop::new();
    stop.throw_on_signals().context("could not listen to signals")?;
    let ground = Ground::find(args, stop).await?;
    match &ground.args.lead_by {
        None => ground.run_alone().await,
        Some(lease) => ground.run_in_turn(lease).await,
    }
}

impl Ground {
    /// The only manager there is: nobody else writes statuses and the store.
    async fn run_alone(&self) -> anyhow::Result<()> {
        let store = self.open_store().await?;
        let Listeners { desk: desk_listeners, api: api_listeners } = self.bind()?;
        let at = Arc::clone(&store);
        let epoch = spawn_blocking(move || epoch_alone(&at, Timestamp::now())).await;
        let Office { controller, desk, events, state, kept } = self.open(store, epoch).await?;
        let (over, mut beside) = (Stop::new(), Servers::default());
        let shown = Arc::clone(&self.shown);
        self.serve_health(&mut beside, &over, None, move || shown.get().is_some_and(State::is_ready))?;
        let (mut at_desk, mut at_api) = (Servers::default(), Servers::default());
        self.serve_desk(&mut at_desk, desk_listeners, &desk, netreach_dispatch::limits::server_limits());
        self.serve_api(&mut at_api, api_listeners, &state);
        tracing::info!("ready");
        let stopped = async {
            self.stop.stopped().await;
            // Agents that wait for news are sent away: they ask again, and find whoever is there then.
            desk.end();
            // Whoever watches does so as well.
            state.end();
        };
        let worked = or(stopped, controller.run(desk.clone(), events, Arc::new(kept), Arc::new(|| true)));
        let failed = or(at_desk.failed(), or(at_api.failed(), beside.failed()));
        unless(failed, worked).await?;
        at_desk.ended().await?;
        at_api.ended().await?;
        over.stop();
        Ok(beside.ended().await?)
    }
}

/// Works, unless a server fails before.
async fn unless(
    failed: impl Future<Output = ServeError>,
    work: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let worked = async {
        work.await;
        Ok(())
    };
    or(worked, async { Err(failed.await) }).await
}
