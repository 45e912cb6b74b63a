//! Arguments of `netreach-manager certs`.

use std::net::SocketAddr;

use clap::Args;
use jiff::SignedDuration;
use netreach_manager::certs::plan::Overlap;
use netreach_manager::certs::{Server, Settings};
use netreach_manager::limits::{KEEP_OLD_S, OVERLAP_S_MAX, PUBLISH_AHEAD_S};

/// What to keep in order, and for how long CAs overlap. The names are those of `config/`.
#[derive(Debug, Args)]
pub(crate) struct CertsArgs {
    /// Where the Secrets and the Services are [default: this pod's, or the context's]
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Secret of the CAs and their keys
    #[arg(long, value_name = "NAME", default_value = "netreach-ca")]
    ca_secret: String,
    /// Service whose replicas show a certificate, and Secret of that, which they mount; once for each server
    #[arg(
        long = "server",
        value_name = "SERVICE=SECRET",
        value_parser = server,
        default_values = [
            "netreach-webhook=netreach-webhook-tls",
            "netreach-desk=netreach-desk-tls",
            "netreach-api=netreach-api-tls",
        ]
    )]
    servers: Vec<Server>,
    /// Name of the webhook configurations
    #[arg(long, value_name = "NAME", default_value = "netreach")]
    configurations: String,
    /// Name of the aggregated API's registration
    #[arg(long, value_name = "NAME", default_value = "v1beta1.system.kdoctor.io")]
    api_service: String,
    /// ConfigMap of the CA certificates that agents believe
    #[arg(long, value_name = "NAME", default_value = "netreach-desk-ca")]
    ca_config_map: String,
    /// Where agents on the nodes' own network are, if it is there
    #[arg(long, value_name = "NAME", default_value = "netreach-host")]
    host_network_namespace: String,
    /// Seconds for which a new CA is published before it signs
    #[arg(long, value_name = "SECONDS", default_value_t = PUBLISH_AHEAD_S, value_parser = clap::value_parser!(u64).range(..=OVERLAP_S_MAX))]
    publish_ahead_s: u64,
    /// Seconds for which an old CA is believed after it was replaced
    #[arg(long, value_name = "SECONDS", default_value_t = KEEP_OLD_S, value_parser = clap::value_parser!(u64).range(..=OVERLAP_S_MAX))]
    keep_old_s: u64,
    /// Addresses to serve /healthz, /readyz and /metrics on [default: port 8080 of every address]
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) health_listen: Vec<SocketAddr>,
}

impl CertsArgs {
    /// What they mean, in this namespace where they name none.
    pub(crate) fn into_settings(self, default_namespace: String) -> Settings {
        let Self {
            namespace,
            ca_secret,
            servers,
            configurations,
            api_service,
            ca_config_map,
            host_network_namespace,
            publish_ahead_s,
            keep_old_s,
            health_listen: _,
        } = self;
        let seconds = |seconds: u64| SignedDuration::from_secs(seconds.cast_signed());
        Settings {
            namespace: namespace.unwrap_or(default_namespace),
            ca_secret,
            servers,
            configurations,
            api_service,
            ca_config_map,
            host_network_namespace,
            overlap: Overlap { publish_ahead: seconds(publish_ahead_s), keep_old: seconds(keep_old_s) },
        }
    }
}

fn server(text: &str) -> Result<Server, String> {
    match text.split_once('=') {
        Some((service, secret)) if !service.is_empty() && !secret.is_empty() => {
            Ok(Server { service: service.to_owned(), leaf_secret: secret.to_owned() })
        }
        _ => Err(format!("{text:?} is not SERVICE=SECRET")),
    }
}
