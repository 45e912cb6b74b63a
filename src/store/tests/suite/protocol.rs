//! Several at once: of all who write the same, one has written it.

use std::sync::Barrier;
use std::thread;

use netreach_store::Written;

use super::Place;
use super::fixture::{kept, report, round, verdict};

/// Two stores and four threads on each: every round is closed by one of them, and its report stays.
pub(crate) fn one_closes_a_round(place: &dyn Place) {
    const ROUNDS: u64 = 20;
    let stores = [place.open(), place.open()];
    let start = Barrier::new(8);
    let closed: Vec<Vec<Written>> = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (store, start) = (&stores[writer % 2], &start);
                scope.spawn(move || {
                    let close = |number| {
                        start.wait();
                        let report = report("race", number, &format!("by-{writer}"));
                        store.close_round(&report, &verdict()).unwrap()
                    };
                    (1..=ROUNDS).map(close).collect()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    for number in 1..=ROUNDS {
        let at = usize::try_from(number - 1).unwrap();
        let by: Vec<_> = (0..8).filter(|writer| closed[*writer][at] == Written::Now).collect();
        assert_eq!(by.len(), 1, "round {number} was closed by {by:?}");
        let stored = stores[0].read_round(&round("race", number)).unwrap().unwrap();
        assert_eq!(stored.task, format!("by-{}", by[0]), "round {number}");
    }
    assert_eq!(stores[1].list_rounds("race").unwrap(), (1..=ROUNDS).collect::<Vec<_>>());
    let summaries = stores[1].summaries("race").unwrap();
    assert_eq!(summaries.rounds.len(), 20);
}

/// The same for an agent's result.
pub(crate) fn a_result_is_kept_once(place: &dyn Place) {
    let stores = [place.open(), place.open()];
    let start = Barrier::new(8);
    let written: Vec<Written> = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (store, start) = (&stores[writer % 2], &start);
                let mut kept = kept("n", "once", false);
                kept.clock_ahead_us = Some(i64::try_from(writer).unwrap());
                scope.spawn(move || {
                    start.wait();
                    store.keep_result(&kept).unwrap()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let by: Vec<_> = (0..8).filter(|writer| written[*writer] == Written::Now).collect();
    assert_eq!(by.len(), 1, "kept by {by:?}");
    let results = stores[0].read_results(&round("uid", 1)).unwrap();
    assert_eq!(results.kept.len(), 1);
    assert_eq!(results.kept[0].clock_ahead_us, Some(i64::try_from(by[0]).unwrap()));
}

/// Two stores and four threads on each: nobody gets an epoch that is no higher than all that were there when it asked.
pub(crate) fn epochs_rise(place: &dyn Place) {
    let stores = [place.open(), place.open()];
    let taken: Vec<Vec<u32>> = thread::scope(|scope| {
        let takers: Vec<_> = (0..8)
            .map(|taker| {
                let store = &stores[taker % 2];
                scope.spawn(move || (0..10).map(|_| store.next_epoch(0).unwrap()).collect())
            })
            .collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).collect()
    });
    for of_one in &taken {
        assert!(of_one.is_sorted_by(|a, b| a < b), "{of_one:?}");
    }
    let mut all = taken.concat();
    all.sort_unstable();
    let count = all.len();
    all.dedup();
    assert_eq!(all.len(), count, "an epoch was taken twice");
    let last = *all.last().unwrap();

    // Over a restart, and no lower than it is asked for.
    let again = place.open();
    let next = again.next_epoch(0).unwrap();
    assert!(next > last, "{next} after {last}");
    assert_eq!(again.next_epoch(next + 1_000).unwrap(), next + 1_000);
    assert_eq!(again.next_epoch(5).unwrap(), next + 1_001);
    assert!(place.get(&format!("epochs/{}", next + 1_001)).is_some());
    assert!(place.get("epochs/1").is_none(), "old ones are left");
    assert_eq!(again.next_epoch(u32::MAX).unwrap(), u32::MAX);
    let error = again.next_epoch(0).unwrap_err().to_string();
    assert_eq!(error, "could not take an epoch: 4294967295 was taken, and none is higher; begin a new store");
    assert_eq!(again.uids().unwrap(), Vec::<String>::new());
}
