//! What every step of a NetReach's life works on.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_std::sync::Mutex as AsyncMutex;
use async_std::task::{sleep, spawn_blocking};
use kube::Client;
use netreach_dispatch::Desk;
use netreach_store::{Store, StoreError};
use netreach_wire::AgentId;

use crate::limits::{RETRY, STORE_AWAY_MAX};
use crate::lives::Lives;
use crate::observe::World;
use crate::publish::Events;
use crate::records::Shows;
use crate::{Leads, Settings};

/// What every step works on.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) settings: Settings,
    pub(crate) world: World,
    pub(crate) desk: Desk,
    pub(crate) store: Arc<Store>,
    pub(crate) lives: Arc<Lives>,
    pub(crate) events: Events,
    pub(crate) shows: Arc<dyn Shows>,
    pub(crate) leads: Leads,
    pub(crate) present: Present,
    /// Held while a life is restored: of two who do so at once both would open its round again.
    pub(crate) restoring: AsyncMutex<()>,
    /// Since when agents can come.
    pub(crate) since: Instant,
    /// Whether every round that was open before is open again.
    pub(crate) is_caught_up: AtomicBool,
}

/// The agents that have come to the desk.
#[derive(Default)]
pub(crate) struct Present(Mutex<BTreeSet<AgentId>>);

impl Present {
    pub(crate) fn add(&self, agent: AgentId, is_known: impl Fn(&AgentId) -> bool) {
        let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Pods come and go under ever new names: those that are gone are forgotten with the next one that comes.
        present.retain(|agent| is_known(agent));
        present.insert(agent);
    }

    pub(crate) fn holds(&self, agent: &AgentId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(agent)
    }
}

impl Context {
    /// Work on the store, off the executor: it waits for the disk.
    pub(crate) async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        spawn_blocking(move || work(&store)).await
    }

    /// The same, made again for as long as the store is away; at most [`STORE_AWAY_MAX`].
    pub(crate) async fn on_store_in_the_end<T: Send + 'static>(
        &self,
        work: impl Fn(&Store) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let since = Instant::now();
        loop {
            match self.on_store(work.clone()).await {
                Err(error) if error.is_away() && since.elapsed() < STORE_AWAY_MAX => {
                    tracing::warn!(%error, "trying again");
                    sleep(RETRY).await;
                }
                done => return done,
            }
        }
    }
}
