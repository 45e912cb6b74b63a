//! Those who stand for a Lease in a world where clocks go at different rates, requests and answers are late or lost, processes are killed,
//! stopped in their tracks and started anew, and the Lease itself is deleted. All from a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::plan::{Elector, Record, Step, Terms, Write};
use crate::limits::{CLOCK_RATES_PERCENT_MAX, LEASE_ANSWER_MS};

const SECOND_US: u64 = 1_000_000;

/// How bad the world is.
#[derive(Debug, Clone, Copy)]
struct Weather {
    /// How fast the clocks of the first and of the others go, in percent.
    rates: (u64, u64),
    /// Requests or answers of a hundred that are lost.
    lost: u32,
    /// Longest way there, and back.
    way_us: u64,
    /// Whether changes of the Lease are told.
    is_watched: bool,
    /// Whether processes are killed, stopped and cut off, and the Lease deleted.
    is_rough: bool,
}

const CALM: Weather =
    Weather { rates: (100, 100), lost: 0, way_us: 50_000, is_watched: true, is_rough: false };

#[derive(Debug, Clone)]
enum Request {
    Look,
    Make,
    Write(Write),
}

#[derive(Debug, Clone)]
enum Answer {
    Seen(Option<Record>),
    Written(Record),
    Overtaken,
}

#[derive(Debug)]
enum Event {
    Wake,
    Arrive { request: u64, what: Request, began: Instant },
    Answer { request: u64, answer: Answer, began: Instant },
    TimedOut { request: u64, began: Instant },
    Watched(Option<Record>),
    Start,
    Trouble,
}

/// One process, in the place of which another one comes when it has ended.
struct Seat {
    elector: Option<Elector>,
    /// How many processes there were here.
    life: u64,
    rate: u64,
    offset_us: u64,
    /// Nothing happens in it before.
    stopped_until_us: u64,
    /// Nothing reaches it, or comes from it, before.
    cut_until_us: u64,
    /// The request that is under way.
    asks: Option<u64>,
    /// Whether it was told to end.
    is_told: bool,
}

struct World {
    rng: Rng,
    weather: Weather,
    began: Instant,
    now_us: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: Vec<Option<(usize, u64, Event)>>,
    seats: Vec<Seat>,
    lease: Option<Record>,
    version: u64,
    requests: u64,
    /// When somebody began to lead, and who.
    terms: Vec<(u64, usize)>,
    is_broken: bool,
}

impl World {
    fn new(seed: u64, seats: usize, weather: Weather) -> Self {
        let mut rng = Rng::with_seed(seed);
        let seat = |number: usize| Seat {
            elector: None,
            life: 0,
            rate: if number == 0 { weather.rates.0 } else { weather.rates.1 },
            offset_us: rng.u64(..1_000 * SECOND_US),
            stopped_until_us: 0,
            cut_until_us: 0,
            asks: None,
            is_told: false,
        };
        let seats = (0..seats).map(seat).collect();
        let mut world = Self {
            rng,
            weather,
            began: Instant::now(),
            now_us: 0,
            queue: BinaryHeap::new(),
            events: Vec::new(),
            seats,
            lease: None,
            version: 0,
            requests: 0,
            terms: Vec::new(),
            is_broken: false,
        };
        for seat in 0..world.seats.len() {
            let after = world.rng.u64(..SECOND_US);
            world.later(after, seat, Event::Start);
        }
        if weather.is_rough {
            world.later(SECOND_US, 0, Event::Trouble);
        }
        world
    }

    /// Goes on for so long.
    fn run(&mut self, seconds: u64) {
        self.run_us(seconds * SECOND_US);
    }

    fn run_us(&mut self, lasts_us: u64) {
        let until = self.now_us + lasts_us;
        while let Some(Reverse((at, _))) = self.queue.peek().copied() {
            if at > until {
                break;
            }
            let Reverse((at, number)) = self.queue.pop().unwrap();
            self.now_us = at;
            let (seat, life, event) = self.events[usize::try_from(number).unwrap()].take().unwrap();
            self.happen(seat, life, event);
            let leaders = self.leaders();
            self.is_broken |= leaders.len() > 1;
        }
        self.now_us = until;
    }

