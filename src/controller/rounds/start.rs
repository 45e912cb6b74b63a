//! A round that begins: planned, written down, handed out.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use netreach_api::names::reason;
use netreach_api::{AgentKind, CheckedSpec};
use netreach_plan::{DueRound, Instants, plan_round};
use netreach_report::{MissingAgent, NotBegun};
use netreach_store::{OpenedRound, Written};
use netreach_wire::{AgentId, Assignment, EchoKey, Gap, GapClass, RoundId};

use super::look::Seen;
use super::signed;
use crate::ControllerError;
use crate::context::Context;
use crate::limits::{LEAD, LEAD_PER_AGENT, PREPARE_MAX, PREPARED_WITHIN};
use crate::lives::Life;
use crate::observe::agents::{AgentFacts, quote};
use crate::open::Open;
use crate::publish::Tale;
use crate::workload::{Crew, hindrance, wanted};

/// Begins the round.
pub(super) async fn start(
    context: &Context,
    spec: &CheckedSpec,
    crew: &Crew,
    life: &mut Life,
    seen: Seen,
    (round, deadline): (DueRound, Timestamp),
) -> Result<(), ControllerError> {
    let Seen { agents, inventory } = seen;
    let id = RoundId { uid: life.uid.clone(), number: round.number };
    let wall = Timestamp::now();
    let instants = Instants { due: round.due, start: wall, deadline };
    let mut opened = OpenedRound {
        task: life.name.clone(),
        spec: serde_json::to_value(spec.spec()).expect("a spec has no key that is not a string"),
        id: id.clone(),
        due: round.due,
        start: wall,
        deadline,
        assignments: Vec::new(),
        absent: absent(context, crew, life, &agents, wall).await,
        gaps: Vec::new(),
        sampling: None,
        not_begun: None,
    };
    match plan_round(spec, &inventory, id.clone(), instants, &EchoKey::new(random())) {
        Ok(plan) => {
            opened.sampling = plan.sampling.map(|sampling| sampling.to_string());
            (opened.assignments, opened.gaps) = (plan.assignments, explained(plan.gaps, life));
            if opened.assignments.is_empty() && opened.absent.is_empty() {
                opened.not_begun = Some(NotBegun::NoAgents { why: hindrance(context, crew, life).await });
            }
        }
        Err(over) => opened.not_begun = Some(NotBegun::OverBudget { why: over.to_string() }),
    }
    let mut opened = write_down(context, life, opened).await?;
    life.unwritten = None;
    prepare(context, life, &opened).await;
    // From here: the disk and the agents took their time, and there is all of the lead.
    let lead = LEAD + LEAD_PER_AGENT * u32::try_from(opened.assignments.len()).unwrap_or(u32::MAX);
    let (began, wall) = (Instant::now() + lead, Timestamp::now());
    opened.start = wall.checked_add(signed(lead)).unwrap_or(wall);
    let assignments = opened.assignments.clone();
    let tale = tale(&opened);
    let open = Open::new(opened, began, &agents);
    if !assignments.is_empty() {
        context.desk.open(id, began, open.deadline(), assignments)?;
    }
    tracing::info!(netreach = life.name, "{}", tale.note);
    life.tales.push(tale);
    life.open = Some(open);
    Ok(())
}

/// Written down before anybody is told: a manager that ends from here on has a successor that goes on.
async fn write_down(
    context: &Context,
    life: &Life,
    opened: OpenedRound,
) -> Result<OpenedRound, ControllerError> {
    let written = context.on_store(move |store| Ok((store.open_round(&opened)?, opened))).await?;
    match written {
        (Written::Now, opened) => Ok(opened),
        (Written::Before, opened) => {
            tracing::warn!(round = %opened.id, "somebody else has opened it: taking it over");
            // Whoever looks next begins with what is written down.
            context.lives.end(&life.uid);
            Err(ControllerError::Overtaken { round: opened.id })
        }
    }
}

