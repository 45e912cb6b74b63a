//! Sees to it that a NetReach's agents, and what stands in front of them, are there while it wants them, and no longer.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{PodTemplateSpec, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use netreach_api::{AgentKind, CheckedSpec, NetReach, RuntimeStatus};
use netreach_wire::IpFamily;

use super::apply::{apply, remove};
use super::build::{Workload, metadata, workload};
use super::crew::{Crew, ip_families, needs_service};
use super::fronts::{class, ingress, service};
use super::hindrance::wanted;
use super::names::{self, DEFAULT_AGENTS};
use super::shared::Asked;
use crate::ControllerError;
use crate::context::Context;
use crate::limits::{GRACE_MIN, REFUSED_FOR};
use crate::lives::Life;

/// How the agents are.
pub(crate) struct Kept {
    pub(crate) runtime: RuntimeStatus,
    /// When they are to go.
    pub(crate) gone_at: Option<Timestamp>,
}

impl Kept {
    /// Where it could not be found out.
    pub(crate) fn unknown() -> Self {
        Self { runtime: RuntimeStatus::Creating, gone_at: None }
    }
}

/// Everything that is wanted for one crew.
struct Wanted {
    workload: Option<Workload>,
    services: Vec<Service>,
    ingress: Option<Ingress>,
}

pub(crate) async fn keep(
    context: &Context,
    net_reach: &NetReach,
    spec: &CheckedSpec,
    crew: &Crew,
    life: &mut Life,
) -> Result<Kept, ControllerError> {
    let gone_at = gone_at(net_reach, crew, life);
    let is_over = gone_at.is_some_and(|at| at <= Timestamp::now());
    let wanted = match (&crew.own, is_over) {
        (Some(_), false) => own(context, net_reach, spec, crew),
        (Some(_), true) => Wanted { workload: None, services: Vec::new(), ingress: None },
        (None, _) => shared(context, crew),
    };
    settle(context, crew, wanted, life).await?;
    let runtime = if is_over { RuntimeStatus::Deleted } else { runtime(context, crew) };
    Ok(Kept { runtime, gone_at: gone_at.filter(|_| !is_over) })
}

/// When the agents of a NetReach without rounds left are to go; those of everybody stay.
fn gone_at(net_reach: &NetReach, crew: &Crew, life: &Life) -> Option<Timestamp> {
    crew.own.as_ref().filter(|_| life.is_finished)?;
    let finished = life.written.as_ref().and_then(|status| status.finish_time.as_ref())?.0;
    let asked = net_reach.spec.agent_spec.as_ref()?.termination_grace_period_min;
    finished.checked_add(SignedDuration::from_mins(asked.unwrap_or(GRACE_MIN))).ok()
}

fn own(context: &Context, net_reach: &NetReach, spec: &CheckedSpec, crew: &Crew) -> Wanted {
    let target = spec.target();
    let named = |name: &str| metadata(name, &crew.namespace, Some(net_reach));
    let of_version =
        |ip_family| service(named(&crew.service(ip_family)), crew, ip_family, target.load_balancer);
    let services: Vec<_> = ip_families(&target).filter(|_| needs_service(&target)).map(of_version).collect();
    let first = ip_families(&target).next().filter(|_| target.ingress);
    Wanted {
        workload: template(context)
            .and_then(|template| workload(&template, crew, net_reach, spec, host_port(context, crew))),
        services,
        ingress: first.map(|ip_family| ingress(named(&crew.name), crew, ip_family, ingress_class(context))),
    }
}

fn shared(context: &Context, crew: &Crew) -> Wanted {
    let asked = Asked::by(&context.world.net_reaches.state());
    let owned = |name: &str, owners: &[_]| ObjectMeta {
        owner_references: Some(owners.to_vec()),
        ..metadata(name, &crew.namespace, None)
    };
    let of_version = |ip_family: &IpFamily| {
        service(owned(&crew.service(*ip_family), &asked.service_owners), crew, *ip_family, asked.is_balanced)
    };
    let first = asked.ip_families.first().filter(|_| !asked.ingress_owners.is_empty());
    let to = |ip_family: &IpFamily| {
        ingress(owned(&crew.name, &asked.ingress_owners), crew, *ip_family, ingress_class(context))
    };
    Wanted {
        workload: None,
        services: asked.ip_families.iter().map(of_version).collect(),
        ingress: first.map(to),
    }
}

/// The port of agents in their nodes' network: the one that they have, else one that no others have.
fn host_port(context: &Context, crew: &Crew) -> u16 {
    let (sets, deployments) = (context.world.daemon_sets.all(), context.world.deployments.all());
    let of_sets =
        sets.filter_map(|one| Some((one.metadata.name.clone()?, port(&one.spec.as_ref()?.template)?)));
    let of_deployments =
        deployments.filter_map(|one| Some((one.metadata.name.clone()?, port(&one.spec.as_ref()?.template)?)));
    let known: Vec<_> = of_sets.chain(of_deployments).collect();
    if let Some((_, port)) = known.iter().find(|(name, _)| *name == crew.name) {
        return *port;
    }
    let taken = known.into_iter().map(|(_, port)| port).collect();
    names::host_port(crew.own.as_deref().unwrap_or_default(), &taken)
}

fn port(template: &PodTemplateSpec) -> Option<u16> {
    let containers = template.spec.iter().flat_map(|pod| &pod.containers);
    let ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports.filter_map(|port| u16::try_from(port.host_port?).ok()).next()
}

