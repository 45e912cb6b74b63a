//! Results that do not come when they should, over real sockets: whole agents, real desks, real deadlines.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "late/desk.rs"]
mod desk;
#[path = "late/quick.rs"]
mod quick;
#[path = "late/round.rs"]
mod round;

use netreach_report::{Submitted, Verdict, judge, merge};
use netreach_wire::{POLL_PATH, Poll, PollReply, RESULTS_PATH, Receipt, VERSION};
use serde_json::Value;

use desk::{OpenDesk, Runner, agent, cut_all_until, post};
use quick::quick_result;
use round::{EXPECT, LOAD, Round, document};

/// An agent hands in a second before the deadline at the latest: with a second of load it comes to all its slots.
const TIGHT_MS: u64 = 3_000;
const AMPLE_MS: u64 = 60_000;
const LONG_S: u32 = 600;
const LONG_MS: u64 = 600_000;

/// An agent that is done before all others, for it sends nothing: it takes its assignment and hands in a result.
fn quick(desk: &OpenDesk) -> Submitted {
    let asks = Poll { version: VERSION, ..Poll::default() };
    let assigned: PollReply = post(desk.port, POLL_PATH, "quick", &asks);
    let result = quick_result(&assigned.assignment.unwrap());
    std::thread::scope(|scope| {
        let receipt = scope.spawn(|| post::<Receipt>(desk.port, RESULTS_PATH, "quick", &result));
        let kept = desk.next_result();
        assert_eq!(receipt.join().unwrap(), Receipt::OnTime);
        kept
    })
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn a_late_agent_is_named_and_keeps_its_figures_and_one_in_time_is_its_own_success() {
    let first = OpenDesk::at(0, &["slow", "quick"]);
    let (port, running) = (first.port, Runner::start("slow", first.port));
    let round = Round::of(&["slow", "quick"], "slow", first.hear_of("slow"), TIGHT_MS);
    round.lay_down(&first.desk);
    let quick = quick(&first);
    first.await_poll(|poll| poll.probing == [Round::id()]);
    // The desk is away when the result is to be handed in, and comes back when the deadline is over.
    first.leave();
    assert!(cut_all_until(port, round.deadline), "the result should have been handed in before the deadline");
    let at_close = merge(round.closed(vec![quick.clone()]));
    assert_eq!(at_close.missing[0].agent, agent("slow"));
    let second = OpenDesk::at(port, &["slow", "quick"]);
    round.lay_down(&second.desk);
    let slow = second.next_result();
    assert_eq!((&quick.late, &slow.agent, slow.late), (&false, &agent("slow"), true));

    let report = merge(round.closed(vec![slow, quick]));
    let Verdict::Failed(reasons) = judge(&report, &EXPECT) else { panic!("late is no success") };
    let reasons: Vec<_> = reasons.iter().map(|reason| (reason.code(), reason.agent())).collect();
    assert_eq!(reasons, [("AgentsMissing", Some(&agent("slow")))]);
    let document = document(&report);
    let spec = &document["spec"];
    assert_eq!((&spec["Verdict"], &spec["AgentsMissing"]), (&"fail".into(), &Value::Array(vec![])));
    assert_eq!(spec["AgentsLate"].as_array().unwrap().len(), 1);
    assert_eq!(spec["AgentsLate"][0]["PodName"], "agent-slow");
    let parts = spec["Report"].as_array().unwrap();
    let of = |pod: &str| parts.iter().find(|part| part["PodName"] == pod).unwrap();
    assert_eq!(
        (&of("agent-quick")["RoundResult"], &of("agent-quick")["Late"]),
        (&"succeed".into(), &false.into())
    );
    let slow = of("agent-slow");
    assert_eq!((&slow["RoundResult"], &slow["Late"]), (&"fail".into(), &true.into()));
    let detail = &slow["NetReachTask"]["Detail"][0];
    let metrics = &detail["Metrics"];
    assert_eq!((count(&metrics["RequestCounts"]), count(&detail["UnsentCounts"])), (LOAD.slots(), 0));
    assert_eq!(count(&metrics["SuccessCounts"]), LOAD.slots(), "{detail}");
    assert!(metrics["Latencies"]["P99InMs"].as_f64().unwrap() > 0.0);
    running.end();
    second.leave();
}

#[test]
fn an_agent_keeps_its_result_while_the_desk_is_away_and_hands_it_to_the_next() {
    let first = OpenDesk::at(0, &["faithful"]);
    let (port, running) = (first.port, Runner::start("faithful", first.port));
    let round = Round::of(&["faithful"], "faithful", first.hear_of("faithful"), AMPLE_MS);
    round.lay_down(&first.desk);
    first.await_poll(|poll| poll.probing == [Round::id()]);
    first.leave();
    let second = OpenDesk::at(port, &["faithful"]);
    round.lay_down(&second.desk);
    let kept = second.next_result();
    assert!(!kept.late);
    second.desk.close(&Round::id()).unwrap();
    let report = merge(round.closed(vec![kept]));
    assert_eq!(judge(&report, &EXPECT), Verdict::Succeeded);
    assert_eq!(report.agents[0].targets[0].statuses[&200], LOAD.slots());
    second.await_forgotten(&Round::id());
    running.end();
    second.leave();
}

#[test]
fn an_agent_whose_round_is_closed_stops_and_hands_in_what_it_has_as_late() {
    let desk = OpenDesk::at(0, &["cut"]);
    let running = Runner::start("cut", desk.port);
    let round = Round::of(&["cut"], "cut", desk.hear_of("cut"), AMPLE_MS);
    round.lay_down(&desk.desk);
    desk.await_poll(|poll| poll.probing == [Round::id()]);
    desk.desk.close(&Round::id()).unwrap();
    let cut = desk.next_result();
    assert!(cut.late && cut.result.interrupted);
    let report = merge(round.closed(vec![cut]));
    let target = &report.agents[0].targets[0];
    assert_eq!(target.sent() + target.unsent, LOAD.slots());
    assert!(target.unsent > 0);
    desk.await_forgotten(&Round::id());
    running.end();
    desk.leave();
}

#[test]
fn an_agent_whose_round_was_lost_with_its_desk_stops() {
    let first = OpenDesk::at(0, &["stray"]);
    let patient = ["--finish-within", "600"];
    let (port, running) = (first.port, Runner::start_with("stray", first.port, &patient));
    // Far longer than anybody waits here.
    let round = Round::of(&["stray"], "stray", first.hear_of("stray"), 2 * LONG_MS).lasting_s(LONG_S);
    round.lay_down(&first.desk);
    first.await_poll(|poll| poll.probing == [Round::id()]);
    first.leave();
    let second = OpenDesk::catching_up_at(port, &["stray"]);
    second.await_poll(|poll| poll.probing == [Round::id()]);
    second.desk.caught_up();
    second.await_cancel(&Round::id());
    // It would wait for its round as long as that goes on.
    running.end();
    second.leave();
}

#[test]
fn an_agent_that_is_told_to_end_finishes_its_round_and_answers_until_it_is_closed() {
    let desk = OpenDesk::at(0, &["leaving"]);
    let running = Runner::start_with("leaving", desk.port, &["--finish-within", "60"]);
    let answers_at = desk.hear_of("leaving");
    let round = Round::of(&["leaving"], "leaving", answers_at, AMPLE_MS);
    round.lay_down(&desk.desk);
    desk.await_poll(|poll| poll.probing == [Round::id()]);
    running.tell_to_end();
    let whole = desk.next_result();
    assert!(!whole.result.interrupted);
    // Others may still probe it.
    std::net::TcpStream::connect(answers_at).unwrap();
    desk.desk.close(&Round::id()).unwrap();
    running.end();
    std::net::TcpStream::connect(answers_at).unwrap_err();
    let report = merge(round.closed(vec![whole]));
    assert_eq!(judge(&report, &EXPECT), Verdict::Succeeded);
    desk.leave();
}
