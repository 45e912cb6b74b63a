//! A round under way: what it set out to do, and what has come back so far.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use netreach_plan::{OpenRound, round_clock};
use netreach_report::{ClosedRound, MissingAgent, OpenFacts};
use netreach_store::OpenedRound;
use netreach_wire::{AgentId, Assignment, Connection, EchoKey, Load, RoundId};

use crate::limits::RESUME_GRACE;
use crate::observe::agents::AgentFacts;

/// A round between its opening and its close. Results themselves lie in the store.
pub(crate) struct Open {
    pub(crate) opened: OpenedRound,
    pub(crate) began: Instant,
    submitted: BTreeSet<AgentId>,
    /// Agents from which nothing more will come, and why.
    lost: BTreeMap<AgentId, String>,
    /// Results that came and could not be kept.
    not_kept: BTreeMap<AgentId, String>,
    /// Whether nobody was there to take results when the deadline came.
    is_past: bool,
    /// Why results could not be kept when the deadline came, where that was so.
    withheld: Option<String>,
    /// Each agent's pod, and how often its container had been restarted when the round was opened.
    pods: BTreeMap<AgentId, (String, i32)>,
}

impl Open {
    /// A round that begins at that instant, or did.
    pub(crate) fn new(opened: OpenedRound, began: Instant, agents: &[AgentFacts]) -> Self {
        let expected: BTreeSet<_> = opened.assignments.iter().map(|assignment| &assignment.agent).collect();
        let here = agents.iter().filter(|agent| expected.contains(&agent.id));
        let pods = here.map(|agent| (agent.id.clone(), (agent.uid.clone(), agent.restarts))).collect();
        Self {
            opened,
            began,
            submitted: BTreeSet::new(),
            lost: BTreeMap::new(),
            not_kept: BTreeMap::new(),
            is_past: false,
            withheld: None,
            pods,
        }
    }

    /// A round that was opened by somebody who is gone, and whose results had come in by then. Agents that wait for a desk ask
    /// at growing intervals: they get the time of the longest of them, whenever the deadline was.
    pub(crate) fn resumed(
        mut opened: OpenedRound,
        kept: impl IntoIterator<Item = AgentId>,
        (now, wall): (Instant, Timestamp),
        agents: &[AgentFacts],
    ) -> Self {
        let is_past = wall >= opened.deadline;
        let until = wall.checked_add(RESUME_GRACE).unwrap_or(wall);
        opened.deadline = opened.deadline.max(until);
        let began = match Duration::try_from(wall.duration_since(opened.start)) {
            Ok(since) => now.checked_sub(since).unwrap_or(now),
            Err(_) => now + Duration::try_from(opened.start.duration_since(wall)).unwrap_or_default(),
        };
        let mut open = Self::new(opened, began, agents);
        open.submitted = kept.into_iter().collect();
        open.is_past = is_past;
        open
    }

    pub(crate) fn number(&self) -> u64 {
        self.opened.id.number
    }

    /// Where its deadline lies on the clock that nobody sets.
    pub(crate) fn deadline(&self) -> Instant {
        let lasts = self.opened.deadline.duration_since(self.opened.start);
        self.began + Duration::try_from(lasts).unwrap_or_default()
    }

    /// The instant by the clock that nobody sets, counted from the round's start.
    pub(crate) fn now(&self) -> Timestamp {
        round_clock(self.opened.start, self.began, Instant::now())
    }

    /// As the planner sees it.
    pub(crate) fn view(&self) -> OpenRound {
        let OpenedRound { id, start, deadline, assignments, .. } = &self.opened;
        OpenRound {
            id: id.clone(),
            start: *start,
            deadline: *deadline,
            expected: assignments.iter().map(|assignment| assignment.agent.clone()).collect(),
            submitted: self.submitted.clone(),
            lost: self.lost.keys().cloned().collect(),
        }
    }

    /// As the status tells it.
    pub(crate) fn facts(&self) -> OpenFacts {
        let OpenedRound { id, start, deadline, assignments, absent, .. } = &self.opened;
        OpenFacts {
            number: id.number,
            start: *start,
            deadline: *deadline,
            agents: assignments.len() + absent.len(),
        }
    }

    /// One that is late does not undo that it had come in time, and could not be kept then: by no fault of its agent.
    pub(crate) fn take(&mut self, agent: AgentId, is_late: bool) {
        if !is_late {
            self.not_kept.remove(&agent);
        }
        self.submitted.insert(agent);
    }

    pub(crate) fn not_kept(&mut self, agent: AgentId, why: String) {
        self.not_kept.insert(agent, why);
    }

    /// Cannot be closed yet: what agents hand in meanwhile comes too late by no fault of theirs.
    pub(crate) fn withhold(&mut self, why: &str) {
        if self.is_owed() {
            self.withheld.get_or_insert_with(|| format!("they could not be kept by the deadline: {why}"));
        }
    }

    /// Whether an agent has not handed in.
    fn is_owed(&self) -> bool {
        self.opened.assignments.iter().any(|assignment| !self.submitted.contains(&assignment.agent))
    }

