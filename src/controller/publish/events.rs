//! Events about a NetReach, as `kubectl describe` shows them.

use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client, Resource};
use netreach_api::NetReach;

/// Longest note an API server takes, bytes.
const NOTE_BYTES_MAX: usize = 1_000;
/// Most characters of a NetReach's name in an Event's: what an API server adds has to fit as well.
const NAME_CHARS_MAX: usize = 200;
const CONTROLLER: &str = "netreach-manager";
/// Events about objects without a namespace lie there.
const NAMESPACE: &str = "default";

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tale {
    pub(crate) reason: &'static str,
    pub(crate) note: String,
    pub(crate) is_warning: bool,
}

/// Writes Events.
pub(crate) struct Events {
    api: Api<Event>,
    instance: String,
}

impl Tale {
    pub(crate) fn normal(reason: &'static str, note: String) -> Self {
        Self { reason, note, is_warning: false }
    }

    pub(crate) fn warning(reason: &'static str, note: String) -> Self {
        Self { reason, note, is_warning: true }
    }
}

impl Events {
    pub(crate) fn new(client: Client, instance: &str) -> Self {
        Self { api: Api::namespaced(client, NAMESPACE), instance: instance.to_owned() }
    }

    /// Tells it. An Event that cannot be written is no reason to do anything else differently.
    pub(crate) async fn tell(&self, net_reach: &NetReach, tale: Tale) {
        let reason = tale.reason;
        if let Err(error) = self.api.create(&PostParams::default(), &self.event(net_reach, tale)).await {
            tracing::warn!(%error, reason, "an Event could not be written");
        }
    }

    fn event(&self, net_reach: &NetReach, tale: Tale) -> Event {
        let Tale { reason, mut note, is_warning } = tale;
        while note.len() > NOTE_BYTES_MAX {
            note.pop();
        }
        let name = net_reach.metadata.name.as_deref().unwrap_or_default();
        let slug: String = name.chars().take(NAME_CHARS_MAX).collect();
        Event {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", slug.trim_end_matches(['.', '-']))),
                namespace: Some(NAMESPACE.to_owned()),
                ..ObjectMeta::default()
            },
            action: Some("Round".to_owned()),
            event_time: Some(MicroTime(Timestamp::now())),
            note: Some(note),
            reason: Some(reason.to_owned()),
            regarding: Some(net_reach.object_ref(&())),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(if is_warning { "Warning" } else { "Normal" }.to_owned()),
            ..Event::default()
        }
    }
}
