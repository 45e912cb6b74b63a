//! Everything put to work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use async_channel::{Receiver, bounded, unbounded};
use async_std::sync::Mutex;
use async_std::task;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, future};
use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store as Cache, store};
use kube::runtime::watcher::{self, Config, Event};
use kube::runtime::{Controller as KubeController, WatchStreamExt};
use kube::{Api, Client};
use netreach_api::NetReach;
use netreach_dispatch::{Desk, DeskEvent};
use netreach_store::{Retention, Store};

use crate::context::{Context, Present};
use crate::hear::hear_all;
use crate::identify::Accounts;
use crate::leave::{Gone, leave_all};
use crate::limits::{CATCH_UP_TRIES, RETRY};
use crate::lives::Lives;
use crate::observe::{Poke, World};
use crate::publish::Events;
use crate::reconcile::reconcile;
use crate::records::Shows;
use crate::{ControllerError, facts, restore, tidy};

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
    /// How much is kept of the past of each NetReach.
    pub retention: Retention,
}

/// Whether no other manager can have begun to lead yet.
pub type Leads = Arc<dyn Fn() -> bool + Send + Sync>;

/// What follows the cluster. Nothing is done before [`Self::run`]; whose tokens are whose is known from the beginning.
pub struct Controller {
    client: Client,
    settings: Settings,
    world: World,
    net_reaches: BoxStream<'static, Result<NetReach, watcher::Error>>,
    gone: Receiver<Gone>,
    listed: Receiver<()>,
    pokes: Receiver<ObjectRef<NetReach>>,
    changes: Receiver<()>,
    poke: Poke,
    lives: Arc<Lives>,
    store: Arc<Store>,
}

impl Controller {
    /// Begins to follow the cluster by `watching`, and ends when everything was seen once; acts by `client` later.
    ///
    /// # Errors
    /// When something cannot be read at all.
    pub async fn follow(
        client: Client,
        watching: &Client,
        settings: Settings,
        store: Arc<Store>,
    ) -> Result<Self, ControllerError> {
        let (reader, writer) = self::store();
        let (sender, pokes) = unbounded();
        let (left, gone) = unbounded();
        let (list, listed) = bounded(1);
        let (changed, changes) = bounded(1);
        let poke = Poke { sender, net_reaches: reader, changed };
        let events = watcher::watcher(Api::all(watching.clone()), Config::default()).default_backoff();
        let events = events.reflect(writer).inspect(move |event| {
            let gone = match event {
                Ok(Event::Delete(net_reach)) => Gone::One(Box::new(net_reach.clone())),
                Ok(Event::InitDone) => {
                    // Awaited once, and told whenever all were listed.
                    let _ = list.try_send(());
                    Gone::Relisted
                }
                _ => return,
            };
            // Nobody listens any more only when everything ends.
            let _ = left.try_send(gone);
        });
        let world = World::follow(watching, &settings, &poke).await?;
        Ok(Self {
            client,
            settings,
            world,
            net_reaches: events.applied_objects().boxed(),
            gone,
            listed,
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

    /// Runs the rounds of every NetReach, for ever. `events` are the desk's, which is to be told when all rounds that were open before
    /// are open again. `shows` is told of every round there is to show. No result is confirmed that was written when nobody `leads`.
    pub async fn run(self, desk: Desk, events: Receiver<DeskEvent>, shows: Arc<dyn Shows>, leads: Leads) {
        let Self { client, settings, world, net_reaches, gone, listed, pokes, changes, poke, lives, store } =
            self;
        let recorder = Events::new(client.clone(), &settings.instance);
        let context = Arc::new(Context {
            client,
            settings,
            world,
            desk,
            store,
            lives,
            events: recorder,
            shows,
            leads,
            present: Present::default(),
            restoring: Mutex::default(),
            since: Instant::now(),
            is_caught_up: AtomicBool::default(),
        });
        let looking = KubeController::for_stream(net_reaches, poke.net_reaches.clone())
            .reconcile_on(pokes)
            .run(look, retry, Arc::clone(&context))
            .for_each(|_| future::ready(()));
        // Each on its own: a round that is planned for thousands keeps nobody from being heard.
        let catching_up = task::spawn(catch_up(Arc::clone(&context), poke.net_reaches.clone(), listed));
        let (hearing, at) = (poke.clone(), Arc::clone(&context));
        let hearing = task::spawn(async move { hear_all(&at, &hearing, events).await });
        let at = Arc::clone(&context);
        let leaving = task::spawn(async move { leave_all(&at, &poke, gone).await });
        let telling = task::spawn(async move { facts::keep(&context, changes).await });
        looking.await;
        // Reached only when nobody sends anything any more.
        future::join4(catching_up, hearing, leaving, telling).await;
    }
}

/// Opens the rounds again that were open when an earlier manager ended, before agents may be told that nobody knows them, and tells what
/// there is to show of before.
async fn catch_up(context: Arc<Context>, net_reaches: Cache<NetReach>, listed: Receiver<()>) {
    // Not by the cache's own word: it wakes one of those who wait for it, and the controller waits as well.
    if listed.recv().await.is_err() {
        return;
    }
    let mut left = net_reaches.state();
    for _ in 0..CATCH_UP_TRIES {
        let mut failed = Vec::new();
        for net_reach in left {
            if let Err(error) = restore::life(&context, &net_reach).await {
                let name = net_reach.metadata.name.as_deref().unwrap_or_default();
                tracing::warn!(netreach = name, %error, "what was before could not be read yet");
                failed.push(net_reach);
            }
        }
        left = failed;
        if left.is_empty() {
            break;
        }
        task::sleep(RETRY).await;
    }
    context.is_caught_up.store(true, Ordering::Release);
    context.desk.caught_up();
    context.shows.begin();
    tidy::keep(&context).await;
}

async fn look(net_reach: Arc<NetReach>, context: Arc<Context>) -> Result<Action, ControllerError> {
    reconcile(&net_reach, &context).await
}

#[allow(clippy::needless_pass_by_value, reason = "the signature is kube's")]
fn retry(net_reach: Arc<NetReach>, error: &ControllerError, _: Arc<Context>) -> Action {
    let name = net_reach.metadata.name.as_deref().unwrap_or_default();
    tracing::warn!(netreach = name, "{}: trying again", error.whole());
    Action::requeue(error.retry_after())
}
