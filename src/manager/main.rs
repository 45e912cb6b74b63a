//! The manager as it runs in a pod.

mod certs_args;
mod run;
mod run_args;
mod servers;

use anyhow::Context;
use async_std::task;
use clap::{Parser, Subcommand};
use kube::{Client, Config};
use netreach_manager::certs::{self, Health};
use netreach_serve::{Limits, Stop, add_health, add_metrics, bind_each, run as serve};
use prometheus_client::registry::Registry;

use certs_args::CertsArgs;
use run_args::RunArgs;

/// What runs NetReach beside an API server.
#[derive(Debug, Parser)]
#[command(name = "netreach-manager", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say more: every step
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the rounds of every NetReach, serve the desk to agents and the reports to API servers
    Run(Box<RunArgs>),
    /// Keep the CA and the certificates of all servers in order, for ever
    #[command(
        after_help = "A new CA is made two years after the last one, or when its Secret gets the annotation kdoctor.io/rotate."
    )]
    Certs(CertsArgs),
}

const HEALTH_PORT: u16 = 8_080;

fn main() -> anyhow::Result<()> {
    let Cli { command, verbose } = Cli::parse();
    let level = if verbose { tracing::Level::DEBUG } else { tracing::Level::INFO };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false).init();
    match command {
        Command::Run(args) => task::block_on(run::run(*args)),
        Command::Certs(args) => task::block_on(keep_certs(args)),
    }
}

async fn keep_certs(args: CertsArgs) -> anyhow::Result<()> {
    let stop = Stop::new();
    stop.throw_on_signals().context("could not listen to signals")?;
    let config = Config::infer().await.context(
        "could not find a cluster: run in a pod with a service account, or name a kubeconfig in KUBECONFIG",
    )?;
    let namespace = config.default_namespace.clone();
    let client = Client::try_from(config).context("could not use the credentials of the cluster")?;
    let health = Health::default();
    for listener in bind_each(&args.health_listen, HEALTH_PORT)? {
        task::spawn(serve(listener, health_app(&health, &stop), Limits::default(), stop.clone()));
    }
    let settings = args.into_settings(namespace);
    let stopped = async {
        stop.stopped().await;
    };
    // Every write is whole by itself: there is nothing to finish.
    futures_lite::future::or(stopped, certs::run(client, settings, health)).await;
    Ok(())
}

fn health_app(health: &Health, stop: &Stop) -> tide::Server<()> {
    let mut app = tide::new();
    let (of_ready, stop) = (health.clone(), stop.clone());
    add_health(&mut app, move || of_ready.is_ready() && !stop.is_stopped());
    let mut registry = Registry::default();
    health.register(&mut registry);
    add_metrics(&mut app, registry);
    app
}
