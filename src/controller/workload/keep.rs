//! Sees to it that a NetReach's agents, and what stands in front of them, are there while it wants them, and no longer.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{PodTemplateSpec, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
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
    others: Others,
}

/// What others ask of the same agents: theirs to make and to tell of where it cannot be made, and nobody's to remove.
#[derive(Default)]
struct Others {
    services: Vec<String>,
    ingress: bool,
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
        (Some(_), true) => {
            Wanted { workload: None, services: Vec::new(), ingress: None, others: Others::default() }
        }
        (None, _) => shared(context, spec, crew, &life.uid),
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
        others: Others::default(),
    }
}

fn shared(context: &Context, spec: &CheckedSpec, crew: &Crew, uid: &str) -> Wanted {
    let asked = Asked::by(&context.world.net_reaches.state());
    let is_among = |owners: &[OwnerReference]| owners.iter().any(|owner| owner.uid == uid);
    let owned = |name: &str, owners: &[_]| ObjectMeta {
        owner_references: Some(owners.to_vec()),
        ..metadata(name, &crew.namespace, None)
    };
    let of_version = |ip_family| {
        service(owned(&crew.service(ip_family), &asked.service_owners), crew, ip_family, asked.is_balanced)
    };
    let asks = is_among(&asked.service_owners);
    let first = asked.ip_families.first().filter(|_| !asked.ingress_owners.is_empty());
    let to = |ip_family: &IpFamily| {
        ingress(owned(&crew.name, &asked.ingress_owners), crew, *ip_family, ingress_class(context))
    };
    Wanted {
        workload: None,
        services: ip_families(&spec.target()).filter(|_| asks).map(of_version).collect(),
        ingress: first.filter(|_| is_among(&asked.ingress_owners)).map(to),
        others: Others {
            services: asked.ip_families.iter().map(|ip_family| crew.service(*ip_family)).collect(),
            ingress: first.is_some(),
        },
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
    remove_unwanted(context, crew, &wanted).await?;
    let Wanted { workload, services, ingress, others: _ } = wanted;
    let print = print(&(&services, &ingress), workload.as_ref());
    let is_settled = || is_there(context, crew, &services, ingress.is_some(), workload.is_some());
    let is_refused = life.refused.as_ref().is_some_and(|(_, at)| at.elapsed() < REFUSED_FOR);
    if life.applied == Some(print) && (is_refused || (life.refused.is_none() && is_settled())) {
        return Ok(());
    }
    let client = &context.client;
    let mut steps = Vec::new();
    match &workload {
        Some(Workload::DaemonSet(object)) => steps.push(apply(client, object.as_ref()).boxed()),
        Some(Workload::Deployment(object)) => steps.push(apply(client, object.as_ref()).boxed()),
        None => {}
    }
    steps.extend(services.iter().map(|service| apply(client, service).boxed()));
    steps.extend(ingress.iter().map(|ingress| apply(client, ingress).boxed()));
    life.refused = None;
    let mut failed = None;
    for step in steps {
        let Err(error) = step.await else { continue };
        life.refused.get_or_insert((error.whole(), Instant::now()));
        match error {
            // What cannot be made is no reason to leave the rest: the round says what lacks.
            ControllerError::Refused { .. } => {
                tracing::warn!(netreach = life.name, %error, "not everything could be made for the agents");
            }
            ControllerError::Unmade { .. } => _ = failed.get_or_insert(error),
            // The API server itself: it would not take the rest either.
            _ => {
                failed = Some(error);
                break;
            }
        }
    }
    life.applied = Some(print).filter(|_| failed.is_none());
    failed.map_or(Ok(()), Err)
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

async fn remove_unwanted(context: &Context, crew: &Crew, wanted: &Wanted) -> Result<(), ControllerError> {
    let Wanted { workload, services, ingress, others } = wanted;
    let (world, client) = (&context.world, &context.client);
    for ip_family in [IpFamily::V4, IpFamily::V6] {
        let name = crew.service(ip_family);
        let is_wanted = services.iter().any(|service| service.metadata.name.as_ref() == Some(&name));
        if !is_wanted
            && !others.services.contains(&name)
            && let Some(there) = staying(world.services.named(&crew.namespace, &name))
        {
            remove(client, there.as_ref()).await?;
        }
    }
    if ingress.is_none()
        && !others.ingress
        && let Some(there) = staying(world.ingresses.named(&crew.namespace, &crew.name))
    {
        remove::<Ingress>(client, there.as_ref()).await?;
    }
    // The agents of everybody are the installer's.
    if workload.is_none() && crew.own.is_some() {
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
