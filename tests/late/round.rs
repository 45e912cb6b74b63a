//! The round that is probed, as its composer sees it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use netreach_api::Expect;
use netreach_dispatch::Desk;
use netreach_report::{ClosedRound, RoundReport, Standing, Submitted, api_object};
use netreach_wire::{Assignment, Connection, EchoKey, Load, RoundId, Target, TargetFamily};
use serde_json::{Value, json};

use crate::desk::agent;

/// From laying a round down to its first slot.
const LEAD: Duration = Duration::from_millis(50);
/// A second of probes.
pub(crate) const LOAD: Load =
    Load { rate_qps: 20, duration_s: 1, timeout_ms: 500, connection: Connection::New };
pub(crate) const EXPECT: Expect = Expect { success_rate: 1.0, mean_access_delay_ms: 500, status_code: None };

/// A round that was laid down.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    assignments: Vec<Assignment>,
    first_slot: Instant,
    pub(crate) deadline: Instant,
    began: Timestamp,
}

impl Round {
    /// Each of these agents probes the one that answers there.
    pub(crate) fn of(agents: &[&str], probed: &str, at: SocketAddr, deadline_ms: u64) -> Self {
        let first_slot = Instant::now() + LEAD;
        Self {
            assignments: agents.iter().map(|name| assignment(name, probed, at)).collect(),
            first_slot,
            deadline: first_slot + Duration::from_millis(deadline_ms),
            began: Timestamp::now() + SignedDuration::try_from(LEAD).unwrap(),
        }
    }

    /// With a load of so long.
    pub(crate) fn lasting_s(mut self, seconds: u32) -> Self {
        self.assignments.iter_mut().for_each(|assignment| assignment.load.duration_s = seconds);
        self
    }

    pub(crate) fn id() -> RoundId {
        RoundId { uid: "0815".to_owned(), number: 1 }
    }

    /// Lays it down; also a second time, on another desk.
    pub(crate) fn lay_down(&self, desk: &Desk) {
        desk.open(Self::id(), self.first_slot, self.deadline, self.assignments.clone()).unwrap();
    }

    /// As it stands with these results.
    pub(crate) fn closed(&self, submitted: Vec<Submitted>) -> ClosedRound {
        let lasts = SignedDuration::try_from(self.deadline - self.first_slot).unwrap();
        ClosedRound {
            id: Self::id(),
            task: "late".to_owned(),
            spec: json!({}),
            due: self.began,
            start: self.began,
            deadline: self.began + lasts,
            ended: self.began + lasts,
            assignments: self.assignments.clone(),
            submitted,
            lost: BTreeMap::new(),
            gaps: Vec::new(),
            sampling: None,
            interrupted: false,
            results_lost: None,
            not_begun: None,
            clock_offsets_us: BTreeMap::new(),
        }
    }
}

/// The document of a round as users get it.
pub(crate) fn document(report: &RoundReport) -> Value {
    let standing = Standing { rounds_expected: 1, rounds_done: 1, rounds_failed: vec![1], finished: true };
    serde_json::to_value(api_object(report, &EXPECT, &standing)).unwrap()
}

fn assignment(name: &str, probed: &str, at: SocketAddr) -> Assignment {
    let pod = agent(probed).pod;
    let target = Target {
        name: format!("AgentPodV4IP_{pod}_{}", at.ip()),
        url: format!("http://{at}"),
        address: at,
        family: TargetFamily::PodIp,
        backend: Some(pod),
        via: None,
        shift: 0,
    };
    Assignment {
        round: Round::id(),
        agent: agent(name),
        load: LOAD,
        targets: vec![target],
        start_in_us: 0,
        deadline_us: 0,
        nonces_from: 0,
        key: EchoKey::new([7; 32]),
    }
}
