//! What a poll is answered, and when.

use std::time::Duration;

use netreach_dispatch::limits::HAND_OUTS_MAX;
use netreach_dispatch::{DeskError, DeskEvent};
use netreach_wire::{AgentId, EchoKey, Poll, PollReply, RoundKey, VERSION};

use crate::bench::{Bench, WALL_US, agent, asking, assignment, meanwhile, result, round, waiting};

fn nothing() -> PollReply {
    PollReply { version: VERSION, ..PollReply::default() }
}

#[test]
fn a_poll_without_news_is_answered_with_none() {
    let bench = Bench::new();
    assert_eq!(bench.poll("a", &asking()), nothing());
    bench.open(1, &["b"]);
    assert_eq!(bench.poll("a", &asking()), nothing());
}

#[test]
fn a_waiting_poll_gets_its_assignment_when_it_is_laid_down() {
    let bench = Bench::new();
    let reply: PollReply =
        meanwhile(bench.call("/v1/poll", "a", &waiting()), || bench.open(1, &["a", "b"])).unwrap();
    let got = reply.assignment.unwrap();
    assert_eq!(got.round, round(1));
    assert_eq!(got.agent, agent("a"));
    assert_eq!((got.start_in_us, got.deadline_us), (1_000_000, 3_000_000));
}

#[test]
fn the_start_is_told_as_of_the_moment_of_sending() {
    let bench = Bench::new();
    bench.open(1, &["a", "b", "c"]);
    let times = |name| {
        let got = bench.poll(name, &asking()).assignment.unwrap();
        (got.start_in_us, got.deadline_us)
    };
    bench.pass(400);
    assert_eq!(times("a"), (600_000, 3_000_000));
    // After the start there is less left of the round.
    bench.pass(1_100);
    assert_eq!(times("b"), (0, 2_500_000));
    // After the deadline there is no point.
    bench.pass(2_500);
    assert_eq!(bench.poll("c", &asking()), nothing());
}

#[test]
fn an_assignment_is_handed_out_once() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    bench.open(2, &["a"]);
    let mut poll = asking();
    assert_eq!(bench.poll("a", &poll).assignment.unwrap().round.number, 1);
    poll.probing = vec![round(1)];
    assert_eq!(bench.poll("a", &poll).assignment.unwrap().round.number, 2);
    poll.probing.push(round(2));
    assert_eq!(bench.poll("a", &poll), nothing());
    // Nor to one that has done with it, or lost it while it probed.
    (poll.probing, poll.held) = (vec![], vec![round(1), round(2)]);
    assert_eq!(bench.poll("a", &poll), nothing());
    bench.pass(1_000);
    assert_eq!(bench.poll("a", &asking()), nothing());
}

#[test]
fn an_assignment_whose_reply_was_lost_is_handed_out_again_before_the_start_but_not_for_ever() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    let handed = (0..10).filter(|_| bench.poll("a", &asking()).assignment.is_some()).count();
    assert_eq!(handed, usize::from(netreach_dispatch::limits::HAND_OUTS_MAX));
}

#[test]
fn a_cancel_wakes_the_agents_that_probe_and_is_told_once_before_the_last_word() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    assert!(bench.poll("a", &asking()).assignment.is_some());
    let probing = Poll { probing: vec![round(1)], ..waiting() };
    let reply: PollReply =
        meanwhile(bench.call("/v1/poll", "a", &probing), || bench.desk.cancel(&round(1)).unwrap()).unwrap();
    assert_eq!(reply, PollReply { cancel: vec![round(1)], ..nothing() });
    // While the agent ends the round it waits like any other; if the word was lost, it hears it at the end.
    let again = Poll { wait_ms: 0, ..probing.clone() };
    assert_eq!(bench.poll("a", &again), PollReply { cancel: vec![round(1)], ..nothing() });
    let waits: PollReply =
        meanwhile(bench.call("/v1/poll", "a", &probing), || bench.open(2, &["a"])).unwrap();
    assert_eq!((waits.assignment.unwrap().round.number, waits.cancel), (2, vec![]));
}

#[test]
fn a_round_that_nobody_knows_any_more_is_to_be_ended_once_all_of_before_are_open_again() {
    let bench = Bench::catching_up();
    bench.open(2, &["a"]);
    let probing = Poll { probing: vec![round(1), round(2)], ..waiting() };
    let reply: PollReply =
        meanwhile(bench.call("/v1/poll", "a", &probing), || bench.desk.caught_up()).unwrap();
    assert_eq!(reply, PollReply { cancel: vec![round(1)], ..nothing() });
    // Told like any other cancel: while the agent ends the round it waits, and hears it again as the last word.
    let waits: PollReply =
        meanwhile(bench.call("/v1/poll", "a", &probing), || bench.desk.cancel(&round(2)).unwrap()).unwrap();
    assert_eq!(waits.cancel, [round(2)]);
    let last = Poll { wait_ms: 0, ..probing.clone() };
    assert_eq!(bench.poll("a", &last).cancel, [round(2), round(1)]);
    // Another agent hears it for itself, and so does one that has begun the same anew.
    assert_eq!(bench.poll("b", &probing).cancel, [round(1)]);
    assert_eq!(bench.poll("a", &asking()), nothing());
    assert_eq!(bench.poll("a", &probing).cancel, [round(1)]);
}

