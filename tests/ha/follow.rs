//! What kube-proxy does for those who connect to a Service: it follows the pods that the Service selects.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use async_std::task::{JoinHandle, block_on, spawn};
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{Pod, Service as Object};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, Config};
use netreach_tests::Service;

use super::ground::NAMESPACE;

/// An address that leads to the pods of a Service; ends when dropped.
pub(crate) struct Following {
    pub(crate) service: Arc<Service>,
    task: Option<JoinHandle<()>>,
}

impl Following {
    /// By the selector that the Service has now, to that port of its pods.
    pub(crate) fn start(kubeconfig: &Path, name: &str, port: u16) -> Self {
        let service = Arc::new(Service::start());
        let task = block_on(follow(kubeconfig, name, port, Arc::clone(&service)));
        Self { service, task: Some(task) }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            block_on(task.cancel());
        }
    }
}

async fn follow(kubeconfig: &Path, name: &str, port: u16, service: Arc<Service>) -> JoinHandle<()> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let client = Client::try_from(config).unwrap();
    let services: Api<Object> = Api::namespaced(client.clone(), NAMESPACE);
    let selector: BTreeMap<_, _> = services.get(name).await.unwrap().spec.unwrap().selector.unwrap();
    let selector: Vec<_> = selector.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pods: Api<Pod> = Api::namespaced(client, NAMESPACE);
    spawn(async move {
        let selected = ListParams::default().labels(&selector.join(","));
        let mut changes = watcher(pods.clone(), watcher::Config::default()).boxed();
        while changes.next().await.is_some() {
            let Ok(selected) = pods.list(&selected).await else { continue };
            let ips = selected.iter().filter_map(|pod| pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok());
            let endpoints: Vec<_> = ips.map(|ip| SocketAddr::new(ip, port)).collect();
            service.set_endpoints(&endpoints);
        }
    })
}
