//! Desk, controller and aggregated API in one process, from the first look at the cluster to the end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_channel::Receiver;
use async_std::future::timeout;
use async_std::net::TcpListener;
use async_std::task::{self, sleep, spawn_blocking};
use futures_lite::future::or;
use kube::{Client, Config};
use netreach_apiserver::State;
use netreach_controller::{Controller, Settings};
use netreach_dispatch::{Desk, DeskEvent, SystemClock};
use netreach_manager::api::{Reviewer, follow_front_proxy};
use netreach_manager::lead::{Badge, Candidate, Standing, Term};
use netreach_manager::limits::{API_READY_MS, DESK_DRAIN_MS};
use netreach_manager::reports::Newest;
use netreach_serve::{
    IdentityFiles, Limits, ServeError, Stop, Tls, add_health, add_metrics, bind_each, register_servers,
    run as serve, run_tls,
};
use netreach_store::Store;
use prometheus_client::registry::Registry;

use crate::HEALTH_PORT;
use crate::run_args::RunArgs;
use crate::servers::Servers;

const DESK_PORT: u16 = 9_444;
const API_PORT: u16 = 9_445;
/// How long an API server may be silent when it was asked something.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// From one look to the next at something that nobody tells of.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);
/// From a failure to open the store to the next try.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

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

/// What there is whoever leads: the cluster, and what shows who we are.
struct Ground {
    args: RunArgs,
    stop: Stop,
    settings: Settings,
    client: Client,
    /// A watch may be silent for long. Nothing else may: whoever waits for an answer keeps a NetReach from going on.
    watching: Client,
    desk_tls: Tls,
    api_tls: Tls,
}

/// What a manager at work consists of.
struct Office {
    controller: Controller,
    desk: Desk,
    events: Receiver<DeskEvent>,
    state: State,
}

/// Where callers come to.
struct Listeners {
    desk: Vec<TcpListener>,
    api: Vec<TcpListener>,
}

// === impl Ground ===

impl Ground {
    async fn find(args: RunArgs, stop: Stop) -> anyhow::Result<Self> {
        let mut config = Config::infer().await.context(
            "could not find a cluster: run in a pod with a service account, or name a kubeconfig in KUBECONFIG",
        )?;
        let settings = args.settings(&config.default_namespace);
        let connect =
            |config| Client::try_from(config).context("could not use the credentials of the cluster");
        let watching = connect(config.clone())?;
        config.read_timeout = Some(ANSWER_WITHIN);
        let client = connect(config)?;
        let (desk_tls, api_tls) =
            (identity(&args.desk_certificates, &stop)?, identity(&args.api_certificates, &stop)?);
        Ok(Self { args, stop, settings, client, watching, desk_tls, api_tls })
    }

    /// The only manager there is: nobody else writes statuses and the store.
    async fn run_alone(&self) -> anyhow::Result<()> {
        let store = self.open_store().await?;
        let listeners = self.bind()?;
        let Office { controller, desk, events, state } = self.open(store).await?;
        let (over, mut beside) = (Stop::new(), Servers::default());
        let of_ready = state.clone();
        self.serve_health(&mut beside, &over, None, move || of_ready.is_ready())?;
        let (mut at_desk, mut at_api) = (Servers::default(), Servers::default());
        let Listeners { desk: desk_listeners, api: api_listeners } = listeners;
        self.serve_desk(&mut at_desk, desk_listeners, &desk, netreach_dispatch::limits::server_limits());
        self.serve_api(&mut at_api, api_listeners, &state);
        tracing::info!("ready");
        let stopped = async {
            self.stop.stopped().await;
            // Agents that wait for news are sent away: they ask again, and find whoever is there then.
            desk.end();
        };
        let worked = or(stopped, controller.run(desk.clone(), events));
        let failed = or(at_desk.failed(), or(at_api.failed(), beside.failed()));
        unless(failed, worked).await?;
        at_desk.ended().await?;
        at_api.ended().await?;
        over.stop();
        Ok(beside.ended().await?)
    }