#[test]
fn a_round_that_is_not_known_yet_goes_on() {
    let probing = Poll { probing: vec![round(7)], ..asking() };
    assert_eq!(Bench::catching_up().poll("a", &probing), nothing());
    assert_eq!(Bench::new().poll("a", &probing), nothing());
}

#[test]
fn a_cancelled_round_is_not_handed_out() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    bench.desk.cancel(&round(1)).unwrap();
    assert_eq!(bench.poll("a", &asking()), nothing());
}

#[test]
fn a_held_round_may_be_forgotten_when_it_is_closed_and_its_result_kept() {
    let bench = Bench::new();
    bench.open(1, &["a", "b"]);
    bench.hand_in("a", &result(1)).unwrap();
    let holding = Poll { held: vec![round(1)], ..waiting() };
    let reply: PollReply =
        meanwhile(bench.call("/v1/poll", "a", &holding), || bench.desk.close(&round(1)).unwrap()).unwrap();
    assert_eq!(reply, PollReply { closed: vec![round(1)], ..nothing() });
    // Until its result is there, an agent goes on holding it; then it need not wait to hear that it may forget.
    let reply: PollReply =
        meanwhile(bench.call("/v1/poll", "b", &holding), || drop(bench.hand_in("b", &result(1)))).unwrap();
    assert_eq!(reply.closed, [round(1)]);
    // What was never its own, or is long forgotten, it need not hold either; what is to come is not known.
    let strange = Poll { held: vec![round(1), round(0), round(2)], ..asking() };
    assert_eq!(bench.poll("c", &strange).closed, [round(1), round(0)]);
}

#[test]
fn an_agent_that_hands_in_while_it_waits_hears_at_once_that_the_round_is_closed() {
    let bench = Bench::new();
    bench.open(1, &["a", "b", "c"]);
    // Its poll was sent while it probed, and does not say that it holds anything.
    let probing = Poll { probing: vec![round(1)], ..waiting() };
    bench.hand_in("a", &result(1)).unwrap();
    bench.hand_in("c", &result(1)).unwrap();
    let reply: PollReply =
        meanwhile(bench.call("/v1/poll", "a", &probing), || bench.desk.close(&round(1)).unwrap()).unwrap();
    assert_eq!(reply, PollReply { closed: vec![round(1)], ..nothing() });
    // A late one is told to end first; then that it need not hold what it has handed in.
    assert_eq!(bench.poll("b", &probing), PollReply { cancel: vec![round(1)], ..nothing() });
    let reply: PollReply =
        meanwhile(bench.call("/v1/poll", "b", &probing), || drop(bench.hand_in("b", &result(1)))).unwrap();
    assert_eq!(reply, PollReply { closed: vec![round(1)], ..nothing() });
    // Said once, and again as the last word: until it has its receipt it asks on.
    let last = Poll { wait_ms: 0, ..probing };
    assert_eq!(bench.poll("b", &last).closed, [round(1)]);
    // Between handing in and the receipt it says that it probes and that it holds: one word is enough.
    let both = Poll { held: vec![round(1)], ..last };
    assert_eq!(bench.poll("c", &both).closed, [round(1)]);
}

#[test]
fn a_newer_poll_of_the_same_agent_ends_the_older() {
    let bench = Bench::new();
    let older: PollReply =
        meanwhile(bench.call("/v1/poll", "a", &waiting()), || drop(bench.poll("a", &asking()))).unwrap();
    assert_eq!(older, nothing());
}

#[test]
fn a_desk_that_ends_sends_everybody_away() {
    let bench = Bench::new();
    let refused = meanwhile(bench.call::<PollReply>("/v1/poll", "a", &waiting()), || bench.desk.end());
    assert_eq!(refused.unwrap_err().0, 503);
}

#[test]
fn the_composer_hears_of_new_agents_and_changed_addresses_with_the_clock_offset() {
    let bench = Bench::new();
    let heard = || {
        bench.events.try_recv().ok().map(|event| match event {
            DeskEvent::Present { agent, listening, clock_offset_us } => (agent, listening, clock_offset_us),
            DeskEvent::Submitted { .. } => panic!("nothing was submitted"),
        })
    };
    let mut poll = Poll { clock_us: WALL_US - 700, ..asking() };
    bench.poll("a", &poll);
    assert_eq!(heard(), Some((agent("a"), vec![], 700)));
    bench.poll("a", &poll);
    assert_eq!(heard(), None);
    poll.listening = vec!["[::1]:8080".parse().unwrap()];
    poll.clock_us = WALL_US - 500;
    bench.poll("a", &poll);
    assert_eq!(heard(), Some((agent("a"), poll.listening.clone(), 500)));
    assert_eq!(bench.desk.clock_offset_us(&agent("a")), Some(500));
}

