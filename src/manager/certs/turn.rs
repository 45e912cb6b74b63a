//! One turn: reads everything, takes the next step of each certificate, writes what has changed.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::Client;

use super::authority::{Authority, Leaf, not_after};
use super::keep::{Change, Secrets};
use super::plan::{Authorities, Next, Seen, Step};
use super::publish::{Place, places};
use super::secret::{ROTATE, authorities_data, is_asked, leaf_data, read_authorities, read_leaf};
use super::{CertsError, Server, Settings, shown};
use crate::limits::LEAF_RENEW_DAYS;

/// Types of Secrets.
const OPAQUE: &str = "Opaque";
const TLS: &str = "kubernetes.io/tls";

/// What a turn works on.
pub(super) struct Keeper {
    client: Client,
    pub(super) settings: Settings,
    pub(super) secrets: Secrets,
    pub(super) places: Vec<Place>,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// A step was taken: there may be another.
    Again,
    /// Everything is in order.
    Until {
        /// Nothing is due before.
        wake: Timestamp,
        /// When the CA that signs ends.
        ca_not_after: Timestamp,
        /// When the leaf ends that ends first.
        leaf_not_after: Timestamp,
    },
}

impl Keeper {
    pub(super) fn new(client: Client, settings: Settings) -> Self {
        let secrets = Secrets::new(client.clone(), &settings.namespace);
        let places = places(&client, &settings);
        Self { client, settings, secrets, places }
    }

    /// Takes the next step, if one is due.
    pub(super) async fn turn(&self, now: Timestamp) -> Result<Turned, CertsError> {
        let secret = self.secrets.read(&self.settings.ca_secret).await?;
        let Some(authorities) = secret.as_ref().and_then(readable) else {
            tracing::info!(secret = self.settings.ca_secret, "making the first CA");
            let first = Authorities::beginning_with(Authority::new(now)?);
            self.keep(secret.as_ref(), &first, false).await?;
            return Ok(Turned::Again);
        };
        // Believed first, shown after.
        let bundle = authorities.bundle();
        for place in &self.places {
            place.publish(&bundle).await?;
        }
        let ca_not_after = not_after(authorities.current.certificate())?;
        let mut leaf_not_after = ca_not_after;
        for server in &self.settings.servers {
            let leaf = self.leaf(server, &authorities.current, &bundle, now).await?;
            leaf_not_after = leaf_not_after.min(not_after(&leaf.certificate)?);
        }
        let asked = secret.as_ref().is_some_and(is_asked);
        let seen = self.seen(&authorities, asked, now).await?;
        match authorities.step(seen, self.settings.overlap, now)? {
            Step::MakeNext => {
                tracing::info!("making the next CA: it is published first, and signs later");
                let next = Next { authority: Authority::new(now)?, published: None };
                let all = Authorities { next: Some(next), ..authorities };
                self.keep(secret.as_ref(), &all, true).await?;
                Ok(Turned::Again)
            }
            Step::Keep(all) => {
                tracing::info!(?all, "the CAs go on");
                self.keep(secret.as_ref(), &all, false).await?;
                Ok(Turned::Again)
            }
            Step::Wait(wake) => {
                Ok(Turned::Until { wake: wake.min(renewal(leaf_not_after)), ca_not_after, leaf_not_after })
            }
        }
    }

    async fn keep(
        &self,
        before: Option<&Secret>,
        all: &Authorities,
        is_answer: bool,
    ) -> Result<(), CertsError> {
        let without_annotation = is_answer.then_some(ROTATE);
        let change = Change { data: authorities_data(all), without_annotation };
        self.secrets.write(&self.settings.ca_secret, OPAQUE, before, change).await
    }

    /// The leaf there is, or a new one where that will not do much longer.
    async fn leaf(
        &self,
        of: &Server,
        by: &Authority,
        bundle: &str,
        now: Timestamp,
    ) -> Result<Leaf, CertsError> {
        let (Server { service, leaf_secret }, namespace) = (of, &self.settings.namespace);
        let names =
            [format!("{service}.{namespace}.svc"), format!("{service}.{namespace}.svc.cluster.local")];
        let before = self.secrets.read(leaf_secret).await?;
        let at = now.saturating_add(SignedDuration::from_hours(24 * LEAF_RENEW_DAYS)).unwrap_or(now);
        let leaf = match before.as_ref().and_then(read_leaf) {
            Some(leaf) if by.vouches_for(&leaf, &names, at) => leaf,
            _ => {
                tracing::info!(secret = leaf_secret, by = ?by, "signing a new certificate");
                by.sign(&names, now)?
            }
        };
        self.secrets.write(leaf_secret, TLS, before.as_ref(), Change::to(leaf_data(&leaf, bundle))).await?;
        Ok(leaf)
    }

    async fn seen(&self, all: &Authorities, is_asked: bool, now: Timestamp) -> Result<Seen, CertsError> {
        // Looked at only when it matters: it is a handshake with every replica.
        let keep_old = self.settings.overlap.keep_old;
        let mut is_shown = all.old.as_ref().is_some_and(|old| now.duration_since(old.replaced) >= keep_old);
        for Server { service, .. } in &self.settings.servers {
            let namespace = &self.settings.namespace;
            is_shown = is_shown && shown::is_shown(&self.client, namespace, service, &all.current).await?;
        }
        Ok(Seen { is_asked, is_shown })
    }
}

fn renewal(leaf_not_after: Timestamp) -> Timestamp {
    leaf_not_after.saturating_sub(SignedDuration::from_hours(24 * LEAF_RENEW_DAYS)).unwrap_or(leaf_not_after)
}

/// CAs that cannot be read vouch for nobody: whoever damaged them has new ones made.
fn readable(secret: &Secret) -> Option<Authorities> {
    let read = read_authorities(secret);
    read.inspect_err(|error| tracing::warn!(%error, "the Secret of the CAs is of no use: starting afresh"))
        .ok()
}
