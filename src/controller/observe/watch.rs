//! Follows what an API server holds. Each kind is trimmed to what is used before it is kept.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use async_std::task;
use futures_util::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use kube::core::Resource;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{Lookup, ObjectRef, Store, store};
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

/// What has become of an object: it came, changed or went.
pub(crate) enum Change<'a, K> {
    Came(&'a K),
    Changed { from: &'a K, to: &'a K },
    Went(&'a K),
}

impl<'a, K> Change<'a, K> {
    /// The object, as it was last seen.
    pub(crate) fn object(&self) -> &'a K {
        match self {
            Self::Came(object) | Self::Changed { from: _, to: object } | Self::Went(object) => object,
        }
    }
}

/// Follows everything of a kind that `config` selects; `touched` hears of every object that came, changed or went, once
/// the cache shows it.
pub(crate) fn follow<K>(
    api: Api<K>,
    config: Config,
    touched: impl Fn(Change<'_, K>) + Send + Sync + 'static,
) -> Store<K>
where
    K: Watched,
    <K as Lookup>::DynamicType: Eq + Hash + Clone,
{
    let (reader, mut writer) = store();
    let trim = |object: &mut K| {
        let meta = object.meta_mut();
        meta.managed_fields = None;
        if let Some(annotations) = &mut meta.annotations {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    };
    let events = watcher(api, config).default_backoff().modify(trim);
    task::spawn(async move {
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => take(&mut writer, &event, &touched),
                Err(error) => {
                    tracing::warn!(kind = %<K as Resource>::kind(&()), %error, "a watch was cut: trying again")
                }
            }
        }
    });
    reader
}

