//! The manager as it runs in a pod.

use std::net::SocketAddr;

use anyhow::Context;
use async_std::task;
use clap::{Args, Parser, Subcommand};
use jiff::SignedDuration;
use kube::{Client, Config};
use netreach_manager::certs::plan::Overlap;
use netreach_manager::certs::{self, Health, Settings};
use netreach_manager::limits::{KEEP_OLD_S, OVERLAP_S_MAX, PUBLISH_AHEAD_S};
use netreach_serve::{Limits, Stop, add_health, add_metrics, bind_each, run};
use prometheus_client::registry::Registry;

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
    /// Keep the CA and the certificates of the webhook in order, for ever
    #[command(
        after_help = "A new CA is made two years after the last one, or when its Secret gets the annotation kdoctor.io/rotate."
    )]
    Certs(CertsArgs),
}

#[derive(Debug, Args)]
struct CertsArgs {
    /// Where the Secrets and the Service are [default: this pod's, or the context's]
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Secret of the CAs and their keys
    #[arg(long, value_name = "NAME", default_value = "netreach-ca")]
    ca_secret: String,
    /// Service whose replicas show the certificate
    #[arg(long, value_name = "NAME", default_value = "netreach-webhook")]
    service: String,
    /// Secret of the certificate, which they mount
    #[arg(long, value_name = "NAME", default_value = "netreach-webhook-tls")]
    leaf_secret: String,
    /// Name of the webhook configurations
    #[arg(long, value_name = "NAME", default_value = "netreach")]
    configurations: String,
    /// Seconds for which a new CA is published before it signs
    #[arg(long, value_name = "SECONDS", default_value_t = PUBLISH_AHEAD_S, value_parser = clap::value_parser!(u64).range(..=OVERLAP_S_MAX))]
    publish_ahead_s: u64,
    /// Seconds for which an old CA is believed after it was replaced
    #[arg(long, value_name = "SECONDS", default_value_t = KEEP_OLD_S, value_parser = clap::value_parser!(u64).range(..=OVERLAP_S_MAX))]
    keep_old_s: u64,
    /// Addresses to serve /healthz, /readyz and /metrics on [default: port 8080 of every address]
    #[arg(long, value_name = "IP:PORT")]
    health_listen: Vec<SocketAddr>,
}

const HEALTH_PORT: u16 = 8_080;

fn main() -> anyhow::Result<()> {
    let Cli { command, verbose } = Cli::parse();
    let level = if verbose { tracing::Level::DEBUG } else { tracing::Level::INFO };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false).init();
    match command {
        Command::Certs(args) => task::block_on(keep_certs(args)),
    }
}

async fn keep_certs(args: CertsArgs) -> anyhow::Result<()> {
    let stop = Stop::new();
    stop.throw_on_signals().context("could not listen to signals")?;
    let config = Config::infer().await.context(
        "could not find a cluster: run in a pod with a service account, or name a kubeconfig in KUBECONFIG",
    )?;
    let namespace = args.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).context("could not use the credentials of the cluster")?;
    let health = Health::default();
    for listener in bind_each(&args.health_listen, HEALTH_PORT)? {
        task::spawn(run(listener, health_app(&health, &stop), Limits::default(), stop.clone()));
    }
    let settings = settings(args, namespace);
    let stopped = async {
        stop.stopped().await;
    };
    // Every write is whole by itself: there is nothing to finish.
    futures_lite::future::or(stopped, certs::run(client, settings, health)).await;
    Ok(())
}

fn settings(args: CertsArgs, namespace: String) -> Settings {
    let CertsArgs { ca_secret, service, leaf_secret, configurations, publish_ahead_s, keep_old_s, .. } = args;
    let seconds = |seconds: u64| SignedDuration::from_secs(seconds.cast_signed());
    let overlap = Overlap { publish_ahead: seconds(publish_ahead_s), keep_old: seconds(keep_old_s) };
    Settings { namespace, ca_secret, service, leaf_secret, configurations, overlap }
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
