//! The world of one seed: agents, a manager that comes and goes, and the order in which things happen.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use netreach_api::{CheckedSpec, ClusterFacts, admit};
use netreach_report::RoundReport;
use netreach_tests::net_reach;
use netreach_wire::{Assignment, Receipt};
use serde_json::Value;

use crate::agent::{Agent, Fate};
use crate::clock::{Chronicle, VirtualClock};
use crate::facts::Facts;
use crate::laws::{self, Dues, Truth, Truths};
use crate::manager::Manager;

/// Steps after which something goes round in a circle.
const STEPS_MAX: u32 = 20_000;

/// Something that is going to happen.
enum Event {
    Poll(usize),
    Submit { agent: usize, work: Box<Work> },
    Die(usize),
    Join,
    Crash,
    Restart,
    Stall,
}

/// A result on its way.
struct Work {
    assignment: Assignment,
    fate: Fate,
    started: Timestamp,
    result: Value,
    /// How often it is handed in again once it has been taken.
    again: u8,
}

/// One seed's world.
pub(crate) struct Sim {
    seed: u64,
    random: Rng,
    clock: VirtualClock,
    chronicle: Chronicle,
    queue: BTreeMap<(Timestamp, u64), Event>,
    queued: u64,
    agents: Vec<Agent>,
    manager: Option<Manager>,
    /// Until then the manager takes what comes and decides nothing.
    stalled_until: Timestamp,
    facts: Facts,
    dues: Dues,
    truths: Truths,
    /// Every report at the close of its round, and whether it was a success.
    said: BTreeMap<u64, (RoundReport, bool)>,
    seen: BTreeSet<String>,
}