    /// Looks after its agents: one whose pod is gone, or whose process has been started anew, has lost its part.
    pub(crate) fn look_after(&mut self, agents: &[AgentFacts]) {
        let by_uid: BTreeMap<_, _> = agents.iter().map(|agent| (agent.uid.as_str(), agent)).collect();
        for (agent, (uid, restarts)) in &self.pods {
            if self.submitted.contains(agent) {
                continue;
            }
            let why = match by_uid.get(uid.as_str()) {
                None => "its pod was deleted in mid-round".to_owned(),
                Some(now) if now.restarts > *restarts || (now.is_leaving && !now.is_running) => now
                    .last_end
                    .clone()
                    .unwrap_or_else(|| "its container was started anew in mid-round".to_owned()),
                Some(_) => continue,
            };
            self.lost.insert(agent.clone(), why);
        }
    }

    /// Those of the agents that have no part in it, or have lost it: the others' probes may reach them.
    pub(crate) fn newcomers<'a>(&self, agents: &'a [AgentFacts]) -> impl Iterator<Item = &'a AgentId> {
        let has_part = |agent: &AgentFacts| {
            let part = self.pods.get(&agent.id);
            part.is_some_and(|(uid, restarts)| *uid == agent.uid && *restarts == agent.restarts)
        };
        agents.iter().filter(move |agent| !has_part(agent)).map(|agent| &agent.id)
    }

    /// What signs its probes; none when it has none.
    pub(crate) fn key(&self) -> Option<&EchoKey> {
        self.opened.assignments.first().map(|assignment| &assignment.key)
    }

    /// Nothing more is added but the results. `why` tells more of an agent that left nothing by the deadline, where more is known.
    pub(crate) fn close(self, ended: Timestamp, why: impl Fn(&AgentId) -> Option<String>) -> ClosedRound {
        let is_owed = self.is_owed();
        let Self { opened, submitted, mut lost, not_kept, is_past, withheld, began: _, pods: _ } = self;
        let OpenedRound {
            task,
            spec,
            id,
            due,
            start,
            deadline,
            mut assignments,
            absent,
            gaps,
            sampling,
            not_begun,
        } = opened;
        for assignment in &assignments {
            let agent = &assignment.agent;
            let is_known = submitted.contains(agent) || lost.contains_key(agent);
            if !is_known && let Some(why) = why(agent) {
                lost.insert(agent.clone(), format!("nothing came by the deadline: {why}"));
            }
        }
        for MissingAgent { agent, why } in absent {
            assignments.push(no_part(&id, &agent));
            lost.insert(agent, why);
        }
        let unkept = not_kept
            .into_iter()
            .next()
            .map(|(agent, why)| format!("that of {agent} could not be kept: {why}"));
        let unheard =
            (is_past && is_owed).then(|| "nobody was there to take them at the deadline".to_owned());
        ClosedRound {
            id,
            task,
            spec,
            due,
            start,
            deadline,
            ended,
            clock_offsets_us: BTreeMap::new(),
            submitted: Vec::new(),
            assignments,
            lost,
            gaps,
            sampling,
            interrupted: false,
            results_lost: unkept.or(withheld).or(unheard),
            not_begun,
        }
    }
}

/// What an agent that was not there when the round was opened had to do: nothing, and yet it is missing.
fn no_part(round: &RoundId, agent: &AgentId) -> Assignment {
    Assignment {
        round: round.clone(),
        agent: agent.clone(),
        load: Load { rate_qps: 1, duration_s: 1, timeout_ms: 1, connection: Connection::New },
        targets: Vec::new(),
        start_in_us: 0,
        deadline_us: 0,
        nonces_from: 0,
        key: EchoKey::new([0; 32]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why_lost(arrivals: &[(bool, bool)]) -> Option<String> {
        let id = RoundId { uid: "u".to_owned(), number: 1 };
        let agent = AgentId { node: "n".to_owned(), pod: "p".to_owned() };
        let at = Timestamp::UNIX_EPOCH;
        let opened = OpenedRound {
            task: "task".to_owned(),
            spec: serde_json::Value::Null,
            assignments: vec![no_part(&id, &agent)],
            id,
            due: at,
            start: at,
            deadline: at,
            absent: Vec::new(),
            gaps: Vec::new(),
            sampling: None,
            not_begun: None,
        };
        let mut open = Open::new(opened, Instant::now(), &[]);
        for (is_late, is_kept) in arrivals {
            if *is_kept {
                open.take(agent.clone(), *is_late);
            } else {
                open.not_kept(agent.clone(), "the store is away".to_owned());
            }
        }
        open.close(at, |_| None).results_lost
    }

    #[test]
    fn a_result_that_came_in_time_and_could_not_be_kept_is_not_made_good_by_one_that_is_late() {
        let (late, in_time, kept, unkept) = (true, false, true, false);
        assert_eq!(why_lost(&[(in_time, kept)]), None);
        assert_eq!(why_lost(&[(late, kept)]), None);
        assert_eq!(why_lost(&[(in_time, unkept), (in_time, kept)]), None);
        assert!(why_lost(&[(in_time, unkept), (late, kept)]).unwrap().contains("the store is away"));
    }
}
