//! A round that begins: planned, written down, handed out.

use std::time::Instant;

use jiff::Timestamp;
use netreach_api::CheckedSpec;
use netreach_api::names::reason;
use netreach_plan::{DueRound, Instants, plan_round};
use netreach_report::{MissingAgent, NotBegun};
use netreach_store::{OpenedRound, Written};
use netreach_wire::{EchoKey, RoundId};

use super::look::Seen;
use super::signed;
use crate::ControllerError;
use crate::context::Context;
use crate::limits::{LEAD, LEAD_PER_AGENT, PREPARE_MAX};
use crate::lives::Life;
use crate::observe::agents::AgentFacts;
use crate::open::Open;
use crate::publish::Tale;
use crate::workload::{Crew, hindrance};

/// Begins the round; tells of it.
#[allow(clippy::too_many_arguments, reason = "a round rests on all of it")]
pub(super) async fn start(
    context: &Context,
    spec: &CheckedSpec,
    crew: &Crew,
    life: &mut Life,
    seen: Seen,
    round: DueRound,
    deadline: Timestamp,
) -> Result<Tale, ControllerError> {
    let Seen { agents, inventory } = seen;
    let lead = LEAD + LEAD_PER_AGENT * u32::try_from(agents.len()).unwrap_or(u32::MAX);
    let began = Instant::now() + lead;
    let wall = Timestamp::now();
    let start = wall.checked_add(signed(lead)).unwrap_or(wall);
    let id = RoundId { uid: life.uid.clone(), number: round.number };
    let instants = Instants { due: round.due, start, deadline };
    let absent = absent(&agents, wall);
    let mut opened = OpenedRound {
        task: life.name.clone(),
        spec: serde_json::to_value(spec.spec()).expect("a spec has no key that is not a string"),
        id: id.clone(),
        due: round.due,
        start,
        deadline,
        assignments: Vec::new(),
        absent,
        gaps: Vec::new(),
        sampling: None,
        not_begun: None,
    };
    match plan_round(spec, &inventory, id.clone(), instants, &EchoKey::new(random())) {
        Ok(plan) => {
            opened.sampling = plan.sampling.map(|sampling| sampling.to_string());
            (opened.assignments, opened.gaps) = (plan.assignments, plan.gaps);
            if opened.assignments.is_empty() && opened.absent.is_empty() {
                opened.not_begun = Some(NotBegun::NoAgents { why: hindrance(context, crew, life).await });
            }
        }
        Err(over) => opened.not_begun = Some(NotBegun::OverBudget { why: over.to_string() }),
    }
    write_down(context, life, opened.clone()).await?;
    if !opened.assignments.is_empty() {
        context.desk.open(
            id,
            began,
            Open::new(opened.clone(), began, &[]).deadline(),
            opened.assignments.clone(),
        )?;
    }
    let tale = tale(&opened);
    tracing::info!(netreach = life.name, "{}", tale.note);
    life.open = Some(Open::new(opened, began, &agents));
    Ok(tale)
}

/// Written down before anybody is told: a manager that ends from here on has a successor that goes on.
async fn write_down(context: &Context, life: &Life, opened: OpenedRound) -> Result<(), ControllerError> {
    let id = opened.id.clone();
    match context.on_store(move |store| store.open_round(&opened)).await? {
        Written::Now => Ok(()),
        Written::Before => {
            tracing::warn!(round = %id, "somebody else has opened it: taking it over");
            // Whoever looks next begins with what is written down.
            context.lives.end(&life.uid);
            Err(ControllerError::Overtaken { round: id })
        }
    }
}

/// Agents that should be there and are not. One that has only just been made is still on its way, and owes this round nothing.
fn absent(agents: &[AgentFacts], now: Timestamp) -> Vec<MissingAgent> {
    let is_owed = |agent: &AgentFacts| {
        let age = now.duration_since(agent.created);
        !agent.is_up() && (agent.trouble.is_some() || age >= signed(PREPARE_MAX / 2))
    };
    let absent = agents.iter().filter(|agent| is_owed(agent));
    absent
        .map(|agent| MissingAgent {
            agent: agent.id.clone(),
            why: agent
                .trouble
                .clone()
                .or_else(|| agent.last_end.clone())
                .unwrap_or_else(|| "its pod does not run".to_owned()),
        })
        .collect()
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
