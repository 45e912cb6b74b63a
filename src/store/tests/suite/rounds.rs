//! What is told of closed rounds, and which of them stay.

use std::collections::BTreeSet;
use std::time::Duration;

use netreach_store::{Retention, Store};

use super::Place;
use super::fixture::{at, ended, kept, kept_of, opened, report, round, verdict};

fn close(store: &Store, uid: &str, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        store.close_round(&report(uid, number, "task"), &verdict()).unwrap();
    }
}

fn numbers(store: &Store, uid: &str) -> Vec<u64> {
    store.summaries(uid).unwrap().rounds.iter().map(|round| round.number).collect()
}

/// What is told is the same with an index, without one, and with one that is torn or old.
pub(crate) fn the_index_is_a_cache(place: &dyn Place) {
    let store = place.open();
    assert_eq!(store.summaries("index").unwrap(), netreach_store::Summaries::default());
    assert!(place.get("index/index").is_none(), "there is nothing to write down");
    close(&store, "index", [9, 10, 100]);
    let told = store.summaries("index").unwrap();
    assert_eq!(told.first, Some(ended(9)));
    assert_eq!(told.damaged, []);
    let expected: Vec<_> = [9, 10, 100]
        .map(|number| {
            netreach_report::RoundSummary::of(&netreach_report::RoundHead::of(
                &report("index", number, "task"),
                &verdict(),
            ))
        })
        .into();
    assert_eq!(told.rounds, expected);

    let index = place.get("index/index").unwrap();
    assert_eq!(place.open().summaries("index").unwrap(), told);
    assert_eq!(place.get("index/index").unwrap(), index, "nothing new was written");
    place.tear("index/index");
    assert_eq!(store.summaries("index").unwrap(), told);
    assert_eq!(place.get("index/index").unwrap(), index, "it is whole again");

    // One more is noted at once; one that an old index does not know is found.
    close(&store, "index", [101]);
    assert_ne!(place.get("index/index").unwrap(), index);
    assert_eq!(numbers(&store, "index"), [9, 10, 100, 101]);
    place.put("index/index", &index);
    assert_eq!(numbers(&store, "index"), [9, 10, 100, 101]);
    // A round that is gone is not told, though the index knows it.
    store.forget_round(&round("index", 10)).unwrap();
    assert_eq!(numbers(&store, "index"), [9, 100, 101]);
}

/// The oldest go, by number, size or age; never the newest.
pub(crate) fn retention(place: &dyn Place) {
    let store = place.open();
    close(&store, "keep", 1..=10);
    store.open_round(&opened(&round("keep", 11))).unwrap();
    store.keep_result(&kept_of(&round("keep", 11), super::fixture::agent("n", "p"), false)).unwrap();
    let size =
        |number| u64::try_from(place.get(&format!("keep/rounds/{number}/closed")).unwrap().len()).unwrap();
    let sizes: Vec<_> = (1..=10).map(size).collect();
    let retain = |keep| store.retain("keep", keep, ended(10)).unwrap();

    let all = Retention::default();
    assert_eq!(retain(all), netreach_store::Removed::default());
    let removed = retain(Retention { rounds: Some(8), ..all });
    assert_eq!((removed.rounds, removed.bytes), (vec![1, 2], sizes[..2].iter().sum()));
    // Round 4 was closed six minutes before the tenth.
    let removed = retain(Retention { age: Some(Duration::from_secs(361)), ..all });
    assert_eq!(removed.rounds, [3]);
    let removed = retain(Retention { bytes: Some(sizes[5..].iter().sum()), ..all });
    assert_eq!(removed.rounds, [4, 5]);
    assert_eq!(numbers(&store, "keep"), [6, 7, 8, 9, 10]);
    let removed = retain(Retention { rounds: Some(0), age: Some(Duration::ZERO), bytes: Some(0) });
    assert_eq!(removed.rounds, [6, 7, 8, 9]);
    assert_eq!(numbers(&store, "keep"), [10]);
    assert!(place.get("keep/rounds/4/closed").is_none());

    // The instant of the first round outlives it, and the index; the open round is as it was.
    assert_eq!(store.summaries("keep").unwrap().first, Some(ended(1)));
    place.put("keep/index", b"torn");
    assert_eq!(store.summaries("keep").unwrap().first, Some(ended(1)));
    assert!(store.read_opened(&round("keep", 11)).unwrap().is_some());
    assert_eq!(store.read_results(&round("keep", 11)).unwrap().kept.len(), 1);
    assert_eq!(store.retain("nobody", all, at(0)).unwrap(), netreach_store::Removed::default());
}

/// What a settled round was made of goes too, when it was left behind.
pub(crate) fn what_is_of_no_use_goes(place: &dyn Place) {
    let store = place.open();
    for number in [1, 2] {
        let id = round("left", number);
        store.open_round(&opened(&id)).unwrap();
        store.keep_result(&kept_of(&id, super::fixture::agent("n", "p"), true)).unwrap();
        close(&store, "left", [number]);
    }
    let removed = store.retain("left", Retention::default(), ended(2)).unwrap();
    assert_eq!(removed.rounds, Vec::<u64>::new());
    assert_eq!(numbers(&store, "left"), [1, 2]);
    assert!(store.read_opened(&round("left", 1)).unwrap().is_none());
    assert_eq!(store.kept_agents(&round("left", 1)).unwrap(), []);
    // The newest may just be read by whoever closed it.
    assert!(store.read_opened(&round("left", 2)).unwrap().is_some());
}

/// NetReaches that nobody knows any more are told, but those that are to outlive their deletion.
pub(crate) fn the_gone_are_swept(place: &dyn Place) {
    let store = place.open();
    close(&store, "living", [1]);
    close(&store, "gone", [1]);
    close(&store, "epochs", [1]);
    close(&store, "retained", [1]);
    store.set_retained("retained", true).unwrap();
    store.set_retained("retained", true).unwrap();
    store.set_retained("gone", true).unwrap();
    store.set_retained("gone", false).unwrap();
    store.next_epoch(0).unwrap();
    store.keep_result(&kept("n", "p", false)).unwrap();
    place.tear("living/rounds/1/closed");
    assert_eq!(store.summaries("living").unwrap().damaged.len(), 1);

    assert_eq!(store.uids().unwrap(), ["epochs", "gone", "living", "retained", "uid"]);
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    let retained = store.retained().unwrap();
    assert_eq!(retained, names(&["retained"]));
    let gone = store.sweep(&names(&["living", "uid"]), &retained).unwrap();
    assert_eq!(gone, ["epochs", "gone"]);
    gone.iter().for_each(|uid| store.forget(uid).unwrap());
    store.forget("living").unwrap();
    assert_eq!(store.uids().unwrap(), ["retained", "uid"]);
    assert!(place.get("quarantine/living/rounds/1/closed").is_none(), "what was damaged goes with the rest");
    assert!(store.next_epoch(0).unwrap() > 1, "epochs stay");
}
