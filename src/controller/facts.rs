//! Tells the webhook what is known of the cluster, by the ConfigMap that it mounts.

use std::collections::BTreeMap;
use std::time::Duration;

use async_channel::Receiver;
use async_std::task;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{Patch, PatchParams};
use netreach_api::ClusterFacts;
use netreach_api::names::{FIELD_MANAGER, label};

use crate::context::Context;
use crate::workload::ingress_class;

const CONFIG_MAP: &str = "netreach-cluster-facts";
const KEY: &str = "facts.yaml";
/// Changes come in crowds, and nothing waits for the facts: a volume shows them a minute later. What could not be told
/// is tried again as soon.
const GATHER_FOR: Duration = Duration::from_secs(2);

/// Keeps the facts as they are, for ever: looks whenever something has changed.
pub(crate) async fn keep(context: &Context, changes: Receiver<()>) {
    let (mut told, mut is_failing) = (None, false);
    loop {
        let facts = facts(context);
        if told != facts
            && let Some(wanted) = facts
        {
            match tell(context, &wanted).await {
                Ok(()) => (told, is_failing) = (facts, false),
                Err(error) if std::mem::replace(&mut is_failing, true) => {
                    tracing::debug!(%error, "the webhook is still not told what is known of the cluster");
                }
                Err(error) => {
                    tracing::warn!(%error, "the webhook is not told what is known of the cluster: trying again");
                }
            }
        }
        if changes.is_closed() || (!is_failing && changes.recv().await.is_err()) {
            return;
        }
        task::sleep(GATHER_FOR).await;
    }
}

/// None while no agent has an address.
fn facts(context: &Context) -> Option<ClusterFacts> {
    let addresses: Vec<_> = context.world.agents().flat_map(|agent| agent.addresses).collect();
    let (ipv4, ipv6) = (addresses.iter().any(|ip| ip.is_ipv4()), addresses.iter().any(|ip| ip.is_ipv6()));
    (ipv4 || ipv6).then(|| ClusterFacts {
        ipv4,
        ipv6,
        nodes: u32::try_from(context.world.nodes.state().len()).ok(),
        ingress: Some(ingress_class(context).is_some()),
        ..ClusterFacts::default()
    })
}

async fn tell(context: &Context, facts: &ClusterFacts) -> Result<(), kube::Error> {
    let namespace = &context.settings.namespace;
    // JSON is YAML.
    let text = serde_json::to_string(facts).expect("facts have no key that is not a string");
    let metadata = ObjectMeta {
        name: Some(CONFIG_MAP.to_owned()),
        namespace: Some(namespace.clone()),
        labels: Some(BTreeMap::from([(label::MANAGED_BY.to_owned(), "netreach-manager".to_owned())])),
        ..ObjectMeta::default()
    };
    let data = Some(BTreeMap::from([(KEY.to_owned(), text)]));
    let config_map = ConfigMap { metadata, data, ..ConfigMap::default() };
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), namespace);
    let params = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(CONFIG_MAP, &params, &Patch::Apply(&config_map)).await.map(drop)
}
