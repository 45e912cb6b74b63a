//! What outlives a manager: results and closed rounds in the store, and beside it what else it would write down.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use netreach_api::CheckedSpec;
use netreach_plan::{DueRound, RoundPlan};
use netreach_report::{ClosedRound, Submitted};
use netreach_store::{KeptResult, Store};
use netreach_wire::{AgentId, RoundId};
use tempfile::TempDir;

pub(crate) const UID: &str = "0815";

/// Everything that was kept of one NetReach.
pub(crate) struct Facts {
    pub(crate) spec: CheckedSpec,
    pub(crate) store: Store,
    /// Every round opened, by its number: written before it is handed out.
    pub(crate) plans: BTreeMap<u64, RoundPlan>,
    /// Runs of missed rounds: the earliest and the latest of each.
    pub(crate) missed: Vec<(DueRound, DueRound)>,
    /// Agents whose process is over.
    pub(crate) lost: BTreeMap<AgentId, String>,
    /// What is to be added to an agent's clock to get the manager's, microseconds.
    pub(crate) clock_offsets_us: BTreeMap<AgentId, i64>,
    _dir: TempDir,
}

impl Facts {
    pub(crate) fn new(spec: CheckedSpec) -> Self {
        // Every write is synced: in memory, where there is such a place, hundreds of seeds take seconds.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        Self {
            spec,
            store: Store::open_local(dir.path()).unwrap(),
            plans: BTreeMap::new(),
            missed: Vec::new(),
            lost: BTreeMap::new(),
            clock_offsets_us: BTreeMap::new(),
            _dir: dir,
        }
    }

    /// The last round done, closed or missed.
    pub(crate) fn last(&self) -> Option<DueRound> {
        let closed = self.closed().into_iter().max().map(|number| {
            let due = self.plans[&number].due;
            DueRound { number, due }
        });
        let missed = self.missed.last().map(|&(_, last)| last);
        closed.into_iter().chain(missed).max_by_key(|round| round.number)
    }

    /// Numbers of the rounds that are closed, rising.
    pub(crate) fn closed(&self) -> Vec<u64> {
        self.store.list_rounds(UID).unwrap()
    }

    /// The round that was opened and not closed.
    pub(crate) fn open(&self) -> Option<&RoundPlan> {
        let closed = self.closed();
        let mut open = self.plans.values().filter(|plan| !closed.contains(&plan.id.number));
        let one = open.next();
        assert!(open.next().is_none(), "two rounds are open at once");
        one
    }

    pub(crate) fn results(&self, number: u64) -> Vec<Submitted> {
        let results = self.store.read_results(&id(number)).unwrap();
        assert_eq!(results.damaged, []);
        let kept = results.kept.into_iter();
        kept.map(|KeptResult { agent, late, result, .. }| Submitted { agent, result, late }).collect()
    }

    /// A round as it stands with these results.
    pub(crate) fn closed_round(
        &self,
        number: u64,
        submitted: Vec<Submitted>,
        ended: Timestamp,
    ) -> ClosedRound {
        let RoundPlan { id, due, start, deadline, assignments, sampling, gaps } = self.plans[&number].clone();
        // The report wants by how much a clock is ahead.
        let ahead = self.clock_offsets_us.iter().map(|(agent, behind)| (agent.clone(), -behind));
        ClosedRound {
            id,
            task: "sim".to_owned(),
            spec: serde_json::to_value(self.spec.spec()).unwrap(),
            due,
            start,
            deadline,
            ended,
            lost: self.lost.clone(),
            clock_offsets_us: ahead.collect(),
            assignments,
            submitted,
            gaps,
            sampling: sampling.map(|sampling| sampling.to_string()),
            interrupted: false,
            results_lost: None,
            not_begun: None,
        }
    }
}

pub(crate) fn id(number: u64) -> RoundId {
    RoundId { uid: UID.to_owned(), number }
}
