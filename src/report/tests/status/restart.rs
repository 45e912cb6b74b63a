//! A history that is rebuilt from the status it made.

use netreach_api::{LastRoundStatus, NetReachStatus, RoundStatus};
use netreach_report::{History, StatusFacts, status};

use crate::fixture::{due, facts, history, line, next, open, stored, tell};

fn again(status: &NetReachStatus) -> History {
    History::from_status(Some(&stored(status)))
}

#[test]
fn a_restart_changes_nothing() {
    for sentence in [
        "",
        "1 ok",
        "1 lossy b, 2 silent c",
        "1 ok, missed 2-5",
        "missed 1-2, 3 unknown",
        "1 ok, 2 ok, 3 ok, 4 ok, 5 lossy a, 6 ok, 7 ok, 8 ok, 9 ok, 10 lossy a, 11 ok, 12 ok",
    ] {
        let mut before = history(sentence);
        let number = before.next_number();
        for (open, next) in [(open(number), next(number + 1)), (None, next(number)), (None, None)] {
            let said = status(&StatusFacts { open, next, ..facts(&before, 99) });
            let rebuilt = again(&said);
            assert_eq!(rebuilt.last(), before.last(), "{sentence}");
            let facts = StatusFacts { open, next, before: Some(&said), ..facts(&rebuilt, 99) };
            assert_eq!(stored(&status(&facts)), said, "{sentence}");
        }
        // It goes on as if nothing had been.
        let mut rebuilt = again(&status(&facts(&before, 99)));
        let on = format!("missed {}-{}, {} ok", number, number + 1, number + 2);
        tell(&mut before, &on);
        tell(&mut rebuilt, &on);
        assert_eq!(status(&facts(&rebuilt, 99)), status(&facts(&before, 99)), "{sentence}");
    }
}

#[test]
fn a_finished_netreach_keeps_its_end() {
    let history = history("1 ok, missed 2");
    let said = status(&facts(&history, 2));
    assert_eq!(said.finish_time.as_ref().map(|at| at.0), Some(due(3)));
    let rebuilt = again(&said);
    assert_eq!(status(&StatusFacts { now: due(500), ..facts(&rebuilt, 2) }).finish_time, said.finish_time);
    assert_eq!(status(&facts(&rebuilt, 3)).finish_time, None);
}

#[test]
fn what_is_not_done_is_not_taken_over() {
    let mut said = status(&StatusFacts { open: open(2), ..facts(&history("1 ok"), 9) });
    assert_eq!(again(&said).last(), Some((1, due(1))));
    said.history.as_mut().unwrap()[0].status = RoundStatus::NotStarted;
    assert_eq!(again(&said).last(), Some((1, due(1))));
}

#[test]
fn a_missed_run_of_before_is_lengthened_even_if_its_first_date_is_lost() {
    let mut said = status(&facts(&history("missed 1-2"), 9));
    said.history.as_mut().unwrap()[0].failure_reason = Some("Missed: in other words".to_owned());
    let mut rebuilt = again(&said);
    tell(&mut rebuilt, "missed 3");
    let round = status(&facts(&rebuilt, 9)).history.unwrap().remove(0);
    assert_eq!((round.round_number, round.missed_round_number), (3, Some(3)));
    assert_eq!(
        round.failure_reason.unwrap(),
        "Missed: rounds 1 to 3, the last due 2023-08-01T08:39:00Z, could not be started in time"
    );
}

#[test]
fn a_status_that_contradicts_itself_never_gives_a_number_twice() {
    let said = status(&facts(&history("1 ok, 2 lossy b, 3 ok"), 9));
    let number = |status| History::from_status(Some(&status)).next_number();
    assert_eq!(number(NetReachStatus { done_round: Some(1), ..said.clone() }), 4);
    assert_eq!(number(NetReachStatus { done_round: Some(-7), ..said.clone() }), 4);
    assert_eq!(number(NetReachStatus { done_round: None, ..said.clone() }), 4);
    assert_eq!(number(NetReachStatus { done_round: Some(8), ..said.clone() }), 9);
    let mut turned = said.clone();
    turned.history.as_mut().unwrap().reverse();
    assert_eq!(History::from_status(Some(&turned)), History::from_status(Some(&said)));
    let silent = NetReachStatus { last_round_status: None, ..said };
    assert_eq!(status(&facts(&again(&silent), 9)).last_round_status, Some(LastRoundStatus::Succeed));
    let counted = NetReachStatus { done_round: Some(5), ..NetReachStatus::default() };
    let rebuilt = again(&counted);
    assert_eq!(rebuilt.last(), Some((5, jiff::Timestamp::UNIX_EPOCH)));
    assert_eq!(line(&status(&facts(&rebuilt, 9))), "false 5/9 -");
}
