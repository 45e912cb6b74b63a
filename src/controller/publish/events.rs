//! Events about a NetReach, as `kubectl describe` shows them.

use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use netreach_api::NetReach;

/// Longest note an API server takes, bytes.
const NOTE_BYTES_MAX: usize = 1_000;
const CONTROLLER: &str = "netreach-manager";

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tale {
    pub(crate) reason: &'static str,
    pub(crate) note: String,
    pub(crate) is_warning: bool,
}

/// Writes Events.
pub(crate) struct Events(Recorder);

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
        let reporter = Reporter { controller: CONTROLLER.to_owned(), instance: Some(instance.to_owned()) };
        Self(Recorder::new(client, reporter))
    }

    /// Tells it. An Event that cannot be written is no reason to do anything else differently.
    pub(crate) async fn tell(&self, net_reach: &NetReach, tale: Tale) {
        let Tale { reason, mut note, is_warning } = tale;
        while note.len() > NOTE_BYTES_MAX {
            note.pop();
        }
        let event = Event {
            type_: if is_warning { EventType::Warning } else { EventType::Normal },
            reason: reason.to_owned(),
            note: Some(note),
            action: "Round".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.0.publish(&event, &net_reach.object_ref(&())).await {
            tracing::warn!(%error, reason, "an Event could not be written");
        }
    }
}