    fn leaders(&self) -> Vec<usize> {
        let leads = |(number, seat): (usize, &Seat)| {
            seat.elector.as_ref().is_some_and(|elector| elector.leads(self.clock(number))).then_some(number)
        };
        self.seats.iter().enumerate().filter_map(leads).collect()
    }

    fn clock(&self, seat: usize) -> Instant {
        let Seat { rate, offset_us, .. } = &self.seats[seat];
        self.began + Duration::from_micros(offset_us + self.now_us * rate / 100)
    }

    /// How long by the world's time until it is that late by a seat's clock.
    fn until(&self, seat: usize, at: Instant) -> u64 {
        let left = at.saturating_duration_since(self.clock(seat));
        u64::try_from(left.as_micros()).unwrap() * 100 / self.seats[seat].rate + 1
    }

    fn later(&mut self, after_us: u64, seat: usize, event: Event) {
        let number = self.events.len() as u64;
        self.queue.push(Reverse((self.now_us + after_us, number)));
        self.events.push(Some((seat, self.seats[seat].life, event)));
    }

    fn way_us(&mut self) -> u64 {
        // Now and then something takes far longer than anybody waits.
        let longest = if self.weather.is_rough && self.rng.u32(..100) < 3 {
            20 * SECOND_US
        } else {
            self.weather.way_us
        };
        self.rng.u64(..longest)
    }

    fn is_lost(&mut self, seat: usize) -> bool {
        self.now_us < self.seats[seat].cut_until_us || self.rng.u32(..100) < self.weather.lost
    }

    fn happen(&mut self, seat: usize, life: u64, event: Event) {
        match event {
            Event::Trouble => return self.trouble(),
            // On its way it is nobody's any more.
            Event::Arrive { request, what, began } => {
                let answer = self.serve(what);
                if life == self.seats[seat].life && !self.is_lost(seat) {
                    let way = self.way_us();
                    self.later(way, seat, Event::Answer { request, answer, began });
                }
                return;
            }
            _ if life != self.seats[seat].life => return,
            _ => {}
        }
        let stopped_until_us = self.seats[seat].stopped_until_us;
        if self.now_us < stopped_until_us {
            return self.later(stopped_until_us - self.now_us, seat, event);
        }
        let now = self.clock(seat);
        let asks = self.seats[seat].asks;
        let is_asked = |request| asks == Some(request);
        if let Event::Start = event {
            let name = format!("{seat}-{life}");
            self.seats[seat].elector = Some(Elector::new(name, Terms::default()));
        }
        let Some(elector) = &mut self.seats[seat].elector else { return };
        let did_lead = elector.leads_until().is_some();
        match event {
            Event::Answer { request, answer, began } if is_asked(request) => {
                match answer {
                    Answer::Seen(record) => elector.saw(record, now),
                    Answer::Written(record) => elector.wrote(record, began, now),
                    Answer::Overtaken => elector.overtaken(now),
                }
                self.seats[seat].asks = None;
            }
            Event::TimedOut { request, began } if is_asked(request) => {
                elector.failed(began, now);
                self.seats[seat].asks = None;
            }
            // One who leads does not listen, nor does one who waits for an answer.
            Event::Watched(record) if !did_lead && asks.is_none() => elector.saw(record, now),
            _ => {}
        }
        let leads = self.seats[seat].elector.as_ref().is_some_and(|elector| elector.leads(now));
        if leads && !did_lead {
            self.terms.push((self.now_us, seat));
        }
        self.go_on(seat);
    }

