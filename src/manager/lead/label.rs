//! By which label Services find the leader.

use std::pin::pin;
use std::time::Duration;

use async_std::future::timeout;
use async_std::task::sleep;
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, ResourceExt};
use netreach_api::names::{FIELD_MANAGER, component, label, role};
use serde_json::json;

use super::LeadError;
use crate::limits::{LABEL_ANSWER_MS, LABEL_OFF_MS, LABEL_RETRY_MS};

/// The label that says which pod is the leader's: one pod's at a time.
pub struct Badge {
    pods: Api<Pod>,
    watched: Api<Pod>,
    me: String,
}

impl Badge {
    /// Of managers in a namespace, of which this pod is one. Asks by `client`, follows by `watching`.
    #[must_use]
    pub fn new(client: Client, watching: Client, namespace: &str, pod: &str) -> Self {
        Self {
            pods: Api::namespaced(client, namespace),
            watched: Api::namespaced(watching, namespace),
            me: pod.to_owned(),
        }
    }

    /// Has this pod alone called the leader's, and tells when it is; and again whenever somebody changes that, for ever. What an earlier
    /// leader left behind goes first: its node may be gone, and callers would wait for it.
    pub async fn wear(&self, worn: impl FnOnce()) {
        let managers = Config::default().labels(&format!("{}={}", label::COMPONENT, component::MANAGER));
        let mut changes = pin!(watcher(self.watched.clone(), managers).default_backoff());
        let mut worn = Some(worn);
        loop {
            match self.put_on().await {
                Ok(()) => {
                    if let Some(worn) = worn.take() {
                        worn();
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "callers do not find the leader yet");
                    sleep(Duration::from_millis(LABEL_RETRY_MS)).await;
                    continue;
                }
            }
            while let Some(change) = changes.next().await {
                match change {
                    Ok(Event::Apply(pod) | Event::InitApply(pod)) if self.is_wrong(&pod) => break,
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "could not follow the pods of managers"),
                }
            }
        }
    }

    /// Has this pod not called the leader's any more, where the API server answers soon.
    ///
    /// # Errors
    /// When it does not.
    pub async fn take_off(&self) -> Result<(), LeadError> {
        let within = Duration::from_millis(LABEL_OFF_MS);
        timeout(within, self.set(&self.me, None)).await.map_err(|_| LeadError::Silent)?
    }

    /// Has this pod not called the leader's any more, however long it takes: what an earlier process of it was says nothing about this one.
    pub async fn begin_without(&self) {
        while let Err(error) = self.take_off().await {
            tracing::warn!(%error, "this pod may still be called the leader's");
            sleep(Duration::from_millis(LABEL_RETRY_MS)).await;
        }
    }

    async fn put_on(&self) -> Result<(), LeadError> {
        let within = Duration::from_millis(LABEL_ANSWER_MS);
        let done = async {
            let called = ListParams::default().labels(&format!("{}={}", label::ROLE, role::LEADER));
            let called = self.pods.list(&called).await.map_err(LeadError::Pods)?;
            let names: Vec<_> = called.iter().map(ResourceExt::name_any).collect();
            for other in names.iter().filter(|name| **name != self.me) {
                self.set(other, None).await?;
            }
            if names.contains(&self.me) { Ok(()) } else { self.set(&self.me, Some(role::LEADER)).await }
        };
        timeout(within, done).await.map_err(|_| LeadError::Silent)?
    }

    /// Whether a pod of managers is called another thing than it is.
    fn is_wrong(&self, pod: &Pod) -> bool {
        let is_called = pod.labels().get(label::ROLE).is_some_and(|role| role == role::LEADER);
        is_called != (pod.name_any() == self.me)
    }

    async fn set(&self, pod: &str, role: Option<&str>) -> Result<(), LeadError> {
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let change = json!({"metadata": {"labels": {(label::ROLE): role}}});
        match self.pods.patch_metadata(pod, &params, &Patch::Merge(change)).await {
            Ok(_) => Ok(()),
            // It has left, and its label with it.
            Err(kube::Error::Api(status)) if status.code == 404 && role.is_none() => Ok(()),
            Err(source) => Err(LeadError::Label { pod: pod.to_owned(), source }),
        }
    }
}
