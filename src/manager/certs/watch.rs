//! Hears when something that is kept in order changes, and tells how that goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use futures_util::stream::{BoxStream, select_all};
use futures_util::{Stream, StreamExt};
use kube::runtime::{WatchStreamExt, watcher};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::turn::{Keeper, Turned};

/// An item whenever one of the Secrets, or of the objects that publish CAs, may have changed.
pub(super) fn changes(keeper: &Keeper) -> impl Stream<Item = ()> + use<> {
    let named = |name: &str| watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut all: Vec<BoxStream<'static, ()>> = Vec::new();
    let leaf_secrets = keeper.settings.servers.iter().map(|server| &server.leaf_secret);
    for name in leaf_secrets.chain([&keeper.settings.ca_secret]) {
        let events = watcher(keeper.secrets.api(), named(name)).default_backoff();
        all.push(events.map(|_| ()).boxed());
    }
    for place in &keeper.places {
        let events = watcher(place.api(), named(place.name())).default_backoff();
        all.push(events.map(|_| ()).boxed());
        if let Some(within) = place.only_within() {
            let events = watcher(within.api.clone(), named(&within.name)).default_backoff();
            all.push(events.map(|_| ()).boxed());
        }
    }
    select_all(all)
}

/// What health endpoints and metrics tell. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Health {
    is_ready: Arc<AtomicBool>,
    ca_not_after: Gauge<i64, AtomicI64>,
    leaf_not_after: Gauge<i64, AtomicI64>,
}

impl Health {
    /// Whether everything was in order once since the beginning.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    /// Shows it on the page of this registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "netreach_certs_ca_not_after_timestamp_seconds",
            "Until when the CA that signs is valid",
            self.ca_not_after.clone(),
        );
        registry.register(
            "netreach_certs_leaf_not_after_timestamp_seconds",
            "Until when the server certificate that ends first is valid",
            self.leaf_not_after.clone(),
        );
    }

    pub(super) fn done(&self, turned: &Turned) {
        if let Turned::Until { ca_not_after, leaf_not_after, .. } = turned {
            self.ca_not_after.set(ca_not_after.as_second());
            self.leaf_not_after.set(leaf_not_after.as_second());
            if !self.is_ready.swap(true, Ordering::Relaxed) {
                tracing::info!("ready: the certificates are in order");
            }
        }
    }
}
