//! The webhook as it runs in a pod.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use async_std::task::{self, JoinHandle};
use clap::Parser;
use netreach_serve::{
    IdentityFiles, Limits, ServeError, Stop, Tls, add_health, add_metrics, bind_each, register_servers, run,
    run_tls,
};
use netreach_webhook::{State, app, follow_facts, limits};
use prometheus_client::registry::Registry;

/// Admission webhook of NetReach: fills in defaults and refuses what is wrong.
#[derive(Debug, Parser)]
#[command(name = "netreach-webhook", version)]
struct Args {
    /// Addresses to serve reviews on, over TLS [default: port 9443 of every address]
    #[arg(long, value_name = "IP:PORT")]
    listen: Vec<SocketAddr>,
    /// Addresses to serve /healthz, /readyz and /metrics on, in the clear [default: port 8080 of every address]
    #[arg(long, value_name = "IP:PORT")]
    health_listen: Vec<SocketAddr>,
    /// Folder with tls.crt and tls.key; followed as it changes
    #[arg(long, value_name = "DIR", default_value = "/etc/netreach/certificates")]
    certificates: PathBuf,
    /// File with what is known of the cluster; followed as it changes
    #[arg(long, value_name = "FILE")]
    cluster_facts: Option<PathBuf>,
    /// Say more: every step
    #[arg(short, long)]
    verbose: bool,
}

const PORT: u16 = 9_443;
const HEALTH_PORT: u16 = 8_080;

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let level = if args.verbose { tracing::Level::DEBUG } else { tracing::Level::INFO };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false).init();
    task::block_on(serve(args))
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let stop = Stop::new();
    stop.throw_on_signals().context("could not listen to signals")?;
    let tls = IdentityFiles::in_folder(&args.certificates).load_and_follow(&stop).with_context(|| {
        format!(
            "cannot serve without a certificate (put tls.crt and tls.key into {})",
            args.certificates.display()
        )
    })?;
    let state = State::default();
    let reviews = bind_each(&args.listen, PORT)?;
    let health = bind_each(&args.health_listen, HEALTH_PORT)?;

    if let Some(file) = args.cluster_facts {
        let state = state.clone();
        task::spawn(async move {
            if let Err(error) = follow_facts(&file, &state).await {
                tracing::warn!(%error, "cannot follow the cluster facts");
            }
        });
    }
    let over = Stop::new();
    let beside: Vec<_> = health
        .into_iter()
        .map(|listener| {
            task::spawn(run(listener, health_app(&state, &tls, &stop), Limits::default(), over.clone()))
        })
        .collect();
    let serving: Vec<JoinHandle<Result<(), ServeError>>> = reviews
        .into_iter()
        .map(|listener| {
            task::spawn(run_tls(tls.clone(), listener, app(state.clone()), bounds(), stop.clone()))
        })
        .collect();
    tracing::info!("ready");
    for task in serving {
        task.await?;
    }
    over.stop();
    for task in beside {
        task.await?;
    }
    Ok(())
}

fn bounds() -> Limits {
    Limits {
        connections_max: limits::CONNECTIONS_MAX,
        connections_per_peer_max: limits::CONNECTIONS_PER_PEER_MAX,
        body_bytes_max: limits::REVIEW_BYTES_MAX,
        lame_duck_ms: limits::LAME_DUCK_MS,
        ..Limits::default()
    }
}

fn health_app(state: &State, tls: &Tls, stop: &Stop) -> tide::Server<()> {
    let mut app = tide::new();
    let stop = stop.clone();
    add_health(&mut app, move || !stop.is_stopped());
    let mut registry = Registry::default();
    state.counts.register(&mut registry);
    register_servers(&mut registry, [("webhook", tls.clone())]);
    add_metrics(&mut app, registry);
    app
}
