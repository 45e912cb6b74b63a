//! What there is of agents and addresses, and whether it is all that a round wants.

use std::time::Instant;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use netreach_api::CheckedSpec;
use netreach_plan::Inventory;

use crate::context::Context;
use crate::limits::RESOLVED_FOR;
use crate::lives::{Arrived, Entry, Life};
use crate::observe::agents::AgentFacts;
use crate::observe::inventory::{Facade, Resolved, inventory};
use crate::observe::preparation::Sight;
use crate::observe::resolve::resolve;
use crate::open::Open;
use crate::workload::{Crew, wanted};

/// What names the Service of a slice.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// What was seen.
pub(super) struct Seen {
    /// The crew's pods, those on their way out left aside.
    pub(super) agents: Vec<AgentFacts>,
    /// Everything by which those that run can be reached.
    pub(super) inventory: Inventory,
}

/// Takes note of the results that have come in.
pub(super) fn hear(entry: &Entry, life: &mut Life) {
    for Arrived { round, agent, is_late, unkept } in entry.arrived() {
        let open = life.open.as_mut().filter(|open| open.number() == round);
        match (open, unkept) {
            (Some(open), None) => open.take(agent, is_late),
            (Some(open), Some(why)) => open.not_kept(agent, why),
            (None, _) => {}
        }
    }
}

/// Looks, and takes note of it.
pub(super) async fn look(
    context: &Context,
    spec: &CheckedSpec,
    crew: &Crew,
    (entry, life): (&Entry, &mut Life),
) -> Seen {
    hear(entry, life);
    entry.set_open(life.open.as_ref().map(Open::number));
    let world = &context.world;
    let all = world.agents_of(crew.own.as_deref());
    if let Some(open) = &mut life.open {
        open.look_after(&all);
        if let Some(key) = open.key() {
            open.newcomers(&all).for_each(|agent| context.desk.admit(&open.opened.id, key, agent));
        }
    }
    let agents: Vec<_> = all.into_iter().filter(|agent| !agent.is_leaving).collect();
    let up: Vec<_> = agents.iter().filter(|agent| agent.is_up()).cloned().collect();
    let facade = Facade::of(world, crew, &spec.target());
    refresh(&mut life.hosts, facade.hosts(), life.open.is_some()).await;
    let mut nodes = world.nodes.state();
    nodes.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    let inventory = inventory(&up, &nodes, &facade, &life.hosts.hosts);
    let endpoints: Vec<_> =
        facade.services().map(|(_, name)| (name.to_owned(), endpoints(context, crew, name))).collect();
    let sight = Sight {
        agents: &agents,
        wanted: wanted(context, crew),
        is_present: &|agent| context.present.holds(agent),
        inventory: &inventory,
        endpoints: &endpoints,
    };
    life.preparation.look(sight.print(), sight.lacking(spec), Instant::now());
    if life.preparation.is_whole() {
        life.is_hindrance_told = false;
    }
    Seen { agents, inventory }
}

/// Looks up the hosts' addresses anew when others are named, or when they are old and no round is under way that rests on them.
async fn refresh(known: &mut Resolved, hosts: Vec<String>, is_open: bool) {
    let is_old = known.at.is_none_or(|at| at.elapsed() >= RESOLVED_FOR);
    let is_other = !known.hosts.keys().eq(hosts.iter());
    if is_other || (is_old && !is_open && !hosts.is_empty()) {
        *known = Resolved { hosts: resolve(hosts).await, at: Some(Instant::now()) };
    }
}

/// How many endpoints of a Service are ready.
fn endpoints(context: &Context, crew: &Crew, service: &str) -> usize {
    let of_service = |slice: &EndpointSlice| {
        slice.metadata.namespace.as_deref() == Some(&crew.namespace)
            && slice
                .metadata
                .labels
                .as_ref()
                .and_then(|labels| labels.get(SERVICE_NAME))
                .is_some_and(|name| name == service)
    };
    let ready = |slice: &EndpointSlice| {
        let endpoints = slice.endpoints.iter();
        endpoints
            .filter(|one| one.conditions.as_ref().is_none_or(|conditions| conditions.ready != Some(false)))
            .count()
    };
    context.world.slices.all().filter(|slice| of_service(slice)).map(|slice| ready(&slice)).sum()
}
