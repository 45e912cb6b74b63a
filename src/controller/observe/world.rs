//! Everything of the cluster that is followed.

use async_channel::Sender;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::core::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Config;
use kube::{Api, Client};
use netreach_api::NetReach;
use netreach_api::names::{annotation, component, label};

use super::agents::AgentFacts;
use super::watch::{Namespaced, follow, ready};
use crate::{ControllerError, Settings};

/// What is followed, each kind in a cache of its own.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) net_reaches: Store<NetReach>,
    pub(crate) nodes: Store<Node>,
    pub(crate) classes: Store<IngressClass>,
    pub(crate) pods: Namespaced<Pod>,
    pub(crate) daemon_sets: Namespaced<DaemonSet>,
    pub(crate) deployments: Namespaced<Deployment>,
    pub(crate) services: Namespaced<Service>,
    pub(crate) slices: Namespaced<EndpointSlice>,
    pub(crate) ingresses: Namespaced<Ingress>,
    /// Where agents are.
    pub(crate) namespaces: Vec<String>,
}

/// Says which NetReaches are to be looked at again.
#[derive(Clone)]
pub(crate) struct Poke {
    pub(crate) sender: Sender<ObjectRef<NetReach>>,
    pub(crate) net_reaches: Store<NetReach>,
    /// Holds one word: that something has changed since it was taken.
    pub(crate) changed: Sender<()>,
}

impl Poke {
    pub(crate) fn one(&self, name: &str) {
        // Nobody listens any more only when everything ends.
        let _ = self.sender.try_send(ObjectRef::new(name));
    }

    pub(crate) fn all(&self) {
        let _ = self.changed.try_send(());
        self.net_reaches
            .state()
            .iter()
            .filter_map(|one| one.metadata.name.as_deref())
            .for_each(|name| self.one(name));
    }

    /// Those that this thing serves: the one that it was made for, or everybody.
    fn served_by<K: Resource>(&self, object: &K) {
        match object.meta().annotations.as_ref().and_then(|all| all.get(annotation::NET_REACH)) {
            Some(name) => self.one(name),
            None => self.all(),
        }
    }
}

impl World {
    /// Begins to follow, and waits until everything was seen once.
    pub(crate) async fn follow(
        client: &Client,
        settings: &Settings,
        poke: &Poke,
    ) -> Result<Self, ControllerError> {
        let namespaces = namespaces(client, settings).await?;
        let of_agents = Config::default().labels(&format!("{}={}", label::COMPONENT, component::AGENT));
        let every = |poke: &Poke| {
            let poke = poke.clone();
            move || poke.all()
        };
        let (of_nodes, of_classes) = (every(poke), every(poke));
        macro_rules! served {
            () => {{
                let poke = poke.clone();
                Namespaced::follow(client, &namespaces, &of_agents, move |object| poke.served_by(object))
            }};
        }
        let world = Self {
            net_reaches: poke.net_reaches.clone(),
            nodes: follow(Api::all(client.clone()), Config::default(), move |_| of_nodes()),
            classes: follow(Api::all(client.clone()), Config::default(), move |_| of_classes()),
            pods: served!(),
            daemon_sets: served!(),
            deployments: served!(),
            services: served!(),
            slices: served!(),
            ingresses: served!(),
            namespaces,
        };
        world.ready().await?;
        Ok(world)
    }

    async fn ready(&self) -> Result<(), ControllerError> {
        ready(&self.nodes, "Nodes").await?;
        ready(&self.classes, "IngressClasses").await?;
        self.pods.ready("Pods").await?;
        self.daemon_sets.ready("DaemonSets").await?;
        self.deployments.ready("Deployments").await?;
        self.services.ready("Services").await?;
        self.slices.ready("EndpointSlices").await?;
        self.ingresses.ready("Ingresses").await
    }

    /// Every agent's pod.
    pub(crate) fn agents(&self) -> impl Iterator<Item = AgentFacts> + '_ {
        self.pods.all().filter_map(|pod| AgentFacts::of(&pod))
    }

    /// The agents that serve a NetReach: its own, or those of everybody.
    pub(crate) fn agents_of(&self, own: Option<&str>) -> Vec<AgentFacts> {
        self.agents().filter(|agent| agent.serves.as_deref() == own).collect()
    }
}

/// Our own namespace, and that of agents in their nodes' network where there is one.
async fn namespaces(client: &Client, settings: &Settings) -> Result<Vec<String>, ControllerError> {
    let (own, host) = (settings.namespace.clone(), settings.host_namespace.clone());
    let there = Api::<Namespace>::all(client.clone()).get_opt(&host).await;
    let there = there.map_err(|source| ControllerError::Read {
        what: format!("Namespace {host}"),
        source: Box::new(source),
    })?;
    Ok(if there.is_some() && host != own { vec![own, host] } else { vec![own] })
}