    fn go_on(&mut self, seat: usize) {
        let now = self.clock(seat);
        let Some(elector) = &self.seats[seat].elector else { return };
        let until = elector.leads_until();
        if self.seats[seat].asks.is_some() {
            return;
        }
        if self.seats[seat].is_told {
            return self.resign(seat);
        }
        let what = match elector.step(now) {
            Step::Wait(at) => {
                let after = self.until(seat, at);
                return self.later(after, seat, Event::Wake);
            }
            Step::End(_) => return self.end(seat),
            Step::Look => Request::Look,
            Step::Make => Request::Make,
            Step::Write(write) => Request::Write(write),
        };
        let mut longest = Duration::from_millis(LEASE_ANSWER_MS);
        if let Some(until) = until {
            longest = longest.min(until.saturating_duration_since(now));
        }
        let request = self.send(seat, what, now);
        self.seats[seat].asks = Some(request);
        let after = self.until(seat, now + longest);
        self.later(after, seat, Event::TimedOut { request, began: now });
    }

    fn send(&mut self, seat: usize, what: Request, began: Instant) -> u64 {
        self.requests += 1;
        if !self.is_lost(seat) {
            let way = self.way_us();
            self.later(way, seat, Event::Arrive { request: self.requests, what, began });
        }
        self.requests
    }

    fn serve(&mut self, what: Request) -> Answer {
        match what {
            Request::Look => Answer::Seen(self.lease.clone()),
            Request::Make => {
                if self.lease.is_none() {
                    let lasts = Terms::default().lasts;
                    self.set(Some(Record {
                        version: String::new(),
                        holder: String::new(),
                        lasts,
                        transitions: 0,
                    }));
                }
                Answer::Seen(self.lease.clone())
            }
            Request::Write(Write { version, holder, lasts, transitions, is_new: _ }) => {
                if self.lease.as_ref().is_none_or(|lease| lease.version != version) {
                    return Answer::Overtaken;
                }
                self.set(Some(Record { version, holder, lasts, transitions }));
                Answer::Written(self.lease.clone().unwrap())
            }
        }
    }

    fn set(&mut self, lease: Option<Record>) {
        self.version += 1;
        self.lease = lease.map(|lease| Record { version: self.version.to_string(), ..lease });
        for seat in 0..self.seats.len() {
            if self.weather.is_watched && !self.is_lost(seat) {
                let way = self.way_us();
                self.later(way, seat, Event::Watched(self.lease.clone()));
            }
        }
    }

    /// Its process ends, and after a while another one comes.
    fn end(&mut self, seat: usize) {
        self.seats[seat].elector = None;
        self.seats[seat].asks = None;
        self.seats[seat].is_told = false;
        self.seats[seat].life += 1;
        let after = self.rng.u64(..5 * SECOND_US);
        self.later(after, seat, Event::Start);
    }

    /// Its process is told to end.
    fn stop(&mut self, seat: usize) {
        self.seats[seat].is_told = true;
        self.later(0, seat, Event::Wake);
    }

    fn resign(&mut self, seat: usize) {
        let now = self.clock(seat);
        if let Some(write) = self.seats[seat].elector.as_mut().and_then(Elector::resign) {
            self.send(seat, Request::Write(write), now);
        }
        self.end(seat);
    }

    fn trouble(&mut self) {
        if !self.weather.is_rough {
            return;
        }
        let seat = self.rng.usize(..self.seats.len());
        let lasts = self.rng.u64(..30 * SECOND_US);
        match self.rng.u32(..12) {
            0 | 1 => self.end(seat),
            2 | 3 => self.stop(seat),
            4..7 => self.seats[seat].stopped_until_us = self.now_us + lasts,
            7..10 => self.seats[seat].cut_until_us = self.now_us + lasts,
            10 => self.seats.iter_mut().for_each(|seat| seat.cut_until_us = self.now_us + lasts),
            _ => self.set(None),
        }
        let after = self.rng.u64(..20 * SECOND_US);
        self.later(after, 0, Event::Trouble);
    }
}