    /// One of several managers on one store, of which the one leads that holds the Lease. The others are ready, and listen to nobody
    /// but kubelets.
    async fn run_in_turn(&self, lease: &str) -> anyhow::Result<()> {
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
            let store = self.open_store_in_the_end(term).await;
            self.open(store).await.map(Some)
        };
        let Some(Office { controller, desk, events, state }) = or(stopped, begun).await? else {
            return Ok(());
        };
        let Listeners { desk: desk_listeners, api: api_listeners } = self.bind()?;
        let mut at_desk = Servers::default();
        let limits = Limits { drain_ms: DESK_DRAIN_MS, ..netreach_dispatch::limits::server_limits() };
        self.serve_desk(&mut at_desk, desk_listeners, &desk, limits);
        self.serve_api(at_api, api_listeners, &state);
        let called = async {
            if timeout(Duration::from_millis(API_READY_MS), known(&state)).await.is_err() {
                tracing::warn!(
                    "the API of reports does not know whom to believe yet: agents may come nevertheless"
                );
            }
            badge.wear(|| tracing::info!(term = term.number(), "ready")).await;
        };
        let worked = or(controller.run(desk.clone(), events), or(self.stop.stopped(), called));
        let failed = or(at_desk.failed(), at_api.failed());
        let ended = unless(failed, worked).await;
        // From here on the order is that in which the next one can do without us.
        desk.end();
        if let Err(error) = badge.take_off().await {
            tracing::warn!(%error, "callers may look for us until there is another leader");
        }
        ended?;
        Ok(at_desk.ended().await?)
    }

    async fn open_store(&self) -> anyhow::Result<Arc<Store>> {
        let at = self.args.store.clone();
        // STORE: one text for both kinds of it, a folder or `s3://bucket/prefix`: `Store::open(&Location)` goes here.
        if at.contains("://") {
            anyhow::bail!(
                "could not open the store at {at} (it takes folders alone): name a folder in --store"
            );
        }
        Ok(Arc::new(spawn_blocking(move || Store::open_local(Path::new(&at))).await?))
    }

    /// It could be opened before: whatever keeps it from that passes.
    async fn open_store_in_the_end(&self, term: &Term) -> Arc<Store> {
        loop {
            match self.open_store().await {
                // EPOCH: to be taken here, before anything in the store is told to anybody: `store.next_epoch(term.number())`, by
                // `spawn_blocking`; one that cannot be taken yet is like a store that cannot be opened yet.
                Ok(store) => {
                    tracing::debug!(term = term.number(), "the store is open");
                    return store;
                }
                Err(error) => tracing::warn!("{error:#}: trying again"),
            }
            sleep(OPEN_AGAIN_AFTER).await;
        }
    }

    fn bind(&self) -> anyhow::Result<Listeners> {
        let desk = bind_each(&self.args.desk_listen, DESK_PORT)?;
        let api = bind_each(&self.args.api_listen, API_PORT)?;
        Ok(Listeners { desk, api })
    }

    /// Follows the cluster, and has a desk whose rounds of before are still to be opened again.
    async fn open(&self, store: Arc<Store>) -> anyhow::Result<Office> {
        let (client, watching) = (self.client.clone(), &self.watching);
        let controller = Controller::follow(client, watching, self.settings.clone(), store).await?;
        let (desk, events) = Desk::catching_up(controller.accounts(), SystemClock);
        let state = State::new(Newest::of(controller.records()), Reviewer::new(self.client.clone()));
        task::spawn(follow_front_proxy(watching.clone(), state.clone(), self.api_tls.clone()));
        Ok(Office { controller, desk, events, state })
    }

    fn serve_desk(&self, servers: &mut Servers, listeners: Vec<TcpListener>, desk: &Desk, limits: Limits) {
        for listener in listeners {
            let (tls, stop) = (self.desk_tls.clone(), self.stop.clone());
            servers.add(run_tls(tls, listener, desk.app(), limits.clone(), stop));
        }
    }

    fn serve_api(&self, servers: &mut Servers, listeners: Vec<TcpListener>, state: &State) {
        for listener in listeners {
            let (app, limits) =
                (netreach_apiserver::app(state.clone()), netreach_apiserver::limits::server_limits());
            servers.add(run_tls(self.api_tls.clone(), listener, app, limits, self.stop.clone()));
        }
    }

    /// Until `over`, which comes after everything else.
    fn serve_health(
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
            if let Some(standing) = standing {
                standing.register(&mut registry);
            }
            add_metrics(&mut app, registry);
            servers.add(serve(listener, app, Limits::default(), over.clone()));
        }
        Ok(())
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

/// Ends when the API of reports knows whom to believe.
async fn known(state: &State) {
    while !state.is_ready() {
        sleep(LOOK_AGAIN_AFTER).await;
    }
}

/// A server's certificate, followed as it changes.
fn identity(folder: &Path, stop: &Stop) -> anyhow::Result<Tls> {
    IdentityFiles::in_folder(folder).load_and_follow(stop).with_context(|| {
        format!("cannot serve without a certificate (put tls.crt and tls.key into {})", folder.display())
    })
}