#[test]
fn a_round_that_cannot_be_is_not_laid_down() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    let open = |number, length_ms, assignments| {
        let deadline = bench.began + std::time::Duration::from_millis(length_ms);
        bench.desk.open(round(number), bench.began, deadline, assignments).unwrap_err()
    };
    assert_eq!(open(1, 9, vec![]), DeskError::Known { id: round(1) });
    assert_eq!(open(2, 0, vec![]), DeskError::NoTime { id: round(2) });
    let wrong = DeskError::Assignment { id: round(2), agent: agent("a") };
    assert_eq!(open(2, 9, vec![assignment(1, "a")]), wrong);
    assert_eq!(open(2, 9, vec![assignment(2, "a"), assignment(2, "a")]), wrong);
    assert_eq!(bench.desk.close(&round(2)), Err(DeskError::Unknown { id: round(2) }));
    assert_eq!(bench.desk.cancel(&round(2)), Err(DeskError::Unknown { id: round(2) }));
}

#[test]
fn what_is_remembered_is_bounded() {
    use netreach_dispatch::limits::{ROUNDS_CLOSED_MAX, ROUNDS_OPEN_MAX};
    let bench = Bench::new();
    let (open, closed) = (ROUNDS_OPEN_MAX as u64, ROUNDS_CLOSED_MAX as u64);
    (1..=open).for_each(|number| bench.open(number, &["a"]));
    let deadline = bench.began + std::time::Duration::from_secs(1);
    let one_more = bench.desk.open(round(open + 1), bench.began, deadline, vec![]);
    assert_eq!(one_more, Err(DeskError::TooMany { id: round(open + 1) }));
    (1..=closed + 1).for_each(|number| bench.desk.close(&round(number)).unwrap());
    assert_eq!(bench.desk.close(&round(1)), Err(DeskError::Unknown { id: round(1) }));
    assert_eq!(bench.desk.close(&round(2)), Ok(()));
}

#[test]
fn one_that_comes_in_mid_round_is_told_what_to_answer_until_it_shows_that_it_does() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    let key = EchoKey::new([9; 32]);
    let told = PollReply { answer: vec![RoundKey { round: round(1), key: key.clone() }], ..nothing() };
    let admit = || bench.desk.admit(&round(1), &key, &agent("b"));
    let reply: PollReply = meanwhile(bench.call("/v1/poll", "b", &waiting()), admit).unwrap();
    assert_eq!(reply, told);
    admit();
    let knows = Poll { keys: vec![key.id()], ..waiting() };
    let waits: PollReply = meanwhile(bench.call("/v1/poll", "b", &knows), || bench.open(2, &["b"])).unwrap();
    assert_eq!((waits.assignment.unwrap().round, waits.answer), (round(2), vec![]));
    // Its process has begun anew: it has no key, and no part.
    let anew = Poll { probing: vec![round(2)], ..asking() };
    assert_eq!(bench.poll("b", &anew), told);
    assert_eq!(bench.poll("c", &asking()), nothing());
    bench.desk.close(&round(1)).unwrap();
    assert_eq!(bench.poll("b", &anew), nothing());
}

#[test]
fn one_that_never_takes_a_key_is_soon_told_only_as_the_last_word() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    bench.desk.admit(&round(1), &EchoKey::new([9; 32]), &agent("b"));
    (0..HAND_OUTS_MAX).for_each(|_| assert!(!bench.poll("b", &waiting()).is_empty()));
    let waits: PollReply =
        meanwhile(bench.call("/v1/poll", "b", &waiting()), || bench.open(2, &["b"])).unwrap();
    assert_eq!(waits.answer, []);
    let probing = Poll { probing: vec![round(2)], ..asking() };
    assert_eq!(bench.poll("b", &probing).answer.len(), 1);
}

#[test]
fn a_round_is_prepared_when_each_of_its_agents_has_shown_that_it_answers_its_probes() {
    let bench = Bench::new();
    let (key, agents) = (EchoKey::new([9; 32]), ["a", "b"].map(agent));
    let knows = Poll { keys: vec![EchoKey::new([8; 32]).id(), key.id()], ..asking() };
    let id = round(1);
    let preparing = bench.desk.prepare(&id, &key, &agents, Duration::MAX);
    let silent = meanwhile(preparing, || {
        assert_eq!(bench.poll("a", &asking()).answer, [RoundKey { round: round(1), key: key.clone() }]);
        bench.poll("a", &knows);
        // The reply to the first of these was lost.
        bench.poll("b", &asking());
        assert_eq!(bench.poll("b", &asking()).answer.len(), 1);
        bench.poll("b", &knows);
    });
    assert_eq!(silent, Vec::<&AgentId>::new());
    // And again, with another key: it could not be opened with that one.
    let other = EchoKey::new([7; 32]);
    bench.poll("a", &Poll { keys: vec![other.id()], ..asking() });
    let silent = async_std::task::block_on(bench.desk.prepare(&id, &other, &agents, Duration::ZERO));
    assert_eq!(silent, [&agent("b")]);
    assert_eq!(bench.poll("b", &knows).answer, [RoundKey { round: round(1), key: other }]);
}
