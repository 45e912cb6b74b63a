//! One round under way: who was given what, and what has come back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use netreach_api::CheckedSpec;
use netreach_plan::{Instants, OpenRound, RoundPlan, plan_round, round_clock};
use netreach_report::{ClosedRound, Submitted};
use netreach_wire::{AgentId, EchoKey, RoundId};

use super::house::{self, House};
use crate::ending::Trouble;

/// How long the agents may take to show that they answer the round's probes.
const PREPARED_WITHIN: Duration = Duration::from_secs(2);
/// From laying down the round to its first slot: every agent has its part by then.
const LEAD: Duration = Duration::from_millis(100);
/// The same for each agent beyond, all of whom share this machine.
const LEAD_PER_AGENT: Duration = Duration::from_millis(15);

/// A round between its opening and its close.
pub(super) struct Round {
    plan: RoundPlan,
    began: Instant,
    lasts: Duration,
    results: Vec<Submitted>,
    /// Results that came and could not be kept.
    not_kept: BTreeMap<AgentId, String>,
    interrupted: bool,
}

impl Round {
    /// Plans the round, has every agent answer its probes, and hands it to the desk.
    pub(super) async fn open(
        spec: &CheckedSpec,
        house: &House,
        id: RoundId,
        due: Timestamp,
        deadline: Timestamp,
    ) -> Result<Self, Trouble> {
        let lead = LEAD + LEAD_PER_AGENT * u32::try_from(house.present.len().saturating_sub(3)).unwrap_or(0);
        let key = EchoKey::new(house::random());
        let start = Timestamp::now();
        let mut plan = plan_round(spec, &house.inventory(), id, Instants { due, start, deadline }, &key)?;
        let agents = plan.assignments.iter().map(|assignment| &assignment.agent);
        let agents = agents.filter(|agent| !house.gone.contains_key(*agent));
        let silent = house.desk.prepare(&plan.id, &key, agents, PREPARED_WITHIN).await;
        silent.iter().for_each(
            |agent| tracing::warn!(%agent, "the round begins without an agent that does not ask for it"),
        );
        let (now, began) = (Timestamp::now(), Instant::now() + lead);
        plan.start = now.checked_add(lead).unwrap_or(now);
        let left = Duration::try_from(deadline.duration_since(now)).unwrap_or_default();
        let opened = house.desk.open(plan.id.clone(), began, Instant::now() + left, plan.assignments.clone());
        opened.map_err(Trouble::Desk)?;
        let load = spec.load();
        let lasts = Duration::from_secs(load.duration_s.into());
        Ok(Self { plan, began, lasts, results: Vec::new(), not_kept: BTreeMap::new(), interrupted: false })
    }

    /// The instant by the clock that nobody sets, counted from the round's start.
    pub(super) fn now(&self) -> Timestamp {
        round_clock(self.plan.start, self.began, Instant::now())
    }

    pub(super) fn number(&self) -> u64 {
        self.plan.id.number
    }

    pub(super) fn agents(&self) -> usize {
        self.plan.assignments.len()
    }

    /// Targets of one agent.
    pub(super) fn targets(&self) -> usize {
        self.plan.assignments.iter().map(|assignment| assignment.targets.len()).max().unwrap_or(0)
    }

    pub(super) fn submitted(&self) -> usize {
        self.results.len()
    }

    /// First slot, and from there to the last.
    pub(super) fn span(&self) -> (Instant, Duration) {
        (self.began, self.lasts)
    }

    /// As the planner sees it.
    pub(super) fn view(&self, house: &House) -> OpenRound {
        let RoundPlan { id, start, deadline, assignments, due: _, sampling: _, gaps: _ } = &self.plan;
        OpenRound {
            id: id.clone(),
            start: *start,
            deadline: *deadline,
            expected: assignments.iter().map(|assignment| assignment.agent.clone()).collect(),
            submitted: self.results.iter().map(|result| result.agent.clone()).collect(),
            lost: house.gone.keys().cloned().collect(),
        }
    }

    pub(super) fn is_all_in(&self, house: &House) -> bool {
        let waited_for = |agent: &&AgentId| !house.gone.contains_key(*agent);
        !self.view(house).missing().any(|agent| waited_for(&agent))
    }

    pub(super) fn take(&mut self, submitted: Submitted) {
        self.not_kept.remove(&submitted.agent);
        self.results.push(submitted);
    }

    pub(super) fn not_kept(&mut self, agent: AgentId, why: String) {
        self.not_kept.insert(agent, why);
    }

    /// Tells the agents to end it now.
    pub(super) fn interrupt(&mut self, house: &House) {
        self.interrupted = true;
        if let Err(error) = house.desk.cancel(&self.plan.id) {
            tracing::warn!(%error, "could not tell the agents to stop");
        }
    }

    /// Nothing more is added; the desk tells the agents that they may forget it.
    pub(super) fn close(self, house: &House, task: &str, spec: &CheckedSpec) -> ClosedRound {
        let Self { plan, results, not_kept, interrupted, began: _, lasts: _ } = self;
        let RoundPlan { id, due, start, deadline, assignments, sampling, gaps } = plan;
        if let Err(error) = house.desk.close(&id) {
            tracing::warn!(%error, "could not close the round at the desk");
        }
        let expected = |agent: &AgentId| assignments.iter().any(|assignment| assignment.agent == *agent);
        let lost = house.gone.iter().filter(|(agent, _)| expected(agent));
        let lost = lost.map(|(agent, how)| (agent.clone(), how.clone())).collect();
        // The report wants by how much a clock is ahead.
        let ahead =
            house.clock_offsets_us.iter().map(|(agent, behind)| (agent.clone(), behind.saturating_neg()));
        ClosedRound {
            id,
            task: task.to_owned(),
            spec: serde_json::to_value(spec.spec()).expect("a spec has no key that is not a string"),
            due,
            start,
            deadline,
            ended: Timestamp::now(),
            assignments,
            submitted: results,
            lost,
            gaps,
            sampling: sampling.map(|sampling| sampling.to_string()),
            interrupted,
            results_lost: not_kept
                .into_iter()
                .next()
                .map(|(agent, why)| format!("that of {agent} could not be kept: {why}")),
            not_begun: None,
            clock_offsets_us: ahead.collect(),
        }
    }
}
