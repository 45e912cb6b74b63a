//! Follows what an API server holds. Each kind is trimmed to what is used before it is kept.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use async_std::task;
use futures_util::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use kube::core::Resource;
use kube::runtime::reflector::{Lookup, Store, store};
use kube::runtime::watcher::{Config, Event};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde::de::DeserializeOwned;

use crate::ControllerError;

/// What every watched kind is.
pub(crate) trait Watched:
    Resource<DynamicType = ()>
    + Lookup<DynamicType = ()>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl<K> Watched for K where
    K: Resource<DynamicType = ()>
        + Lookup<DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// Follows everything of a kind that `config` selects; `touched` hears of every object that came, changed or went.
pub(crate) fn follow<K>(api: Api<K>, config: Config, touched: impl Fn(&K) + Send + Sync + 'static) -> Store<K>
where
    K: Watched,
    <K as Lookup>::DynamicType: Eq + Hash + Clone,
{
    let (reader, writer) = store();
    let trim = |object: &mut K| {
        let meta = object.meta_mut();
        meta.managed_fields = None;
        if let Some(annotations) = &mut meta.annotations {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    };
    let events = watcher(api, config).default_backoff().modify(trim).reflect(writer);
    task::spawn(async move {
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Apply(object) | Event::InitApply(object) | Event::Delete(object)) => {
                    touched(&object)
                }
                Ok(Event::Init | Event::InitDone) => {}
                Err(error) => {
                    tracing::warn!(kind = %<K as Resource>::kind(&()), %error, "a watch was cut: trying again")
                }
            }
        }
    });
    reader
}

/// One kind in each of the namespaces where agents are.
#[derive(Clone)]
pub(crate) struct Namespaced<K: Watched>(Vec<Store<K>>);

impl<K> Namespaced<K>
where
    K: Watched + Resource<Scope = NamespaceResourceScope>,
{
    pub(crate) fn follow(
        client: &Client,
        namespaces: &[String],
        config: &Config,
        touched: impl Fn(&K) + Clone + Send + Sync + 'static,
    ) -> Self {
        let one = |namespace: &String| {
            follow(Api::namespaced(client.clone(), namespace), config.clone(), touched.clone())
        };
        Self(namespaces.iter().map(one).collect())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<K>> + '_ {
        self.0.iter().flat_map(Store::state)
    }

    pub(crate) fn named(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.all().find(|object| {
            object.meta().namespace.as_deref() == Some(namespace)
                && object.meta().name.as_deref() == Some(name)
        })
    }

    pub(crate) async fn ready(&self, what: &'static str) -> Result<(), ControllerError> {
        for store in &self.0 {
            ready(store, what).await?;
        }
        Ok(())
    }
}

/// Waits for a watch's first whole answer.
pub(crate) async fn ready<K: Watched>(store: &Store<K>, what: &'static str) -> Result<(), ControllerError> {
    store.wait_until_ready().await.map_err(|_| ControllerError::Watch { what })
}