impl Sim {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let (spec, dues) = spec(&mut random);
        let (clock, chronicle, facts) = (VirtualClock::new(), Chronicle::default(), Facts::new(spec));
        let manager = Some(Manager::start(&facts, &clock, &chronicle));
        let mut sim = Self {
            seed,
            random,
            clock,
            chronicle,
            queue: BTreeMap::new(),
            queued: 0,
            agents: Vec::new(),
            manager,
            stalled_until: VirtualClock::created(),
            facts,
            dues,
            truths: Truths::new(),
            said: BTreeMap::new(),
            seen: BTreeSet::new(),
        };
        for _ in 0..sim.random.u8(1..=4) {
            sim.join();
        }
        for _ in 0..sim.random.u8(0..4) {
            sim.after(1..900_000, Event::Crash);
            sim.after(1..900_000, Event::Stall);
        }
        sim
    }

    /// Lets everything happen; what kinds of things did, for whoever wants to know that all of them do.
    pub(crate) fn run(mut self) -> BTreeSet<String> {
        for _ in 0..STEPS_MAX {
            let until = self.manage();
            laws::numbers(&self.facts, self.dues, self.clock.at());
            let event = self.queue.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = event.into_iter().chain(until).min() else {
                laws::kept(&self.facts, &self.truths, &self.said, &mut self.random);
                return std::mem::take(&mut self.seen);
            };
            self.clock.advance(next.max(self.clock.at()));
            // Of an event and a decision at one instant, either may come first.
            if event == Some(next) && (until != Some(next) || self.random.bool()) {
                let (_, event) = self.queue.pop_first().unwrap();
                self.happen(event);
            }
        }
        panic!("{STEPS_MAX} steps did not bring it to an end");
    }

    /// The manager's turn, if there is one; until when it will wait.
    fn manage(&mut self) -> Option<Timestamp> {
        let now = self.clock.at();
        if now < self.stalled_until {
            return self.manager.as_ref().map(|_| self.stalled_until);
        }
        let dies_closing = self.random.u8(0..20) == 0;
        let turn = self.manager.as_mut()?.act(&mut self.facts, dies_closing);
        for &(_, last) in &turn.missed {
            self.seen.insert("missed".to_owned());
            laws::missed(&self.facts, last, self.dues, now);
        }
        if let Some(round) = turn.opened {
            laws::opened(&self.facts, round, now);
            self.all_poll(60);
        }
        let has_closed = !turn.closed.is_empty();
        for (report, is_success) in turn.closed {
            self.seen.insert(if is_success { "success" } else { "failure" }.to_owned());
            laws::judged(&self.facts, &self.truths, &report, is_success);
            self.said.insert(report.id.number, (report, is_success));
        }
        if has_closed {
            self.all_poll(2_000);
            if dies_closing {
                self.crash("the manager dies while closing");
                return None;
            }
        }
        laws::in_time(&self.facts, now, turn.until);
        self.seen.extend(turn.is_finished.then(|| "finished".to_owned()));
        turn.until
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Poll(agent) => self.poll(agent),
            Event::Submit { agent, work } => self.submit(agent, work),
            Event::Die(agent) => {
                self.tell(format!("{} dies", self.agents[agent].id));
                self.agents[agent].is_alive = false;
                let id = &self.agents[agent].id;
                self.facts.lost.insert(id.clone(), "process ended by signal 9".to_owned());
                if let Some(manager) = &mut self.manager {
                    manager.forget(id);
                }
                self.after(1_000..90_000, Event::Join);
            }
            Event::Join => self.join(),
            Event::Crash => self.crash("the manager dies"),
            Event::Stall => {
                self.tell("the manager stalls");
                self.stalled_until =
                    self.clock.at() + SignedDuration::from_millis(self.random.i64(1..200_000));
            }
            Event::Restart => {
                self.tell("the manager is back");
                self.manager = Some(Manager::start(&self.facts, &self.clock, &self.chronicle));
                self.all_poll(3_000);
            }
        }
    }

    fn crash(&mut self, how: &str) {
        if self.manager.take().is_some() {
            self.tell(how);
            self.seen.insert(how.to_owned());
            self.after(100..400_000, Event::Restart);
        }
    }

    fn join(&mut self) {
        let name = self.agents.len().to_string();
        let ahead_us = if self.random.bool() { 0 } else { self.random.i64(-7_200_000..7_200_000) * 1_000 };
        self.agents.push(Agent::new(&name, ahead_us));
        self.after(0..2, Event::Poll(self.agents.len() - 1));
    }

    fn all_poll(&mut self, within_ms: i64) {
        for agent in 0..self.agents.len() {
            self.after(0..within_ms, Event::Poll(agent));
        }
    }

    fn poll(&mut self, agent: usize) {
        let now_us = self.clock.at().as_microsecond();
        let Some(manager) = self.manager.as_mut() else { return };
        let one = &mut self.agents[agent];
        if !one.is_alive {
            return;
        }
        let reply = manager.poll(&mut self.facts, &one.id, &one.asks(now_us)).unwrap();
        one.held.retain(|round| !reply.closed.contains(round));
        let Some(assignment) = reply.assignment else { return };
        assert_eq!(assignment.agent, one.id);
        if self.random.u8(0..10) == 0 {
            // The reply is lost: before the start it asks again and gets it again, later it does not.
            self.seen.insert("lost reply".to_owned());
            self.after(10..200, Event::Poll(agent));
        } else {
            self.begin(agent, assignment);
        }
    }

    fn begin(&mut self, agent: usize, assignment: Assignment) {
        let fate = Fate::any(&mut self.random);
        let now = self.clock.at();
        let started = now + SignedDuration::from_micros(assignment.start_in_us.try_into().unwrap());
        let deadline = started + SignedDuration::from_micros(assignment.deadline_us.try_into().unwrap());
        let done = started + SignedDuration::from_secs(assignment.load.duration_s.into());
        let one = &mut self.agents[agent];
        one.probing.push(assignment.round.clone());
        self.chronicle.tell(now, format!("{} begins {}, will be {fate:?}", one.id, assignment.round));
        self.seen.insert(format!("{fate:?}"));
        let result = one.result(&assignment, started.as_microsecond(), fate, &mut self.random);
        let at = match fate {
            Fate::Silent => return,
            Fate::Dies => {
                let before_done = SignedDuration::from_millis(self.random.i64(1..900));
                return self.at(done - before_done, Event::Die(agent));
            }
            // To the very millisecond of the deadline, too.
            Fate::Late => {
                deadline + SignedDuration::from_millis(self.random.i64(0..3) * self.random.i64(0..60_000))
            }
            _ => done + SignedDuration::from_millis(self.random.i64(0..2_000)),
        };
        let again = if fate == Fate::Doubled { 2 } else { 0 };
        self.at(
            at,
            Event::Submit { agent, work: Box::new(Work { assignment, fate, started, result, again }) },
        );
    }

    fn submit(&mut self, agent: usize, mut work: Box<Work>) {
        let one = &mut self.agents[agent];
        if !one.is_alive {
            return;
        }
        let round = &work.assignment.round;
        one.probing.retain(|probing| probing != round);
        if !one.held.contains(round) {
            one.held.push(round.clone());
        }
        let Some(manager) = self.manager.as_mut() else {
            return self.after(500..10_000, Event::Submit { agent, work });
        };
        let dies = self.random.u8(0..30) == 0;
        let answer = manager.submit(&mut self.facts, &one.id, &work.result, dies);
        if let Some(late) = manager.kept {
            let truth = Truth { fate: work.fate, late, started: work.started };
            if late && !self.said.contains_key(&round.number) {
                self.seen.insert("late before the close".to_owned());
            }
            let before = self.truths.insert((round.number, one.id.clone()), truth);
            assert!(before.is_none_or(|before| before.late), "two results of {} were kept", one.id);
        }
        self.chronicle.tell(self.clock.at(), format!("{} hands in {round}: {answer:?}", one.id));
        match answer {
            Ok(receipt) => {
                assert!(self.truths.contains_key(&(round.number, one.id.clone())), "a receipt for nothing");
                self.seen.insert(format!("{receipt:?}"));
                if let Some(again) = work.again.checked_sub(1) {
                    work.again = again;
                    self.after(1..90_000, Event::Submit { agent, work });
                } else if receipt == Receipt::Late {
                    self.after(0..1_000, Event::Poll(agent));
                }
            }
            Err(503) => {
                self.crash("the manager dies before the receipt");
                self.after(500..10_000, Event::Submit { agent, work });
            }
            Err(status) => {
                self.seen.insert(format!("refused {status}"));
                one.held.retain(|held| held != round);
            }
        }
    }

    fn after(&mut self, ms: std::ops::Range<i64>, event: Event) {
        let pause = SignedDuration::from_millis(self.random.i64(ms));
        self.at(self.clock.at() + pause, event);
    }

    fn at(&mut self, at: Timestamp, event: Event) {
        self.queued += 1;
        self.queue.insert((at, self.queued), event);
    }

    fn tell(&self, event: impl std::fmt::Display) {
        self.chronicle.tell(self.clock.at(), event);
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (seed, events) = (self.seed, self.chronicle.all());
            // A panic within a panic would hide the first one.
            let _ = writeln!(
                std::io::stderr(),
                "seed {seed} (NETREACH_SIM_SEED={seed} runs it alone):\n{events}"
            );
        }
    }
}

/// A small NetReach of a few rounds, which may be due before the one before has had all of its time.
fn spec(random: &mut Rng) -> (CheckedSpec, Dues) {
    let (every_min, timeout_min) = (random.i64(1..=3), random.i64(1..=3));
    let after_min = random.i64(0..=2);
    let (schedule, first_min) = if random.bool() {
        (format!("{after_min} {every_min}"), after_min)
    } else {
        // Created on the hour: the first match comes after.
        (format!("*/{every_min} * * * *"), every_min)
    };
    let object = net_reach("sim")
        .with("/spec/request/qps", random.u32(1..=3))
        .with("/spec/request/durationInSecond", random.u32(1..=20))
        .with("/spec/schedule/schedule", schedule)
        .with("/spec/schedule/roundNumber", random.u32(1..=6))
        .with("/spec/schedule/roundTimeoutMinute", timeout_min)
        .json();
    let checked = admit(object, &ClusterFacts::default()).unwrap().checked;
    let first = VirtualClock::created() + SignedDuration::from_mins(first_min);
    (checked, Dues { first, every: SignedDuration::from_mins(every_min) })
}
