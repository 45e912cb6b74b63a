//! kube's reflector, in a thread of the test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_std::task::block_on;
use futures_lite::StreamExt;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::reflector::store::Writer;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt, reflector};
use kube::{Client, Config};
use netreach_serve::Stop;
use serde_json::Value;

use super::informer::{Held, by_name};

/// How long what it is to hold may take to come.
const HELD_WITHIN: Duration = Duration::from_secs(60);
/// From a watch that failed to the next, however many failed before: kube's own soon takes longer than there are watches to drop.
const PAUSE: Duration = Duration::from_millis(200);

/// One that follows; ends when dropped.
pub(crate) struct Reflector {
    store: reflector::Store<DynamicObject>,
    seen: Receiver<Seen>,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
    begun: u64,
    names: BTreeSet<String>,
}

/// What it says of each step.
enum Seen {
    Begun,
    Ready,
    Report(String),
    Gone,
    Failed,
}

struct Pause;

impl Iterator for Pause {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(PAUSE)
    }
}

impl Backoff for Pause {
    fn reset(&mut self) {}
}

impl Reflector {
    /// Starts it, and waits until it knows all that there is.
    pub(crate) fn start(kubeconfig: &Path) -> Self {
        let kind = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk("system.kdoctor.io", "v1beta1", "KdoctorReport"),
            "kdoctorreports",
        );
        let writer = Writer::new(kind.clone());
        let store = writer.as_reader();
        let (say, seen) = channel();
        let stop = Stop::new();
        let (until, kubeconfig) = (stop.clone(), kubeconfig.to_owned());
        let thread = thread::spawn(move || {
            block_on(async {
                let following = follow(kubeconfig, kind, writer, say);
                futures_lite::future::or(following, until.stopped()).await;
            });
        });
        let (begun, names) = (0, BTreeSet::new());
        let mut reflector = Self { store, seen, stop, thread: Some(thread), begun, names };
        let mut is_ready = false;
        while !is_ready {
            let seen = reflector.seen.recv_timeout(HELD_WITHIN).expect("it learns of all reports");
            is_ready = matches!(seen, Seen::Ready);
            reflector.note(seen);
        }
        reflector
    }

    fn note(&mut self, seen: Seen) {
        match seen {
            Seen::Begun => self.begun += 1,
            Seen::Report(name) => drop(self.names.insert(name)),
            Seen::Ready | Seen::Gone | Seen::Failed => {}
        }
    }

    /// Ends it once it holds this report in this version or a newer one.
    pub(crate) fn end(mut self, name: &str, version: u64) -> Held {
        let deadline = Instant::now() + HELD_WITHIN;
        while !self.holds(name, version) {
            let left = deadline.saturating_duration_since(Instant::now());
            let seen = self.seen.recv_timeout(left);
            self.note(seen.unwrap_or_else(|error| panic!("{name} as of {version} did not come: {error}")));
        }
        while let Ok(seen) = self.seen.try_recv() {
            self.note(seen);
        }
        let reports = self.store.state();
        let reports: Vec<Value> =
            reports.iter().map(|report| serde_json::to_value(&**report).unwrap()).collect();
        Held { reports: by_name(&reports), seen: std::mem::take(&mut self.names), begun: self.begun }
    }

    fn holds(&self, name: &str, version: u64) -> bool {
        // What it says follows what it holds: when this one was told, so were those before it.
        if !self.names.contains(name) {
            return false;
        }
        let is_it = |report: &DynamicObject| report.metadata.name.as_deref() == Some(name);
        let found = self.store.find(is_it);
        let of = found.and_then(|report| report.metadata.resource_version.as_ref()?.parse::<u64>().ok());
        of.is_some_and(|of| of >= version)
    }
}

impl Drop for Reflector {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// kube's client, with these credentials.
pub(crate) async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

async fn follow(kubeconfig: PathBuf, kind: ApiResource, writer: Writer<DynamicObject>, say: Sender<Seen>) {
    let reports: Api<DynamicObject> = Api::all_with(client(&kubeconfig).await, &kind);
    let events = watcher(reports, watcher::Config::default().streaming_lists());
    let mut events = std::pin::pin!(events.backoff(Pause).reflect(writer));
    while let Some(event) = events.next().await {
        let name = |report: DynamicObject| report.metadata.name.unwrap();
        let seen = match event {
            Ok(Event::Init) => Seen::Begun,
            Ok(Event::InitApply(report) | Event::Apply(report)) => Seen::Report(name(report)),
            Ok(Event::InitDone) => Seen::Ready,
            Ok(Event::Delete(_)) => Seen::Gone,
            Err(_) => Seen::Failed,
        };
        // Nobody listens any more once it was dropped.
        let _ = say.send(seen);
    }
}
