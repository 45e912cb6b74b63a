//! What a result is answered.

use async_std::task::block_on;
use futures_lite::future::{poll_once, zip};
use netreach_dispatch::DeskEvent;
use netreach_wire::{Poll, PollReply, Receipt};

use crate::bench::{Bench, Refused, agent, asking, meanwhile, result, round, waiting};

#[test]
fn a_result_is_on_time_until_the_deadline_and_late_from_then_on() {
    let bench = Bench::new();
    bench.open(1, &["a", "b", "c"]);
    bench.pass(4_000);
    assert_eq!(bench.hand_in("a", &result(1)), Ok(Receipt::OnTime));
    bench.pass(1);
    assert_eq!(bench.hand_in("b", &result(1)), Ok(Receipt::Late));
    bench.desk.close(&round(1)).unwrap();
    assert_eq!(bench.hand_in("c", &result(1)), Ok(Receipt::Late));
}

#[test]
fn a_closed_round_takes_late_results_and_a_cancelled_one_takes_what_there_is() {
    let bench = Bench::new();
    bench.open(1, &["a", "b"]);
    bench.desk.cancel(&round(1)).unwrap();
    assert_eq!(bench.hand_in("a", &result(1)), Ok(Receipt::OnTime));
    bench.desk.close(&round(1)).unwrap();
    assert_eq!(bench.hand_in("b", &result(1)), Ok(Receipt::Late));
}

#[test]
fn a_result_is_taken_once_and_by_round_and_agent() {
    let bench = Bench::new();
    bench.open(1, &["a", "b"]);
    bench.open(2, &["a"]);
    assert_eq!(bench.hand_in("a", &result(1)), Ok(Receipt::OnTime));
    assert_eq!(bench.hand_in("a", &result(1)), Ok(Receipt::Duplicate));
    assert_eq!(bench.hand_in("b", &result(1)), Ok(Receipt::OnTime));
    assert_eq!(bench.hand_in("a", &result(2)), Ok(Receipt::OnTime));
    // Once it is there, it is not asked for again.
    assert_eq!(bench.poll("a", &asking()).assignment, None);
}

#[test]
fn a_desk_in_the_place_of_another_refuses_no_round_before_it_has_caught_up() {
    let bench = Bench::catching_up();
    let hand_in = |name, number| bench.hand_in(name, &result(number)).map_err(|Refused(status, _)| status);
    let held = |name, number| bench.poll(name, &Poll { held: vec![round(number)], ..asking() }).closed;
    assert_eq!((hand_in("a", 1), held("a", 1)), (Err(503), vec![]));
    bench.open(1, &["a", "b"]);
    // A round that is known is answered at once, even to those who have no part in it.
    assert_eq!((hand_in("a", 1), hand_in("c", 1)), (Ok(Receipt::OnTime), Err(404)));
    assert_eq!((hand_in("a", 7), held("a", 7)), (Err(503), vec![]));
    // From here on a round that nobody knows is over; who waits hears it without asking again.
    let waits = Poll { held: vec![round(7), round(1)], ..waiting() };
    let reply: PollReply = meanwhile(bench.call("/v1/poll", "b", &waits), || bench.desk.caught_up()).unwrap();
    assert_eq!(reply.closed, [round(7)]);
    assert_eq!((hand_in("a", 7), held("a", 7)), (Err(404), vec![round(7)]));
}

#[test]
fn a_desk_in_nobodys_place_knows_nothing_of_rounds_of_before() {
    let bench = Bench::new();
    assert_eq!(bench.hand_in("a", &result(7)).unwrap_err().0, 404);
    assert_eq!(bench.poll("a", &Poll { held: vec![round(7)], ..asking() }).closed, []);
}

#[test]
fn what_an_earlier_desk_has_kept_is_neither_done_nor_kept_again() {
    let bench = Bench::catching_up();
    bench.open(1, &["a", "b"]);
    // Nor does it matter who has no part in it, or that there is no such round.
    bench.desk.mark_kept(&round(1), &[agent("a"), agent("c")]);
    bench.desk.mark_kept(&round(2), [&agent("a")]);
    bench.desk.caught_up();
    assert_eq!(bench.poll("a", &asking()).assignment, None);
    assert_eq!(bench.poll("b", &asking()).assignment.unwrap().agent, agent("b"));
    assert_eq!(bench.hand_in("a", &result(1)), Ok(Receipt::Duplicate));
    let held = Poll { held: vec![round(1)], ..waiting() };
    let reply: PollReply =
        meanwhile(bench.call("/v1/poll", "a", &held), || bench.desk.close(&round(1)).unwrap()).unwrap();
    assert_eq!(reply.closed, [round(1)]);
}

#[test]
fn a_round_that_an_earlier_desk_has_closed_is_that_to_all_of_its_agents() {
    let bench = Bench::catching_up();
    bench.desk.recall(round(1), [(agent("a"), Some(1)), (agent("b"), None)]);
    bench.desk.caught_up();
    // The one whose result is in the report has not heard so: neither its connection nor that desk is there any more.
    let probing = Poll { probing: vec![round(1)], ..asking() };
    let PollReply { cancel, closed, .. } = bench.poll("a", &probing);
    assert_eq!((cancel, closed), (vec![], vec![round(1)]));
    assert_eq!(bench.hand_in("a", &result(1)), Ok(Receipt::Duplicate));
    assert_eq!(bench.poll("a", &Poll { held: vec![round(1)], ..asking() }).closed, [round(1)]);
    // The one whose is not may end the round, and is too late with it.
    assert_eq!(bench.poll("b", &probing).cancel, [round(1)]);
    assert_eq!(bench.hand_in("b", &result(1)), Ok(Receipt::Late));
    // Others have no part in it.
    assert_eq!(bench.hand_in("c", &result(1)).unwrap_err().0, 404);
}

