//! What a result is answered.

use async_std::task::block_on;
use futures_lite::future::{poll_once, zip};
use netreach_dispatch::DeskEvent;
use netreach_wire::{Poll, Receipt};

use crate::bench::{Bench, Refused, agent, asking, result, round};

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
fn a_desk_in_the_place_of_another_refuses_nothing_before_it_has_caught_up() {
    let bench = Bench::catching_up();
    let status = |answer: Result<Receipt, Refused>| answer.map_err(|Refused(status, _)| status);
    assert_eq!(status(bench.hand_in("a", &result(1))), Err(503));
    bench.open(1, &["a", "b"]);
    bench.desk.mark_kept(&round(1), [&agent("a")]);
    bench.desk.caught_up();
    // What the desk before has kept need not be done again, nor handed in.
    assert_eq!(bench.hand_in("a", &result(1)), Ok(Receipt::Duplicate));
    assert_eq!(bench.poll("a", &asking()).assignment, None);
    assert_eq!(status(bench.hand_in("a", &result(7))), Err(404));
    // A round that nobody knows by now is over.
    let held = bench.poll("b", &Poll { held: vec![round(7)], ..asking() });
    assert_eq!(held.closed, [round(7)]);
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
