//! Everything of the cluster that is followed.

use async_channel::Sender;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{Namespace, Node, NodeAddress, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::core::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Config;
use kube::{Api, Client};
use netreach_api::NetReach;
use netreach_api::names::{annotation, component, label};

use super::agents::AgentFacts;
use super::watch::{Change, Namespaced, follow, ready};
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
        let (of_nodes, of_classes) = (poke.clone(), poke.clone());
        let touched_node = move |change: Change<'_, Node>| {
            if is_news(&change) {
                of_nodes.all();
            }
        };
        macro_rules! served {
            () => {{
                let poke = poke.clone();
                Namespaced::follow(client, &namespaces, &of_agents, move |change| {
                    poke.served_by(change.object());
                })
            }};
        }
        let world = Self {
            net_reaches: poke.net_reaches.clone(),
            nodes: follow(Api::all(client.clone()), Config::default(), touched_node),
            classes: follow(Api::all(client.clone()), Config::default(), move |_| of_classes.all()),
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

    /// The agent in the pod of this uid.
    pub(crate) fn agent(&self, uid: &str) -> Option<AgentFacts> {
        AgentFacts::of(&*self.pods.of_uid(uid)?)
    }

    /// The agents that serve a NetReach: its own, or those of everybody. By their ids: the cache's own order is another
    /// after every list.
    pub(crate) fn agents_of(&self, own: Option<&str>) -> Vec<AgentFacts> {
        let mut agents: Vec<_> = self.agents().filter(|agent| agent.serves.as_deref() == own).collect();
        for agent in &mut agents {
            // A pod outlives its node by about a minute, and comes to nothing.
            agent.is_leaving |= !self.has_node(&agent.id.node);
        }
        agents.sort_by(|a, b| a.id.cmp(&b.id));
        agents
    }

    /// How many pods of those agents have outlived their nodes.
    pub(crate) fn outlived(&self, own: Option<&str>) -> usize {
        let agents = self.agents().filter(|agent| agent.serves.as_deref() == own);
        agents.filter(|agent| !self.has_node(&agent.id.node)).count()
    }

    /// Whether there is such a node; nobody says of a pod that has none where it will be.
    fn has_node(&self, name: &str) -> bool {
        name.is_empty() || self.nodes.get(&ObjectRef::new(name)).is_some()
    }
}

/// Whether more has become of a node than a heartbeat.
fn is_news(change: &Change<'_, Node>) -> bool {
    match change {
        Change::Came(_) | Change::Went(_) => true,
        Change::Changed { from, to } => addresses(from) != addresses(to) || readiness(from) != readiness(to),
    }
}

fn addresses(node: &Node) -> &[NodeAddress] {
    node.status.as_ref().and_then(|status| status.addresses.as_deref()).unwrap_or_default()
}

/// The status of its condition `Ready`.
fn readiness(node: &Node) -> Option<&str> {
    let conditions = node.status.as_ref()?.conditions.as_ref()?;
    Some(&conditions.iter().find(|condition| condition.type_ == "Ready")?.status)
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_heartbeat_of_a_node_is_no_news() {
        let node = |ready: &str, heard: &str, address: &str| -> Node {
            let status = json!({
                "addresses": [{"type": "InternalIP", "address": address}],
                "conditions": [
                    {"type": "MemoryPressure", "status": "False", "lastHeartbeatTime": heard},
                    {"type": "Ready", "status": ready, "lastHeartbeatTime": heard},
                ],
            });
            serde_json::from_value(json!({"metadata": {"name": "worker"}, "status": status})).unwrap()
        };
        let bare: Node =
            serde_json::from_value(json!({"metadata": {"name": "worker"}, "status": Value::Null})).unwrap();
        let (first, later) = ("2026-03-01T00:00:00Z", "2026-03-01T00:05:00Z");
        let from = node("True", first, "10.0.0.1");
        let check = |to: &Node, expected: bool| {
            assert_eq!(is_news(&Change::Changed { from: &from, to }), expected, "{to:?}");
        };
        check(&node("True", later, "10.0.0.1"), false);
        check(&node("Unknown", later, "10.0.0.1"), true);
        check(&node("True", later, "10.0.0.2"), true);
        check(&bare, true);
        assert!(is_news(&Change::Came(&from)) && is_news(&Change::Went(&from)));
    }
}
