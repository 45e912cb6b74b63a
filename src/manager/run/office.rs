//! A manager at work, and where callers come to.

use std::sync::Arc;

use async_channel::Receiver;
use async_std::net::TcpListener;
use async_std::task;
use futures_lite::future::or;
use netreach_apiserver::{Log, State, register};
use netreach_controller::Controller;
use netreach_dispatch::{Desk, DeskEvent, SystemClock};
use netreach_manager::api::{Reviewer, follow_front_proxy};
use netreach_manager::lead::Standing;
use netreach_manager::reports::Kept;
use netreach_serve::{
    Limits, Stop, add_health, add_metrics, bind_each, register_servers, run as serve, run_tls,
};
use netreach_store::Store;
use prometheus_client::registry::Registry;

use super::ground::Ground;
use crate::HEALTH_PORT;
use crate::servers::Servers;

const DESK_PORT: u16 = 9_444;
const API_PORT: u16 = 9_445;

/// What a manager at work consists of.
pub(super) struct Office {
    pub(super) controller: Controller,
    pub(super) desk: Desk,
    pub(super) events: Receiver<DeskEvent>,
    pub(super) state: State,
    pub(super) kept: Kept,
}

/// Where callers come to.
pub(super) struct Listeners {
    pub(super) desk: Vec<TcpListener>,
    pub(super) api: Vec<TcpListener>,
}

impl Ground {
    pub(super) fn bind(&self) -> anyhow::Result<Listeners> {
        let desk = bind_each(&self.args.desk_listen, DESK_PORT)?;
        let api = bind_each(&self.args.api_listen, API_PORT)?;
        Ok(Listeners { desk, api })
    }

    /// Follows the cluster, and has a desk whose rounds of before are still to be opened again. Versions of reports are of this epoch.
    /// Called once.
    pub(super) async fn open(&self, store: Arc<Store>, epoch: u32) -> anyhow::Result<Office> {
        let (client, watching) = (self.client.clone(), &self.watching);
        let log = Log::new(epoch);
        let kept = Kept::new(Arc::clone(&store), log.clone());
        let controller = Controller::follow(client, watching, self.settings.clone(), store).await?;
        let (desk, events) = Desk::catching_up(controller.accounts(), SystemClock);
        let state = State::new(log, kept.clone(), Reviewer::new(self.client.clone()));
        let state = self.shown.get_or_init(|| state).clone();
        task::spawn(follow_front_proxy(watching.clone(), state.clone(), self.api_tls.clone()));
        Ok(Office { controller, desk, events, state, kept })
    }

    pub(super) fn serve_desk(
        &self,
        servers: &mut Servers,
        listeners: Vec<TcpListener>,
        desk: &Desk,
        limits: Limits,
    ) {
        for listener in listeners {
            let (tls, stop) = (self.desk_tls.clone(), self.stop.clone());
            servers.add(run_tls(tls, listener, desk.app(), limits.clone(), stop));
        }
    }

    pub(super) fn serve_api(&self, servers: &mut Servers, listeners: Vec<TcpListener>, state: &State) {
        for listener in listeners {
            let (app, limits) =
                (netreach_apiserver::app(state.clone()), netreach_apiserver::limits::server_limits());
            let (state, tls, stop) = (state.clone(), self.api_tls.clone(), self.stop.clone());
            servers.add(async move {
                // Until then everybody would be a stranger: whoever has come meanwhile waits to be let in.
                or(state.ready(), stop.stopped()).await;
                run_tls(tls, listener, app, limits, stop).await
            });
        }
    }

    /// Until `over`, which comes after everything else.
    pub(super) fn serve_health(
        &self,
        servers: &mut Servers,
        over: &Stop,
        standing: Option<&Standing>,
        is_ready: impl Fn() -> bool + Send + Sync + Clone + 'static,
    ) -> anyhow::Result<()> {
        for listener in bind_each(&self.args.health_listen, HEALTH_PORT)? {
            let mut app = tide::new();
            let (is_ready, stop) = (is_ready.clone(), self.stop.clone());
            add_health(&mut app, move || is_ready() && !stop.is_stopped());
            let mut registry = Registry::default();
            let both = [("desk", &self.desk_tls), ("api", &self.api_tls)];
            register_servers(&mut registry, both.into_iter().map(|(name, tls)| (name, tls.clone())));
            register(&mut registry, &self.shown);
            if let Some(standing) = standing {
                standing.register(&mut registry);
            }
            add_metrics(&mut app, registry);
            servers.add(serve(listener, app, Limits::default(), over.clone()));
        }
        Ok(())
    }
}