/// Takes an event into the cache, then says what is other than before.
fn take<K: Watched>(writer: &mut Writer<K>, event: &Event<K>, touched: &impl Fn(Change<'_, K>)) {
    let reader = writer.as_reader();
    let seen = |object: &K| reader.get(&ObjectRef::from_obj(object));
    let before: Vec<Arc<K>> = match event {
        Event::Apply(object) | Event::Delete(object) => seen(object).into_iter().collect(),
        // The list is whole: what is not on it went while nobody watched.
        Event::InitDone => reader.state(),
        Event::Init | Event::InitApply(_) => Vec::new(),
    };
    writer.apply_watcher_event(event);
    let after: Vec<Arc<K>> = match event {
        Event::Apply(object) => seen(object).into_iter().collect(),
        Event::InitDone => reader.state(),
        Event::Delete(_) | Event::Init | Event::InitApply(_) => Vec::new(),
    };
    let by_name: HashMap<_, _> = before.iter().map(|was| (name(&**was), was)).collect();
    for is in &after {
        match by_name.get(&name(&**is)) {
            None => touched(Change::Came(is)),
            Some(was) if was.meta().resource_version == is.meta().resource_version => {}
            Some(was) => touched(Change::Changed { from: was, to: is }),
        }
    }
    let still: HashSet<_> = after.iter().map(|is| name(&**is)).collect();
    before.iter().filter(|was| !still.contains(&name(&***was))).for_each(|was| touched(Change::Went(was)));
}

fn name<K: Resource>(object: &K) -> (Option<&str>, Option<&str>) {
    let meta = object.meta();
    (meta.namespace.as_deref(), meta.name.as_deref())
}

/// One kind in each of the namespaces where agents are, by the namespace.
#[derive(Clone)]
pub(crate) struct Namespaced<K: Watched>(Vec<(String, Store<K>)>);

impl<K> Namespaced<K>
where
    K: Watched + Resource<Scope = NamespaceResourceScope>,
{
    pub(crate) fn follow(
        client: &Client,
        namespaces: &[String],
        config: &Config,
        touched: impl Fn(Change<'_, K>) + Clone + Send + Sync + 'static,
    ) -> Self {
        let one = |namespace: &String| {
            let store = follow(Api::namespaced(client.clone(), namespace), config.clone(), touched.clone());
            (namespace.clone(), store)
        };
        Self(namespaces.iter().map(one).collect())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<K>> + '_ {
        self.0.iter().flat_map(|(_, store)| store.state())
    }

    pub(crate) fn named(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        let (_, store) = self.0.iter().find(|(of, _)| of == namespace)?;
        store.get(&ObjectRef::new(name).within(namespace))
    }

    /// The one of this uid.
    pub(crate) fn of_uid(&self, uid: &str) -> Option<Arc<K>> {
        let is_it = |object: &K| object.meta().uid.as_deref() == Some(uid);
        self.0.iter().find_map(|(_, store)| store.find(is_it))
    }

    pub(crate) async fn ready(&self, what: &'static str) -> Result<(), ControllerError> {
        for (_, store) in &self.0 {
            ready(store, what).await?;
        }
        Ok(())
    }
}

/// Waits for a watch's first whole answer.
pub(crate) async fn ready<K: Watched>(store: &Store<K>, what: &'static str) -> Result<(), ControllerError> {
    store.wait_until_ready().await.map_err(|_| ControllerError::Watch { what })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use k8s_openapi::api::core::v1::Pod;
    use kube::ResourceExt;
    use serde_json::json;

    use super::*;

    fn pod(name: &str, version: u32) -> Pod {
        let metadata = json!({ "name": name, "namespace": "ns", "uid": format!("uid-{name}"), "resourceVersion": version.to_string() });
        serde_json::from_value(json!({ "metadata": metadata })).unwrap()
    }

    /// What was said of these events, in any order.
    fn said(writer: &mut Writer<Pod>, events: Vec<Event<Pod>>) -> Vec<String> {
        let said = RefCell::new(Vec::new());
        let touched = |change: Change<'_, Pod>| {
            let object = change.object();
            let word = match change {
                Change::Came(_) => "came".to_owned(),
                Change::Changed { from, .. } => {
                    format!("changed from {}", from.metadata.resource_version.as_deref().unwrap())
                }
                Change::Went(_) => "went".to_owned(),
            };
            said.borrow_mut().push(format!("{} {word}", object.name_any()));
        };
        for event in events {
            take(writer, &event, &touched);
        }
        let mut said = said.into_inner();
        said.sort();
        said
    }

    #[test]
    fn what_came_changed_or_went_is_said() {
        let (_, mut writer) = store();
        let list = |pods: Vec<Pod>| {
            let listed = pods.into_iter().map(Event::InitApply);
            std::iter::once(Event::Init).chain(listed).chain([Event::InitDone]).collect()
        };
        assert_eq!(said(&mut writer, list(vec![pod("a", 1), pod("b", 2)])), ["a came", "b came"]);
        let watched = vec![Event::Apply(pod("a", 3)), Event::Apply(pod("c", 4)), Event::Delete(pod("b", 5))];
        assert_eq!(said(&mut writer, watched), ["a changed from 1", "b went", "c came"]);
        // A list that comes after a gap: `a` went unseen, `c` is as it was.
        assert_eq!(said(&mut writer, list(vec![pod("c", 4), pod("d", 6)])), ["a went", "d came"]);
        assert_eq!(said(&mut writer, vec![Event::Init, Event::InitApply(pod("e", 7))]), Vec::<String>::new());
    }

    #[test]
    fn an_object_is_found_by_name_in_its_namespace_and_by_uid() {
        let (reader, mut writer) = store();
        writer.apply_watcher_event(&Event::Apply(pod("a", 1)));
        let all = Namespaced(vec![("other".to_owned(), store().0), ("ns".to_owned(), reader)]);
        assert_eq!(all.named("ns", "a").unwrap().name_any(), "a");
        assert!(
            all.named("other", "a").is_none()
                && all.named("none", "a").is_none()
                && all.named("ns", "b").is_none()
        );
        assert_eq!(all.of_uid("uid-a").unwrap().name_any(), "a");
        assert!(all.of_uid("uid-b").is_none());
    }
}
