//! What is torn or altered is put aside with its bytes, and named; the rest goes on.

use netreach_store::{Damaged, DamagedResult, StoreError, Written};

use super::Place;
use super::fixture::{agent, kept, opened, report, round, verdict};

/// The good results are read, the others named.
pub(crate) fn a_damaged_result_is_named(place: &dyn Place) {
    let store = place.open();
    for pod in ["a", "b", "c"] {
        store.keep_result(&kept("n", pod, false)).unwrap();
    }
    let torn = place.tear("uid/rounds/1/results/n/b");
    let results = store.read_results(&round("uid", 1)).unwrap();
    assert_eq!(results.kept, [kept("n", "a", false), kept("n", "c", false)]);
    let [DamagedResult { agent: whose, damaged: Damaged { key, why, moved_to } }] = &results.damaged[..]
    else {
        panic!("{:?}", results.damaged)
    };
    assert_eq!(*whose, Some(agent("n", "b")));
    assert_eq!(key, "uid/rounds/1/results/n/b");
    assert!(!why.is_empty());
    assert_eq!(moved_to.as_deref(), Some("quarantine/uid/rounds/1/results/n/b"));
    assert_eq!(place.get("quarantine/uid/rounds/1/results/n/b").unwrap(), torn);
    assert!(place.get("uid/rounds/1/results/n/b").is_none());
    assert_eq!(store.read_results(&round("uid", 1)).unwrap().damaged, []);

    // Another agent's result, and an object of nobody, are no better.
    let a = place.get("uid/rounds/1/results/n/a").unwrap();
    place.put("uid/rounds/1/results/n/d", &a);
    place.put("uid/rounds/1/results/stray", b"stray");
    let damaged = store.read_results(&round("uid", 1)).unwrap().damaged;
    let whose: Vec<_> = damaged.iter().map(|one| one.agent.clone()).collect();
    assert_eq!(whose, [Some(agent("n", "d")), None]);
    assert_eq!(damaged[0].damaged.why, "it holds another result");
}

/// An agent that comes again where its result is damaged is not told that it is kept.
pub(crate) fn a_damaged_result_is_kept_anew(place: &dyn Place) {
    let store = place.open();
    let (in_time, late) = (kept("n", "p", false), kept("n", "p", true));
    assert_eq!(store.keep_result(&in_time).unwrap(), Written::Now);
    let first = place.tear("uid/rounds/1/results/n/p");
    assert_eq!(store.keep_result(&in_time).unwrap(), Written::Now);
    assert_eq!(store.keep_result(&in_time).unwrap(), Written::Before);
    assert_eq!(store.read_results(&round("uid", 1)).unwrap().kept, std::slice::from_ref(&in_time));

    // Damaged once more: what lies aside already stays as it is.
    let mut second = place.tear("uid/rounds/1/results/n/p");
    second.push(0);
    place.put("uid/rounds/1/results/n/p", &second);
    assert_eq!(store.keep_result(&late).unwrap(), Written::Now);
    assert_eq!(place.get("quarantine/uid/rounds/1/results/n/p").unwrap(), first);
    assert_eq!(place.get("quarantine/uid/_x1/rounds/1/results/n/p").unwrap(), second);
    assert_eq!(store.read_results(&round("uid", 1)).unwrap().kept, [late]);
}

/// A record that cannot be read is named with the others' summaries, from then on.
pub(crate) fn a_damaged_record_is_named(place: &dyn Place) {
    let store = place.open();
    for number in 1..=3 {
        store.close_round(&report("torn", number, "task"), &verdict()).unwrap();
    }
    let torn = place.tear("torn/rounds/2/closed");
    let check = || {
        let summaries = store.summaries("torn").unwrap();
        assert_eq!(summaries.rounds.iter().map(|round| round.number).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(summaries.damaged.len(), 1);
        assert_eq!(summaries.damaged[0].number, 2);
        summaries.damaged[0].damaged.clone()
    };
    let damaged = check();
    assert_eq!(damaged.key, "torn/rounds/2/closed");
    assert_eq!(damaged.moved_to.as_deref(), Some("quarantine/torn/rounds/2/closed"));
    assert_eq!(place.get("quarantine/torn/rounds/2/closed").unwrap(), torn);
    assert_eq!(check(), damaged, "it is remembered");
    place.put("torn/index", b"torn");
    assert_eq!(check().moved_to, damaged.moved_to, "also where the index is lost");
    assert_eq!(store.read_round(&round("torn", 2)).unwrap(), None);
    assert_eq!(store.list_rounds("torn").unwrap(), [1, 3]);
    // Closed anew, it is a round like any other.
    assert_eq!(store.close_round(&report("torn", 2, "again"), &verdict()).unwrap(), Written::Now);
    let summaries = store.summaries("torn").unwrap();
    assert_eq!((summaries.rounds.len(), summaries.damaged.len()), (3, 0));
}

/// Whoever reads it first puts it aside, and says so.
pub(crate) fn a_damaged_object_is_an_error_that_names_it(place: &dyn Place) {
    let store = place.open();
    let id = round("one", 1);
    store.open_round(&opened(&id)).unwrap();
    store.close_round(&report("one", 1, "task"), &verdict()).unwrap();
    store.summaries("one").unwrap();
    let error: StoreError = {
        place.tear("one/rounds/1/closed");
        store.read_round(&id).unwrap_err()
    };
    assert!(error.is_the_objects() && !error.is_away(), "{error}");
    let said = error.to_string();
    assert!(said.starts_with("could not understand one/rounds/1/closed: "), "{said}");
    assert!(said.ends_with("; its bytes are kept as quarantine/one/rounds/1/closed"), "{said}");
    assert_eq!(store.summaries("one").unwrap().damaged.len(), 1);
    place.tear("one/rounds/1/opened");
    let said = store.read_opened(&id).unwrap_err().to_string();
    assert!(said.starts_with("could not understand one/rounds/1/opened: "), "{said}");
    assert!(store.read_opened(&id).unwrap().is_none());
}