#[test]
fn a_round_that_is_known_is_not_recalled() {
    let bench = Bench::catching_up();
    bench.open(1, &["a"]);
    bench.desk.recall(round(1), [(agent("b"), Some(1))]);
    assert_eq!(bench.hand_in("b", &result(1)).unwrap_err().0, 404);
    assert_eq!(bench.hand_in("a", &result(1)), Ok(Receipt::OnTime));
}

#[test]
fn nobody_is_told_to_end_a_round_while_its_result_is_being_kept() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    let probing = Poll { probing: vec![round(1)], ..asking() };
    assert_eq!(bench.poll("a", &asking()).assignment.unwrap().round, round(1));
    block_on(async {
        let words = result(1);
        let mut submitting = std::pin::pin!(bench.submit("a", &words));
        // Of the poll.
        assert!(matches!(bench.events.recv().await.unwrap(), DeskEvent::Present { .. }));
        let event = futures_lite::future::or(async { Err(submitting.as_mut().await) }, async {
            Ok(bench.events.recv().await.unwrap())
        });
        let Ok(DeskEvent::Submitted { keeping, .. }) = event.await else { panic!("there is a receipt") };
        bench.desk.close(&round(1)).unwrap();
        let reply: PollReply = bench.call("/v1/poll", "a", &probing).await.unwrap();
        assert_eq!((reply.cancel, reply.closed), (vec![], vec![]));
        keeping.confirm();
        assert_eq!(submitting.await, Ok(Receipt::OnTime));
    });
    assert_eq!(bench.poll("a", &probing).closed, [round(1)]);
}

#[test]
fn the_composer_gets_the_result_and_who_sent_it() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    block_on(async {
        let composing = async {
            match bench.events.recv().await.unwrap() {
                DeskEvent::Submitted { agent: who, receipt, result: what, clock_offset_us, keeping } => {
                    assert_eq!((who, receipt, clock_offset_us), (agent("a"), Receipt::OnTime, None));
                    assert_eq!(*what, result(1));
                    keeping.confirm();
                }
                DeskEvent::Present { .. } => panic!("nobody has polled"),
            }
        };
        assert_eq!(zip(bench.submit("a", &result(1)), composing).await.0, Ok(Receipt::OnTime));
    });
}

#[test]
fn no_receipt_before_the_result_is_kept() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    block_on(async {
        let words = result(1);
        let mut first = std::pin::pin!(bench.submit("a", &words));
        // The first is with the composer; who asks again meanwhile is not told that it is there.
        let event = futures_lite::future::or(async { Err(first.as_mut().await) }, async {
            Ok(bench.events.recv().await.unwrap())
        })
        .await
        .expect("there is no receipt yet");
        let second = bench.submit("a", &words).await.unwrap_err();
        assert_eq!(second.0, 503, "{}", second.1);
        assert!(poll_once(first.as_mut()).await.is_none());
        // The composer could not keep it: the agent must try again, and then it works.
        drop(event);
        let refused = first.await.unwrap_err();
        assert_eq!(refused.0, 503, "{}", refused.1);
    });
    assert_eq!(bench.hand_in("a", &result(1)), Ok(Receipt::OnTime));
}

#[test]
fn an_agent_that_went_away_while_it_waited_finds_its_result_not_taken() {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    block_on(async {
        let words = result(1);
        let gone = async {
            let event = bench.events.recv().await;
            drop(event);
        };
        futures_lite::future::or(async { drop(bench.submit("a", &words).await) }, gone).await;
    });
    assert_eq!(bench.hand_in("a", &result(1)), Ok(Receipt::OnTime));
}

#[test]
fn a_round_that_is_closed_can_be_waited_for_until_its_results_are_kept_or_are_not() {
    let bench = Bench::new();
    bench.open(1, &["a", "b"]);
    block_on(async {
        bench.desk.all_kept(&round(1)).await;
        bench.desk.all_kept(&round(9)).await;
        let words = result(1);
        for is_kept in [true, false] {
            let mut submitting = std::pin::pin!(bench.submit(if is_kept { "a" } else { "b" }, &words));
            let event = futures_lite::future::or(async { Err(submitting.as_mut().await) }, async {
                Ok(bench.events.recv().await.unwrap())
            });
            let event = event.await.expect("there is no receipt yet");
            if is_kept {
                bench.desk.close(&round(1)).unwrap();
            }
            let of = round(1);
            let mut waiting = std::pin::pin!(bench.desk.all_kept(&of));
            assert!(poll_once(waiting.as_mut()).await.is_none());
            match event {
                DeskEvent::Submitted { keeping, .. } if is_kept => keeping.confirm(),
                event => drop(event),
            }
            assert_eq!(submitting.await.is_ok(), is_kept);
            waiting.await;
        }
    });
}