/// Whether at most one leads at every instant of half an hour, and somebody does when all is well again after it.
fn is_sound(seed: u64, seats: usize, weather: Weather) -> bool {
    let mut world = World::new(seed, seats, weather);
    world.run(1_800);
    world.weather = Weather { is_rough: false, lost: 0, ..weather };
    // What had begun before is over by then.
    world.run(60);
    assert!(world.is_broken || world.leaders().len() == 1, "seed {seed}: nobody leads in the end");
    !world.is_broken
}

#[test]
fn there_are_never_two_leaders() {
    let max = CLOCK_RATES_PERCENT_MAX;
    let (mut broken, mut terms) = (Vec::new(), 0);
    for seed in 0..600 {
        let rates = [(100, 100), (100, max), (max, 100), (100, 120)][usize::try_from(seed % 4).unwrap()];
        let lost = [0, 5, 40][usize::try_from(seed % 3).unwrap()];
        let weather = Weather { rates, lost, way_us: 200_000, is_watched: true, is_rough: true };
        let seats = 2 + usize::try_from(seed / 4 % 3).unwrap();
        if !is_sound(seed, seats, weather) {
            broken.push(seed);
        }
        let mut world = World::new(seed, seats, weather);
        world.run(1_800);
        terms += world.terms.len();
    }
    assert!(broken.is_empty(), "two at once with the seeds {broken:?}");
    // It was no still world.
    assert!(terms > 6_000, "{terms} terms in 600 half hours");
}

#[test]
fn clocks_beyond_the_bound_make_two_leaders_so_that_two_would_be_seen() {
    let weather = Weather { rates: (50, 150), lost: 5, way_us: 200_000, is_watched: true, is_rough: true };
    let broken = (0..50).filter(|seed| !is_sound(*seed, 3, weather)).count();
    assert!(broken > 0, "a leader's clock goes three times as slow, and nothing came of it");
}

/// From the end of a leader to the beginning of the next one, the longest of many, by the world's time.
fn hand_over_us(weather: Weather, end: impl Fn(&mut World, usize)) -> u64 {
    let one = |seed: u64| {
        let mut world = World::new(seed, 2 + usize::try_from(seed % 2).unwrap(), weather);
        // Some instant between two renewals.
        world.run_us(30 * SECOND_US + seed * 13_579);
        let leaders = world.leaders();
        assert_eq!(leaders.len(), 1, "seed {seed}");
        let (ended, before) = (world.now_us, world.terms.len());
        end(&mut world, leaders[0]);
        world.run(30);
        let (began, _) = *world.terms.get(before).unwrap_or_else(|| panic!("seed {seed}: nobody came after"));
        began - ended
    };
    (0..300).map(one).max().unwrap()
}

#[test]
fn a_leader_that_is_killed_is_followed_within_fifteen_seconds() {
    let longest = hand_over_us(CALM, World::end);
    assert!(longest <= 11 * SECOND_US, "{longest} us");
    // Nothing is heard of the Lease that was not asked for.
    let longest = hand_over_us(Weather { is_watched: false, ..CALM }, World::end);
    assert!(longest <= 15 * SECOND_US, "{longest} us");
}

#[test]
fn a_leader_that_stops_is_followed_within_a_second() {
    let longest = hand_over_us(CALM, World::stop);
    assert!(longest <= SECOND_US, "{longest} us");
}

#[test]
fn a_leader_that_is_cut_off_ends_before_the_next_one_begins() {
    let longest = hand_over_us(CALM, |world, leader| world.seats[leader].cut_until_us = u64::MAX);
    assert!(longest <= 11 * SECOND_US, "{longest} us");
}

#[test]
fn a_first_leader_is_there_soon_after_the_first_lease() {
    for seed in 0..100 {
        let mut world = World::new(seed, 3, CALM);
        world.run(12);
        assert_eq!(world.leaders().len(), 1, "seed {seed}");
        world.run(600);
        assert_eq!(world.terms.len(), 1, "seed {seed}: who leads goes on leading");
    }
}
