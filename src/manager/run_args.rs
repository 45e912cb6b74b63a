//! Arguments of `netreach-manager run`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::SignedDuration;
use netreach_controller::Settings;
use netreach_store::{Location, Retention};

/// Where things are. The names are those of `config/`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Where agents are made [default: this pod's namespace, or the context's]
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAME")]
    namespace: Option<String>,
    /// Where agents on the nodes' own network are made, if it is there
    #[arg(long, value_name = "NAME", default_value = "netreach-host")]
    host_network_namespace: String,
    /// Service account of agents
    #[arg(long, value_name = "NAME", default_value = "netreach-agent")]
    agent_account: String,
    /// Class of the Ingresses [default: the cluster's default class]
    #[arg(long, value_name = "NAME")]
    ingress_class: Option<String>,
    /// This pod's name, for Events
    #[arg(long, env = "POD_NAME", value_name = "NAME", default_value = "netreach-manager")]
    pod: String,
    /// Lead only while holding this Lease, in this pod's namespace: for several managers on one store [default: no Lease, one manager]
    #[arg(long, value_name = "LEASE", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) lead_by: Option<String>,
    /// Where rounds and results are kept: a folder, or s3://BUCKET/PREFIX; which server, and by which keys, say the usual AWS_ variables
    #[arg(long, value_name = "PLACE", default_value = "/var/lib/netreach")]
    pub(crate) store: Location,
    /// Rounds kept of each NetReach; the newest is always kept
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    retention_rounds: u64,
    /// How long rounds are kept, such as 720h [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = time)]
    retention_time: Option<Duration>,
    /// Space for the rounds of each NetReach, such as 2GiB [default: without a bound]
    #[arg(long, value_name = "SIZE")]
    retention_size: Option<ByteSize>,
    /// Folder with the desk's tls.crt and tls.key; followed as it changes
    #[arg(long, value_name = "DIR", default_value = "/etc/netreach/desk")]
    pub(crate) desk_certificates: PathBuf,
    /// Addresses to serve the desk on, over TLS [default: port 9444 of every address]
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) desk_listen: Vec<SocketAddr>,
    /// Folder with the API's tls.crt and tls.key; followed as it changes
    #[arg(long, value_name = "DIR", default_value = "/etc/netreach/api")]
    pub(crate) api_certificates: PathBuf,
    /// Addresses to serve the aggregated API on, over TLS [default: port 9445 of every address]
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) api_listen: Vec<SocketAddr>,
    /// Addresses to serve /healthz, /readyz and /metrics on [default: port 8080 of every address]
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) health_listen: Vec<SocketAddr>,
}

impl RunArgs {
    /// What they mean, in this namespace where they name none.
    pub(crate) fn settings(&self, default_namespace: &str) -> Settings {
        Settings {
            namespace: self.namespace.clone().unwrap_or_else(|| default_namespace.to_owned()),
            host_namespace: self.host_network_namespace.clone(),
            agent_account: self.agent_account.clone(),
            ingress_class: self.ingress_class.clone(),
            instance: self.pod.clone(),
            retention: Retention {
                rounds: Some(self.retention_rounds),
                age: self.retention_time,
                bytes: self.retention_size.map(|size| size.as_u64()),
            },
        }
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let time: SignedDuration = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from(time).map_err(|_| "a time that is not negative is needed, such as 720h".to_owned())
}
