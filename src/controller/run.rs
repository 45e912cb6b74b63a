//! Everything put to work.

use std::sync::Arc;

use async_channel::{Receiver, bounded, unbounded};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, future};
use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, store};
use kube::runtime::watcher::{self, Config, Event};
use kube::runtime::{Controller as KubeController, WatchStreamExt};
use kube::{Api, Client};
use netreach_api::NetReach;
use netreach_dispatch::{Desk, DeskEvent};
use netreach_store::Store;

use crate::context::{Context, Present};
use crate::hear::hear_all;
use crate::identify::Accounts;
use crate::leave::leave_all;
use crate::lives::Lives;
use crate::observe::{Poke, World};
use crate::publish::Events;
use crate::reconcile::reconcile;
use crate::records::Records;
use crate::{ControllerError, facts};

/// Where things are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The namespace of the manager, of the default agents and of those made for one NetReach.
    pub namespace: String,
    /// The namespace of agents in their nodes' network.
    pub host_namespace: String,
    /// The service account of agents.
    pub agent_account: String,
    /// The class of Ingresses; the cluster's default one where none is named.
    pub ingress_class: Option<String>,
    /// Who we are in Events: our pod's name.
    pub instance: String,
}

/// What follows the cluster. Nothing is done before [`Self::run`]; whose tokens are whose is known from the beginning.
pub struct Controller {
    client: Client,
    settings: Settings,
    world: World,
    net_reaches: BoxStream<'static, Result<NetReach, watcher::Error>>,
    gone: Receiver<NetReach>,
    pokes: Receiver<ObjectRef<NetReach>>,
    changes: Receiver<()>,
    poke: Poke,
    lives: Arc<Lives>,
    store: Arc<Store>,
}

impl Controller {
    /// Begins to follow the cluster; ends when everything was seen once.
    ///
    /// # Errors
    /// When something cannot be read at all.
    pub async fn follow(
        client: Client,
        settings: Settings,
        store: Arc<Store>,
    ) -> Result<Self, ControllerError> {
        let (reader, writer) = self::store();
        let (sender, pokes) = unbounded();
        let (left, gone) = unbounded();
        let (changed, changes) = bounded(1);
        let poke = Poke { sender, net_reaches: reader, changed };
        let events = watcher::watcher(Api::all(client.clone()), Config::default()).default_backoff();
        let events = events.reflect(writer).inspect(move |event| {
            if let Ok(Event::Delete(net_reach)) = event {
                let _ = left.try_send(net_reach.clone());
            }
        });
        let world = World::follow(&client, &settings, &poke).await?;
        Ok(Self {
            client,
            settings,
            world,
            net_reaches: events.applied_objects().boxed(),
            gone,
            pokes,
            changes,
            poke,
            lives: Arc::default(),
            store,
        })
    }

    /// Knows whose token is whose.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.client.clone(), self.world.clone(), &self.settings)
    }

    /// What the rounds have come to.
    #[must_use]
    pub fn records(&self) -> Records {
        Records::new(self.poke.net_reaches.clone(), Arc::clone(&self.lives), Arc::clone(&self.store))
    }

    /// Runs the rounds of every NetReach, for ever. `events` are the desk's.
    pub async fn run(self, desk: Desk, events: Receiver<DeskEvent>) {
        let Self { client, settings, world, net_reaches, gone, pokes, changes, poke, lives, store } = self;
        let recorder = Events::new(client.clone(), &settings.instance);
        let present = Present::default();
        let context =
            Arc::new(Context { client, settings, world, desk, store, lives, events: recorder, present });
        let looking = KubeController::for_stream(net_reaches, poke.net_reaches.clone())
            .reconcile_on(pokes)
            .run(look, retry, Arc::clone(&context))
            .for_each(|_| future::ready(()));
        let hearing = hear_all(&context, &poke, events);
        let leaving = leave_all(&context, &poke, gone);
        let telling = facts::keep(&context, changes);
        future::join4(looking, hearing, leaving, telling).await;
    }
}

async fn look(net_reach: Arc<NetReach>, context: Arc<Context>) -> Result<Action, ControllerError> {
    reconcile(&net_reach, &context).await
}

#[allow(clippy::needless_pass_by_value, reason = "the signature is kube's")]
fn retry(net_reach: Arc<NetReach>, error: &ControllerError, _: Arc<Context>) -> Action {
    let name = net_reach.metadata.name.as_deref().unwrap_or_default();
    let cause = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    tracing::warn!(netreach = name, "{error}{cause}: trying again");
    Action::requeue(error.retry_after())
}
