//! One NetReach's life on this machine: decide, do, listen, and over again.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use netreach_api::{CheckedSpec, Rounds};
use netreach_dispatch::DeskEvent;
use netreach_plan::{Case, Decision, DueRound, decide};
use netreach_report::{ClosedRound, Standing, Submitted, Verdict, api_object, judge, merge};
use netreach_wire::RoundId;

use super::house::{self, Event, House};
use super::keep::Keep;
use super::round::Round;
use crate::args::RunArgs;
use crate::ending::{Ending, Trouble};
use crate::progress::Progress;
use crate::show;

/// What two cores send and answer without falling behind, requests/s.
const QPS_PER_MACHINE: u64 = 5_000;
/// Longest time without a look at the wall clock.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// One NetReach's life on this machine.
pub(super) struct Walk<'a> {
    args: &'a RunArgs,
    spec: &'a CheckedSpec,
    task: String,
    uid: String,
    pub(super) house: House,
    keep: Keep,
    progress: &'a Progress,
    case: Case,
    round: Option<Round>,
    /// The last round closed: late results are added to its report.
    closed: Option<ClosedRound>,
    failed: BTreeSet<u64>,
    shown: u64,
    /// The next round the user was told of.
    announced: Option<Timestamp>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        args: &'a RunArgs,
        spec: &'a CheckedSpec,
        (task, created): (String, Timestamp),
        house: House,
        keep: Keep,
        progress: &'a Progress,
    ) -> Self {
        // Every run is a NetReach of its own, as one applied anew would be.
        let uid = format!("local-{}-{:08x}", created.as_millisecond(), u32::from_ne_bytes(house::random()));
        let case = Case { created, last: None, open: None };
        Self {
            args,
            spec,
            task,
            uid,
            house,
            keep,
            progress,
            case,
            round: None,
            closed: None,
            failed: BTreeSet::new(),
            shown: 0,
            announced: None,
        }
    }

    /// Decides and does, until nothing is left or the user has had enough.
    pub(super) async fn walk(&mut self) -> Result<Ending, Trouble> {
        loop {
            self.case.open = self.round.as_ref().map(|round| round.view(&self.house));
            // A round is timed by the clock that nobody sets: its deadline does not move when the wall clock does.
            let now = self.round.as_ref().map_or_else(Timestamp::now, Round::now);
            match decide(self.spec, &self.case, now) {
                Decision::Wait { until } => {
                    self.announce(until);
                    let event = self.next(until, now).await;
                    if self.react(event).await?.is_break() {
                        return Ok(self.ending());
                    }
                }
                Decision::Open { round, deadline } => self.open(round, deadline).await?,
                Decision::Miss { first, last } => {
                    self.progress.say(&format!("rounds {} to {} are missed", first.number, last.number));
                    self.failed.extend(first.number..=last.number);
                    self.case.last = Some(last);
                }
                Decision::Close { .. } => self.close().await?,
                Decision::Finished => return Ok(self.ending()),
            }
        }
    }

    /// A run proves something when every round it was to have is closed; one without end, when any is.
    fn ending(&self) -> Ending {
        let done = self.case.last.map_or(0, |last| last.number);
        let enough = match self.spec.rounds() {
            Rounds::Forever => self.shown > 0,
            Rounds::Count(count) => done >= count,
        };
        if !enough {
            self.progress.say(&format!("ended after {}", self.name(done)));
        }
        if enough && self.failed.is_empty() { Ending::Succeeded } else { Ending::NotSucceeded }
    }

    async fn open(&mut self, due: DueRound, deadline: Timestamp) -> Result<(), Trouble> {
        if self.house.nobody_left() {
            return Err(Trouble::NobodyLeft);
        }
        let id = RoundId { uid: self.uid.clone(), number: due.number };
        let round = Round::open(self.spec, &self.house, id, due.due, deadline).await?;
        let (agents, targets, load) = (round.agents(), round.targets(), self.spec.load());
        self.progress.say(&format!(
            "{}: {agents} agents send {} requests/s to each of {targets} targets for {} s",
            self.name(due.number),
            load.qps,
            load.duration_s
        ));
        let total_qps = u64::from(load.qps) * (agents * targets) as u64;
        if total_qps > QPS_PER_MACHINE {
            self.progress.say(&format!(
                "that is {total_qps} requests/s sent and answered on this one machine: expect tired agents"
            ));
        }
        self.round = Some(round);
        Ok(())
    }

    /// Tells what is being waited for.
    fn announce(&mut self, until: Option<Timestamp>) {
        match (&self.round, until) {
            (Some(round), _) => {
                let doing = format!("{} of {} agents have reported", round.submitted(), round.agents());
                self.progress.note(&self.name(round.number()), doing);
            }
            (None, Some(until)) if self.announced != Some(until) => {
                self.progress.say(&format!("next round at {until:.0}; Ctrl-C ends the run"));
                self.announced = Some(until);
            }
            (None, _) => {}
        }
    }

    /// What happens next; [`Event::Due`] at `until`, or earlier: then it is decided anew, for the clock may have been set.
    async fn next(&self, until: Option<Timestamp>, now: Timestamp) -> Event {
        let wait = until.map_or(LOOK_AGAIN_AFTER, |until| {
            Duration::try_from(until.duration_since(now)).unwrap_or_default()
        });
        let span = self.round.as_ref().map(Round::span);
        let moving = async {
            self.progress.follow(span).await;
            Event::Due
        };
        futures_lite::future::or(self.house.next(wait.min(LOOK_AGAIN_AFTER)), moving).await
    }

    async fn react(&mut self, event: Event) -> Result<ControlFlow<()>, Trouble> {
        match event {
            Event::Due => {}
            Event::Desk(event) => self.hear(event).await,
            Event::Ended(ended) => {
                self.progress.say(&format!("agent {} is gone: {}", ended.agent.pod, ended.how));
                self.house.forget(ended);
            }
            Event::Interrupted => {
                if let Some(round) = &mut self.round {
                    self.progress.say("interrupted: asking the agents for what they have");
                    round.interrupt(&self.house);
                    self.collect_rest().await;
                    self.close().await?;
                }
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What the agents still hand in after an interrupt, for as long as that may take.
    async fn collect_rest(&mut self) {
        let until = Instant::now() + house::PARTIAL_WITHIN;
        while let Some(round) = &self.round
            && !round.is_all_in(&self.house)
        {
            match self.house.next_before(until).await {
                Some(Event::Desk(event)) => self.hear(event).await,
                Some(Event::Ended(ended)) => self.house.forget(ended),
                Some(Event::Due | Event::Interrupted) | None => return,
            }
        }
    }

    async fn hear(&mut self, event: DeskEvent) {
        match event {
            DeskEvent::Present { agent, listening, clock_offset_us } => {
                self.house.greet(agent, listening, clock_offset_us);
            }
            DeskEvent::Submitted { agent, receipt, result, clock_offset_us, keeping } => {
                if let Some(offset_us) = clock_offset_us {
                    self.house.clock_offsets_us.insert(agent.clone(), offset_us);
                }
                let number = result.round.number;
                let submitted = self.keep.result(agent.clone(), receipt, result).await;
                match submitted {
                    Ok(submitted) => {
                        keeping.confirm();
                        self.take(number, submitted);
                    }
                    Err(error) => {
                        // Unconfirmed: the agent keeps it and comes again.
                        self.progress.say(&format!("could not keep the result of {}: {error}", agent.pod));
                        if let Some(round) = &mut self.round {
                            round.not_kept(agent, error.to_string());
                        }
                    }
                }
            }
        }
    }

    fn take(&mut self, number: u64, submitted: Submitted) {
        let late = if submitted.late { ", after the deadline" } else { "" };
        self.progress.say(&format!("{}: {} has reported{late}", self.name(number), submitted.agent.pod));
        match (&mut self.round, &mut self.closed) {
            (Some(round), _) if round.number() == number => round.take(submitted),
            (_, Some(closed)) if closed.id.number == number => {
                closed.submitted.push(submitted);
                let report = merge(closed.clone());
                let standing = standing(self.spec, &self.case, &self.failed);
                if let Err(error) =
                    self.keep.document(number, &api_object(&report, &self.spec.expect(), &standing))
                {
                    self.progress.say(&format!("could not add the late result to the report: {error}"));
                }
            }
            _ => {}
        }
    }

    async fn close(&mut self) -> Result<(), Trouble> {
        let Some(round) = self.round.take() else { return Ok(()) };
        let closed = round.close(&self.house, &self.task, self.spec);
        let report = merge(closed.clone());
        let verdict = judge(&report, &self.spec.expect());
        if verdict != Verdict::Succeeded {
            self.failed.insert(closed.id.number);
        }
        self.case.last = Some(DueRound { number: closed.id.number, due: closed.due });
        let standing = standing(self.spec, &self.case, &self.failed);
        let document = api_object(&report, &self.spec.expect(), &standing);
        // What is known is told first, whatever becomes of keeping it.
        self.progress.aside(|| show::report(&document, self.args.output, self.shown == 0))?;
        self.shown += 1;
        self.keep.round(report, verdict).await?;
        self.keep.document(closed.id.number, &document)?;
        self.closed = Some(closed);
        Ok(())
    }

    fn name(&self, number: u64) -> String {
        match self.spec.rounds() {
            Rounds::Forever => format!("round {number}"),
            Rounds::Count(count) => format!("round {number}/{count}"),
        }
    }
}

fn standing(spec: &CheckedSpec, case: &Case, failed: &BTreeSet<u64>) -> Standing {
    let done = case.last.map_or(0, |last| last.number);
    let (rounds_expected, finished) = match spec.rounds() {
        Rounds::Forever => (-1, false),
        Rounds::Count(count) => (i64::try_from(count).unwrap_or(i64::MAX), done >= count),
    };
    Standing { rounds_expected, rounds_done: done, rounds_failed: failed.iter().copied().collect(), finished }
}
