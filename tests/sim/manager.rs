//! A manager: the real desk, decisions, the store, merge and verdict, in the order in which a manager does them. What it
//! has not written down is gone when it is dropped.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use async_channel::Receiver;
use async_trait::async_trait;
use futures_lite::FutureExt;
use futures_lite::future::block_on;
use jiff::{SignedDuration, Timestamp};
use netreach_dispatch::{Desk, DeskEvent, Identify, Keeping};
use netreach_plan::{
    AgentPod, Case, Decision, DueRound, Instants, Inventory, OpenRound, Place, RoundPlan, decide, plan_round,
};
use netreach_report::{RoundReport, Submitted, judge, merge};
use netreach_store::{KeptResult, Written};
use netreach_wire::{AgentId, AgentResult, EchoKey, POLL_PATH, Poll, PollReply, RESULTS_PATH, Receipt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tide::http::{Method, Request, Url};

use crate::clock::{Chronicle, VirtualClock};
use crate::facts::{Facts, id};

/// From opening a round to its first slot.
const LEAD: SignedDuration = SignedDuration::from_millis(100);

/// A manager at work.
pub(crate) struct Manager {
    clock: VirtualClock,
    chronicle: Chronicle,
    desk: Desk,
    events: Receiver<DeskEvent>,
    app: tide::Server<Desk>,
    case: Case,
    open: Option<(RoundPlan, Vec<Submitted>)>,
    present: BTreeMap<AgentId, Vec<SocketAddr>>,
    /// What the last submission came to, when it was the first of its kind: whether it was late.
    pub(crate) kept: Option<bool>,
}

/// What a manager's turn came to.
#[derive(Default)]
pub(crate) struct Turn {
    pub(crate) opened: Option<DueRound>,
    pub(crate) missed: Vec<(DueRound, DueRound)>,
    /// As it was closed, and whether the verdict was success.
    pub(crate) closed: Vec<(RoundReport, bool)>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) is_finished: bool,
}

/// Every agent's token is its name.
struct Names;

#[async_trait]
impl Identify for Names {
    async fn identify(&self, token: &str) -> Option<AgentId> {
        let (node, pod) = token.split_once('/')?;
        Some(AgentId { node: node.to_owned(), pod: pod.to_owned() })
    }
}

impl Manager {
    /// Comes up and takes over what is written down.
    pub(crate) fn start(facts: &Facts, clock: &VirtualClock, chronicle: &Chronicle) -> Self {
        let (desk, events) = Desk::new(Names, clock.clone());
        let app = desk.app();
        let case = Case { created: VirtualClock::created(), last: facts.last(), open: None };
        let open = facts.open().map(|plan| (plan.clone(), facts.results(plan.id.number)));
        let (clock, chronicle) = (clock.clone(), chronicle.clone());
        let mut manager = Self {
            clock,
            chronicle,
            desk,
            events,
            app,
            case,
            open: None,
            present: BTreeMap::new(),
            kept: None,
        };
        if let Some((plan, results)) = open {
            manager.hand_out(&plan);
            manager.open = Some((plan, results));
        }
        manager
    }

    /// An agent's poll, answered at once.
    pub(crate) fn poll(&mut self, facts: &mut Facts, agent: &AgentId, poll: &Poll) -> Result<PollReply, u16> {
        let reply = block_on(call(self.app.clone(), POLL_PATH, agent, poll));
        while let Ok(event) = self.events.try_recv() {
            self.hear(facts, event, false);
        }
        reply
    }

    /// An agent's result. With `dies_before_receipt` the manager ends when it has kept it and has not said so.
    pub(crate) fn submit(
        &mut self,
        facts: &mut Facts,
        agent: &AgentId,
        result: &serde_json::Value,
        dies_before_receipt: bool,
    ) -> Result<Receipt, u16> {
        self.kept = None;
        let answer = call(self.app.clone(), RESULTS_PATH, agent, result);
        let composing = async {
            loop {
                let event = self.events.recv().await.unwrap();
                self.hear(facts, event, dies_before_receipt);
            }
        };
        block_on(answer.or(composing))
    }

    /// An agent's process is over.
    pub(crate) fn forget(&mut self, agent: &AgentId) {
        self.present.remove(agent);
    }

    /// Decides and does until there is nothing to do but wait. With `dies_closing` it ends when a closed round is
    /// written down and nobody has heard of it.
    pub(crate) fn act(&mut self, facts: &mut Facts, dies_closing: bool) -> Turn {
        let mut turn = Turn::default();
        loop {
            self.case.open = self.open.as_ref().map(|(plan, results)| view(facts, plan, results));
            let now = self.clock.at();
            match decide(&facts.spec, &self.case, now) {
                Decision::Wait { until } => return Turn { until, ..turn },
                Decision::Finished => return Turn { is_finished: true, ..turn },
                Decision::Open { round, deadline } => {
                    self.open(facts, round, deadline);
                    assert!(turn.opened.replace(round).is_none(), "two rounds were opened at one instant");
                }
                Decision::Miss { first, last } => {
                    self.chronicle
                        .tell(now, format!("rounds {} to {} are missed", first.number, last.number));
                    facts.missed.push((first, last));
                    turn.missed.push((first, last));
                    self.case.last = Some(last);
                }
                Decision::Close { round, reason, missing } => {
                    self.chronicle
                        .tell(now, format!("{round} closes: {reason:?}, {} missing", missing.len()));
                    turn.closed.push(self.close(facts, dies_closing));
                    if dies_closing {
                        return turn;
                    }
                }
            }
        }
    }

