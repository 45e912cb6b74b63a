//! How many agents there should be, and why there are none.

use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;
use netreach_api::AgentKind;

use super::crew::Crew;
use crate::context::Context;
use crate::lives::Life;
use crate::observe::agents::quote;

/// What a workload's controller calls it when it could not make a pod.
const FAILED_CREATE: &str = "FailedCreate";

/// How many agents there should be; none while nobody has said so.
pub(crate) fn wanted(context: &Context, crew: &Crew) -> Option<usize> {
    let count = match crew.kind {
        AgentKind::DaemonSet => {
            let agents = context.world.daemon_sets.named(&crew.namespace, &crew.name)?;
            let status = agents.status.as_ref()?;
            let is_current = status.observed_generation == agents.metadata.generation;
            // Who counts the nodes hears of one that is gone only when its pod goes as well.
            let outlived = i32::try_from(context.world.outlived(crew.own.as_deref())).unwrap_or(i32::MAX);
            is_current.then_some(status.desired_number_scheduled.saturating_sub(outlived).max(0))?
        }
        AgentKind::Deployment => {
            context.world.deployments.named(&crew.namespace, &crew.name)?.spec.as_ref()?.replicas?
        }
    };
    usize::try_from(count).ok()
}

/// Why no agent is there, as far as anybody has said.
pub(crate) async fn hindrance(context: &Context, crew: &Crew, life: &Life) -> String {
    if let Some((refused, _)) = &life.refused {
        return quote(refused);
    }
    match wanted(context, crew) {
        None => return format!("there is no {:?} {} in namespace {}", crew.kind, crew.name, crew.namespace),
        Some(0) => {
            return format!(
                "no node is to have a pod of {:?} {}: see its affinity and the nodes' labels",
                crew.kind, crew.name
            );
        }
        Some(_) => {}
    }
    let told = failed_create(context, crew).await;
    told.unwrap_or_else(|| format!("no pod of {:?} {} runs yet", crew.kind, crew.name))
}

/// The newest word of a controller that could not make a pod: the workload's own, or its ReplicaSet's.
async fn failed_create(context: &Context, crew: &Crew) -> Option<String> {
    let events: Api<Event> = Api::namespaced(context.client.clone(), &crew.namespace);
    let failed = ListParams::default().fields(&format!("reason={FAILED_CREATE}"));
    let mut failed = events.list(&failed).await.ok()?.items;
    failed.retain(|event| {
        event.involved_object.name.as_deref().is_some_and(|name| name.starts_with(&crew.name))
    });
    failed.sort_by_key(|event| event.last_timestamp.clone().or_else(|| event.first_timestamp.clone()));
    failed.pop()?.message.map(|message| quote(&message))
}
