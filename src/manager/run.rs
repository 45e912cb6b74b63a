//! Desk, controller and aggregated API in one process, from the first look at the cluster to the end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_std::task::{self, JoinHandle, spawn_blocking};
use jiff::Timestamp;
use kube::{Client, Config};
use netreach_apiserver::{Log, State, register};
use netreach_controller::Controller;
use netreach_dispatch::{Desk, SystemClock};
use netreach_manager::api::{Reviewer, follow_front_proxy};
use netreach_manager::reports::{Kept, epoch};
use netreach_serve::{
    IdentityFiles, Limits, ServeError, Stop, Tls, add_health, add_metrics, bind_each, register_servers,
    run as serve, run_tls,
};
use netreach_store::Store;
use prometheus_client::registry::Registry;

use crate::HEALTH_PORT;
use crate::run_args::RunArgs;

const DESK_PORT: u16 = 9_444;
const API_PORT: u16 = 9_445;
/// How long an API server may be silent when it was asked something.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Runs until it is told to end. A round under way stays open: whoever comes next goes on with it.
pub(crate) async fn run(args: RunArgs) -> anyhow::Result<()> {
    let stop = Stop::new();
    stop.throw_on_signals().context("could not listen to signals")?;
    let mut config = Config::infer().await.context(
        "could not find a cluster: run in a pod with a service account, or name a kubeconfig in KUBECONFIG",
    )?;
    let settings = args.settings(&config.default_namespace);
    let watching =
        Client::try_from(config.clone()).context("could not use the credentials of the cluster")?;
    // A watch may be silent for long. Nothing else may: whoever waits for an answer keeps a NetReach from going on.
    config.read_timeout = Some(ANSWER_WITHIN);
    let client = Client::try_from(config).context("could not use the credentials of the cluster")?;
    let location = args.store.clone();
    let store = Arc::new(spawn_blocking(move || Store::open(&location)).await?);
    let (desk_tls, api_tls) =
        (identity(&args.desk_certificates, &stop)?, identity(&args.api_certificates, &stop)?);
    let desk_listeners = bind_each(&args.desk_listen, DESK_PORT)?;
    let api_listeners = bind_each(&args.api_listen, API_PORT)?;

    let at = Arc::clone(&store);
    let log = Log::new(spawn_blocking(move || epoch(&at, Timestamp::now())).await);
    let kept = Kept::new(Arc::clone(&store), log.clone());
    let controller = Controller::follow(client.clone(), &watching, settings, store).await?;
    let (desk, events) = Desk::catching_up(controller.accounts(), SystemClock);
    let state = State::new(log, kept.clone(), Reviewer::new(client.clone()));
    let over = Stop::new();
    let mut beside = Vec::new();
    for listener in bind_each(&args.health_listen, HEALTH_PORT)? {
        let app = health_app(&state, &[("desk", &desk_tls), ("api", &api_tls)], &stop);
        beside.push(task::spawn(serve(listener, app, Limits::default(), over.clone())));
    }
    task::spawn(follow_front_proxy(watching, state.clone(), api_tls.clone()));
    let mut serving: Vec<JoinHandle<Result<(), ServeError>>> = Vec::new();
    for listener in desk_listeners {
        let limits = netreach_dispatch::limits::server_limits();
        serving.push(task::spawn(run_tls(desk_tls.clone(), listener, desk.app(), limits, stop.clone())));
    }
    for listener in api_listeners {
        let (app, limits) =
            (netreach_apiserver::app(state.clone()), netreach_apiserver::limits::server_limits());
        let (state, tls, stop) = (state.clone(), api_tls.clone(), stop.clone());
        serving.push(task::spawn(async move {
            // Until then everybody would be a stranger: whoever has come meanwhile waits to be let in.
            futures_lite::future::or(state.ready(), stop.stopped()).await;
            run_tls(tls, listener, app, limits, stop).await
        }));
    }
    tracing::info!("ready");
    let stopped = async {
        stop.stopped().await;
        // Agents that wait for news are sent away: they ask again, and find whoever is there then.
        desk.end();
        // Whoever watches does so as well.
        state.end();
    };
    futures_lite::future::or(stopped, controller.run(desk.clone(), events, Arc::new(kept))).await;
    for task in serving {
        task.await?;
    }
    over.stop();
    for task in beside {
        task.await?;
    }
    Ok(())
}

/// A server's certificate, followed as it changes.
fn identity(folder: &Path, stop: &Stop) -> anyhow::Result<Tls> {
    IdentityFiles::in_folder(folder).load_and_follow(stop).with_context(|| {
        format!("cannot serve without a certificate (put tls.crt and tls.key into {})", folder.display())
    })
}

fn health_app(api: &State, servers: &[(&'static str, &Tls)], stop: &Stop) -> tide::Server<()> {
    let mut app = tide::new();
    let (state, stop) = (api.clone(), stop.clone());
    add_health(&mut app, move || state.is_ready() && !stop.is_stopped());
    let mut registry = Registry::default();
    register_servers(&mut registry, servers.iter().map(|(name, tls)| (*name, (*tls).clone())));
    register(&mut registry, api);
    add_metrics(&mut app, registry);
    app
}
