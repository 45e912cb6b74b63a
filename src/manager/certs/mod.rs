//! Makes the CA and the certificates of our servers, renews them in time, and tells API servers and agents whom to believe. Everything
//! that others rely on overlaps: a CA is believed before it signs, and for a while after it has.
//!
//! Takes what Secrets, and the objects that publish CAs, say; makes them say what they should. Nothing is kept in memory: a
//! restart, or a second one of us, goes on from what is there.

pub mod authority;
mod keep;
pub mod plan;
mod publish;
pub mod secret;
mod shown;
mod turn;
mod watch;

use std::time::Duration;

use async_std::future::timeout;
use futures_util::StreamExt;
use jiff::Timestamp;
use kube::Client;

use crate::limits::RETRY_S;
use authority::CertificateError;
use plan::Overlap;
use turn::{Keeper, Turned};

pub use watch::Health;

/// Certificates that could not be kept in order.
#[derive(Debug, thiserror::Error)]
pub enum CertsError {
    /// Something in the cluster cannot be read.
    #[error(
        "could not read {what} ({source}): see that the role netreach-certs is bound to this service account"
    )]
    Read {
        /// What.
        what: String,
        /// Why.
        source: kube::Error,
    },
    /// Something in the cluster cannot be written.
    #[error(
        "could not write {what} ({source}): see that the role netreach-certs is bound to this service account"
    )]
    Write {
        /// What.
        what: String,
        /// Why.
        source: kube::Error,
    },
    /// Somebody else has written it since it was read.
    #[error("somebody else has changed Secret {0} in the meantime")]
    Overtaken(String),
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A Service whose name is none.
    #[error("could not ask the replicas of {0:?}: that is no name of a Service")]
    Name(String),
}

/// What to keep in order.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the Secrets and the Services are.
    pub namespace: String,
    /// The Secret of the CAs. Nobody but us has to read it.
    pub ca_secret: String,
    /// Who shows a leaf.
    pub servers: Vec<Server>,
    /// The name of both webhook configurations.
    pub configurations: String,
    /// The name of the aggregated API's registration.
    pub api_service: String,
    /// The ConfigMap of the certificates that agents believe.
    pub ca_config_map: String,
    /// Where else agents are, if it is there: their ConfigMap is in it, too.
    pub host_network_namespace: String,
    /// How long CAs overlap.
    pub overlap: Overlap,
}

/// A server of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The Service whose replicas show the leaf.
    pub service: String,
    /// The Secret of the leaf, which they mount.
    pub leaf_secret: String,
}

/// Keeps certificates in order for ever.
pub async fn run(client: Client, settings: Settings, health: Health) {
    let keeper = Keeper::new(client, settings);
    let mut changes = std::pin::pin!(watch::changes(&keeper));
    let (first, longest) = RETRY_S;
    let mut pause_s = first;
    loop {
        let wait = match keeper.turn(Timestamp::now()).await {
            Ok(turned) => {
                pause_s = first;
                health.done(&turned);
                match turned {
                    Turned::Again => Duration::ZERO,
                    Turned::Until { wake, .. } => until(wake, Timestamp::now()),
                }
            }
            Err(CertsError::Overtaken(name)) => {
                tracing::info!(secret = name, "somebody else was quicker: reading again");
                Duration::ZERO
            }
            Err(error) => {
                tracing::warn!(%error, retry_in_s = pause_s, "certificates are not in order");
                let wait = Duration::from_secs(pause_s);
                pause_s = (pause_s * 2).min(longest);
                // What is wrong would be so with every change as well.
                async_std::task::sleep(wait).await;
                Duration::ZERO
            }
        };
        // Whatever changes may be our concern; a turn that finds everything in order writes nothing.
        let _ = timeout(wait, changes.next()).await;
    }
}

fn until(wake: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(wake.duration_since(now)).unwrap_or_default()
}