    fn open(&mut self, facts: &mut Facts, round: DueRound, deadline: Timestamp) {
        let now = self.clock.at();
        let pod = |(id, addresses): (&AgentId, &Vec<SocketAddr>)| AgentPod {
            id: id.clone(),
            addresses: addresses.clone(),
            nics: Vec::new(),
            nic_port: 0,
        };
        let agents = self.present.iter().map(pod).collect();
        let inventory = Inventory { agents, ..Inventory::empty(Place::Local) };
        let instants = Instants { due: round.due, start: now + LEAD, deadline };
        let key = EchoKey::new([7; 32]);
        let plan = plan_round(&facts.spec, &inventory, id(round.number), instants, &key).unwrap();
        self.chronicle.tell(now, format!("{} opens for {} agents", plan.id, plan.assignments.len()));
        facts.plans.insert(round.number, plan.clone());
        self.hand_out(&plan);
        self.open = Some((plan, Vec::new()));
    }

    fn hand_out(&self, plan: &RoundPlan) {
        let (start, deadline) = (self.clock.instant(plan.start), self.clock.instant(plan.deadline));
        self.desk.open(plan.id.clone(), start, deadline, plan.assignments.clone()).unwrap();
    }

    fn close(&mut self, facts: &mut Facts, dies_closing: bool) -> (RoundReport, bool) {
        let (plan, results) = self.open.take().unwrap();
        let report = merge(facts.closed_round(plan.id.number, results, self.clock.at()));
        let verdict = judge(&report, &facts.spec.expect());
        let is_success = verdict == netreach_report::Verdict::Succeeded;
        let written = facts.store.close_round(&report, &verdict).unwrap();
        assert_eq!(written, Written::Now, "{} was closed before", plan.id);
        if !dies_closing {
            self.desk.close(&plan.id).unwrap();
            self.case.last = Some(DueRound { number: plan.id.number, due: plan.due });
        }
        (report, is_success)
    }

    fn hear(&mut self, facts: &mut Facts, event: DeskEvent, dies_before_receipt: bool) {
        match event {
            DeskEvent::Present { agent, listening, clock_offset_us } => {
                facts.clock_offsets_us.insert(agent.clone(), clock_offset_us);
                self.present.insert(agent, listening);
            }
            DeskEvent::Submitted { agent, receipt, result, clock_offset_us: _, keeping } => {
                self.keep(facts, agent, receipt, *result);
                if !dies_before_receipt {
                    Keeping::confirm(keeping);
                }
            }
        }
    }

    fn keep(&mut self, facts: &Facts, agent: AgentId, receipt: Receipt, result: AgentResult) {
        let number = result.round.number;
        let open = self.open.as_mut().filter(|(plan, _)| plan.id.number == number);
        let late = receipt == Receipt::Late;
        let is_over = open.as_ref().is_none_or(|(plan, _)| self.clock.at() > plan.deadline);
        assert_eq!(late, is_over, "{receipt:?} for a result of round {number}");
        let kept = KeptResult { agent, late, clock_ahead_us: None, result };
        if facts.store.keep_result(&kept).unwrap() == Written::Before {
            return;
        }
        self.kept = Some(late);
        let KeptResult { agent, late, result, .. } = kept;
        if let Some((_, results)) = open {
            results.push(Submitted { agent, result, late });
        }
    }
}

fn view(facts: &Facts, plan: &RoundPlan, results: &[Submitted]) -> OpenRound {
    OpenRound {
        id: plan.id.clone(),
        start: plan.start,
        deadline: plan.deadline,
        expected: plan.assignments.iter().map(|assignment| assignment.agent.clone()).collect(),
        submitted: results.iter().map(|one| one.agent.clone()).collect(),
        lost: facts.lost.keys().cloned().collect(),
    }
}

/// One request to the desk; a refusal is its status.
async fn call<T: DeserializeOwned>(
    app: tide::Server<Desk>,
    path: &str,
    agent: &AgentId,
    words: &impl Serialize,
) -> Result<T, u16> {
    let mut request = Request::new(Method::Post, Url::parse(&format!("http://desk{path}")).unwrap());
    request.insert_header("authorization", format!("Bearer {}/{}", agent.node, agent.pod));
    request.set_body(tide::Body::from_json(words).unwrap());
    let mut response: tide::http::Response = app.respond(request).await.unwrap();
    if response.status().is_success() {
        Ok(response.body_json().await.unwrap())
    } else {
        Err(response.status().into())
    }
}