/// The class of Ingresses: that of the settings, else the default one.
pub(crate) fn ingress_class(context: &Context) -> Option<String> {
    let classes = context.world.classes.state();
    class(context.settings.ingress_class.as_deref(), classes.iter().map(AsRef::as_ref))
}

/// The pods of everybody's agents: what all others are made of.
fn template(context: &Context) -> Option<PodTemplateSpec> {
    let agents = context.world.daemon_sets.named(&context.settings.namespace, DEFAULT_AGENTS)?;
    Some(agents.spec.as_ref()?.template.clone())
}

/// Applies what is wanted and not applied yet, and removes what is there and not wanted.
async fn settle(
    context: &Context,
    crew: &Crew,
    wanted: Wanted,
    life: &mut Life,
) -> Result<(), ControllerError> {
    let Wanted { workload, services, ingress } = wanted;
    remove_others(context, crew, &services, ingress.is_some(), workload.is_some()).await?;
    let print = print(&(&services, &ingress), workload.as_ref());
    let is_settled = || is_there(context, crew, &services, ingress.is_some(), workload.is_some());
    let is_refused = life.refused.as_ref().is_some_and(|(_, at)| at.elapsed() < REFUSED_FOR);
    if life.applied == Some(print) && (is_refused || is_settled()) {
        return Ok(());
    }
    life.refused = None;
    let client = &context.client;
    match &workload {
        Some(Workload::DaemonSet(object)) => note(life, apply(client, object.as_ref()).await)?,
        Some(Workload::Deployment(object)) => note(life, apply(client, object.as_ref()).await)?,
        None => {}
    }
    for service in &services {
        note(life, apply(client, service).await)?;
    }
    if let Some(ingress) = &ingress {
        note(life, apply(client, ingress).await)?;
    }
    life.applied = Some(print);
    Ok(())
}

/// What an API server will not have is no reason to leave the rest: the round says what lacks.
fn note(life: &mut Life, applied: Result<(), ControllerError>) -> Result<(), ControllerError> {
    match applied {
        Err(refused @ ControllerError::Refused { .. }) => {
            tracing::warn!(netreach = life.name, %refused, "not everything could be made for the agents");
            life.refused = Some((refused.to_string(), Instant::now()));
            Ok(())
        }
        other => other,
    }
}

fn is_there(context: &Context, crew: &Crew, services: &[Service], ingress: bool, workload: bool) -> bool {
    let world = &context.world;
    let is_service = |service: &Service| {
        service
            .metadata
            .name
            .as_deref()
            .is_some_and(|name| world.services.named(&crew.namespace, name).is_some())
    };
    let is_workload = match crew.kind {
        AgentKind::DaemonSet => world.daemon_sets.named(&crew.namespace, &crew.name).is_some(),
        AgentKind::Deployment => world.deployments.named(&crew.namespace, &crew.name).is_some(),
    };
    services.iter().all(is_service)
        && (!ingress || world.ingresses.named(&crew.namespace, &crew.name).is_some())
        && (!workload || is_workload)
}

async fn remove_others(
    context: &Context,
    crew: &Crew,
    services: &[Service],
    ingress: bool,
    workload: bool,
) -> Result<(), ControllerError> {
    let (world, client) = (&context.world, &context.client);
    for ip_family in [IpFamily::V4, IpFamily::V6] {
        let name = crew.service(ip_family);
        let is_wanted = services.iter().any(|service| service.metadata.name.as_ref() == Some(&name));
        if !is_wanted && let Some(there) = staying(world.services.named(&crew.namespace, &name)) {
            remove(client, there.as_ref()).await?;
        }
    }
    if !ingress && let Some(there) = staying(world.ingresses.named(&crew.namespace, &crew.name)) {
        remove::<Ingress>(client, there.as_ref()).await?;
    }
    // The agents of everybody are the installer's.
    if !workload && crew.own.is_some() {
        if let Some(there) = staying(world.daemon_sets.named(&crew.namespace, &crew.name)) {
            remove::<DaemonSet>(client, there.as_ref()).await?;
        }
        if let Some(there) = staying(world.deployments.named(&crew.namespace, &crew.name)) {
            remove::<Deployment>(client, there.as_ref()).await?;
        }
    }
    Ok(())
}

/// What is not on its way out already.
fn staying<K: kube::Resource>(there: Option<Arc<K>>) -> Option<Arc<K>> {
    there.filter(|object| object.meta().deletion_timestamp.is_none())
}

fn runtime(context: &Context, crew: &Crew) -> RuntimeStatus {
    let agents = context.world.agents_of(crew.own.as_deref());
    let ready = agents.iter().filter(|agent| agent.is_ready && !agent.is_leaving).count();
    match wanted(context, crew) {
        Some(wanted) if wanted > 0 && ready >= wanted => RuntimeStatus::Created,
        _ => RuntimeStatus::Creating,
    }
}

fn print(fronts: &impl serde::Serialize, workload: Option<&Workload>) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(fronts).unwrap_or_default().hash(&mut hasher);
    let workload = match workload {
        Some(Workload::DaemonSet(object)) => serde_json::to_string(object),
        Some(Workload::Deployment(object)) => serde_json::to_string(object),
        None => Ok(String::new()),
    };
    workload.unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}