/// Has every agent answer the round's probes before any of them has one to send.
async fn prepare(context: &Context, life: &Life, opened: &OpenedRound) {
    let OpenedRound { id, deadline, assignments, .. } = opened;
    let Some(Assignment { key, .. }) = assignments.first() else { return };
    let left = Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or_default();
    let agents = assignments.iter().map(|assignment| &assignment.agent);
    let silent = context.desk.prepare(id, key, agents, PREPARED_WITHIN.min(left / 4)).await;
    if let Some(agent) = silent.first() {
        let agents = silent.len();
        tracing::warn!(netreach = life.name, round = %id, agents, %agent, "the round begins without agents that do not ask for it");
    }
}

/// Agents that should be there and are not. One that has only just been made is still on its way, and owes this round nothing.
async fn absent(
    context: &Context,
    crew: &Crew,
    life: &Life,
    agents: &[AgentFacts],
    now: Timestamp,
) -> Vec<MissingAgent> {
    let is_owed = |agent: &AgentFacts| {
        let age = now.duration_since(agent.created);
        !agent.is_up() && (agent.trouble.is_some() || age >= signed(PREPARE_MAX / 2))
    };
    let why = |agent: &AgentFacts| {
        let told = agent.trouble.clone().or_else(|| agent.last_end.clone());
        told.unwrap_or_else(|| "its pod does not run".to_owned())
    };
    let owed = agents.iter().filter(|agent| is_owed(agent));
    let mut absent: Vec<_> =
        owed.map(|agent| MissingAgent { agent: agent.id.clone(), why: why(agent) }).collect();
    // Pods that were never made, for so long that it is no matter of a moment.
    let unmade = wanted(context, crew).unwrap_or_default().saturating_sub(agents.len());
    if unmade > 0 && !agents.is_empty() && life.preparation.lacks_for(Instant::now()) >= PREPARE_MAX / 2 {
        let why = hindrance(context, crew, life).await;
        let nodes = bare_nodes(context, crew, agents);
        let named = nodes.into_iter().chain(std::iter::repeat(String::new())).take(unmade);
        absent.extend(named.map(|node| {
            let agent = AgentId { node, pod: format!("a pod of {}", crew.name) };
            MissingAgent { agent, why: why.clone() }
        }));
    }
    absent
}

/// With what an API server would not take: an address may lack for that.
fn explained(mut gaps: Vec<Gap>, life: &Life) -> Vec<Gap> {
    if let Some((refused, _)) = &life.refused {
        let lacking = gaps.iter_mut().filter(|gap| gap.class == GapClass::Missing);
        lacking.for_each(|gap| gap.reason = format!("{} ({})", gap.reason, quote(refused)));
    }
    gaps
}

/// Nodes without an agent, where every node should have one.
fn bare_nodes(context: &Context, crew: &Crew, agents: &[AgentFacts]) -> Vec<String> {
    if crew.kind != AgentKind::DaemonSet {
        return Vec::new();
    }
    let has_agent = |node: &String| agents.iter().any(|agent| agent.id.node == *node);
    let nodes = context.world.nodes.state();
    let mut bare: Vec<_> = nodes.iter().filter_map(|node| node.metadata.name.clone()).collect();
    bare.retain(|node| !has_agent(node));
    bare.sort();
    bare
}

fn tale(opened: &OpenedRound) -> Tale {
    let number = opened.id.number;
    let targets =
        opened.assignments.iter().map(|assignment| assignment.targets.len()).max().unwrap_or_default();
    let load = opened.assignments.first().map(|assignment| assignment.load);
    let note = match (&opened.not_begun, load) {
        (Some(NotBegun::NoAgents { why } | NotBegun::OverBudget { why }), _) => {
            format!("round {number} could not begin: {why}")
        }
        (None, Some(load)) => format!(
            "round {number}: {} agents send {} requests/s to each of up to {targets} targets for {} s",
            opened.assignments.len(),
            load.rate_qps,
            load.duration_s
        ),
        (None, None) => {
            format!("round {number} has no agent that could begin ({} are absent)", opened.absent.len())
        }
    };
    Tale::normal(reason::ROUND_STARTED, note)
}

/// Bytes that nobody can guess.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("every Linux since 3.17 gives random bytes");
    bytes
}
