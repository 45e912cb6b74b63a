//! Watches.

use std::time::Duration;

use super::*;
use crate::limits::{
    BOOKMARK_EVERY, EVENT_WITHIN, EVENTS_AT_ONCE_MAX, WATCH_FOR_MAX, WATCH_FOR_MIN, WATCHERS_MAX,
};
use crate::log::tests::narrow;

const WATCH_LIST: &str = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";

fn version(event: &Value) -> String {
    event["object"]["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

/// The watch that goes on after this version.
fn after(version: u64) -> String {
    format!("resourceVersion={version}")
}

#[test]
fn a_watch_list_tells_what_there_is_then_where_it_ends_then_what_becomes_of_it() {
    for (accept, kind) in [(JSON, "KdoctorReport"), (METADATA, "PartialObjectMetadata"), (TABLE, "Table")] {
        let api = Api::of(&["b", "a"]);
        let newest = api.log.version().to_string();
        let mut watch = api.watch(WATCH_LIST, accept);
        let initial = watch.events();
        let types: Vec<&str> = initial.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["ADDED", "ADDED", "BOOKMARK"], "{accept}");
        assert!(initial.iter().all(|event| event["object"]["kind"] == kind), "{accept}");
        let end = &initial[2]["object"];
        assert_eq!(end["metadata"]["resourceVersion"], newest);
        let marked = if accept == TABLE { &end["rows"][0]["object"] } else { end };
        assert_eq!(
            marked["metadata"]["annotations"],
            json!({"k8s.io/initial-events-end": "true"}),
            "{accept}"
        );
        assert_eq!(marked["metadata"]["resourceVersion"], newest);
        api.put_round("a", 8);
        api.put_round("c", 1);
        assert_eq!(watch.told(), ["MODIFIED a", "ADDED c"]);
        api.put(Head { uid: "another".to_owned(), ..head("b") });
        assert_eq!(watch.told(), ["DELETED b", "ADDED b"]);
        assert_eq!(watch.told(), [""; 0]);
    }
}

#[test]
fn events_carry_what_was_asked_for() {
    let api = Api::of(&["a"]);
    let event = |query: &str, accept| api.watch(query, accept).events().remove(0)["object"].clone();
    assert_eq!(event("", JSON), api.get(&format!("{REPORTS}/a"), JSON).1);
    assert_eq!(event("", METADATA), api.get(&format!("{REPORTS}/a"), METADATA).1);
    for include in ["None", "Metadata", "Object"] {
        let query = format!("includeObject={include}");
        let table = api.get(&format!("{REPORTS}/a?{query}"), TABLE).1;
        assert_eq!(event(&query, TABLE), table, "{include}");
    }
    // Columns are told once.
    let mut watch = api.watch("", TABLE);
    let is_told = |events: Vec<Value>| -> Vec<bool> {
        events.iter().map(|event| event["object"]["columnDefinitions"].is_array()).collect()
    };
    assert_eq!(is_told(watch.events()), [true]);
    api.put_round("a", 8);
    assert_eq!(is_told(watch.events()), [false]);
}

#[test]
fn what_is_gone_is_told_with_what_is_left_of_it() {
    let api = Api::of(&["a"]);
    let mut watch = api.watch("", JSON);
    watch.events();
    // What has been between is told by nobody: its contents are gone, and that is on its way.
    api.put_round("c", 1);
    api.remove("c");
    assert_eq!(watch.told(), ["DELETED c"]);
    api.remove("a");
    let gone = watch.events().remove(0);
    assert_eq!((&gone["type"], version(&gone)), (&json!("DELETED"), api.log.version().to_string()));
    assert_eq!(gone["object"]["metadata"]["uid"], "uid-of-a");
    assert_eq!(gone["object"]["spec"]["ReportRoundNumber"], 7);
    // Where it is kept nevertheless, it is told whole.
    api.put_round("d", 1);
    watch.events();
    api.log.remove("d");
    assert_eq!(watch.events().remove(0)["object"]["spec"]["Uid"], "uid-of-d");
}

#[test]
fn a_watch_begins_where_it_is_told_to() {
    let api = Api::over(narrow(7, 2), Shelf::default());
    api.put_round("a", 1);
    api.log.begin();
    let first = api.log.version();
    api.put_round("a", 2);
    let newest = api.put_round("b", 1);
    for (query, expected) in [
        ("", "ADDED a,ADDED b"),
        ("resourceVersion=0", "ADDED a,ADDED b"),
        ("resourceVersion=0&allowWatchBookmarks=true", "ADDED a,ADDED b,BOOKMARK"),
        ("sendInitialEvents=true&resourceVersionMatch=NotOlderThan", "ADDED a,ADDED b"),
        (&format!("{WATCH_LIST}&{}", after(newest)), "ADDED a,ADDED b,BOOKMARK"),
        (&format!("{WATCH_LIST}&resourceVersion=5"), "ADDED a,ADDED b,BOOKMARK"),
        ("sendInitialEvents=false&resourceVersionMatch=NotOlderThan", ""),
        (&after(newest), ""),
        (&after(newest - 1), "ADDED b"),
        (&after(first), "MODIFIED a,ADDED b"),
        // Of a window that is gone, of another epoch, of one that is to come.
        (&after(first - 1), "ERROR Expired"),
        (&after(6 << 32 | 5), "ERROR Expired"),
        (&after(newest + 1), "ERROR Expired"),
        (&after(8 << 32 | 1), "ERROR Expired"),
        (&format!("{WATCH_LIST}&{}", after(newest + 1)), "ERROR Timeout"),
    ] {
        let mut watch = api.watch(query, METADATA);
        assert_eq!(watch.told().join(","), expected, "{query}");
        assert_eq!(watch.is_over(), expected.starts_with("ERROR"), "{query}");
    }
    let ahead = api.watch(&format!("{WATCH_LIST}&{}", after(newest + 1)), JSON).events().remove(0);
    assert_eq!(ahead["object"]["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    assert_eq!(api.watch("resourceVersion=1", JSON).events()[0]["object"]["code"], 410);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let api = Api::of(&["a"]);
    for (query, code, reason) in [
        ("sendInitialEvents=true", 422, "Invalid"),
        ("sendInitialEvents=false&resourceVersion=5", 422, "Invalid"),
        ("resourceVersionMatch=NotOlderThan&resourceVersion=5", 422, "Invalid"),
        ("resourceVersionMatch=Exact&sendInitialEvents=true&resourceVersion=5", 422, "Invalid"),
        ("resourceVersion=x", 422, "Invalid"),
        ("continue=x", 422, "Invalid"),
        ("labelSelector=a%3D%3D%3D", 400, "BadRequest"),
        ("fieldSelector=spec.Gaps%3D1", 400, "BadRequest"),
        ("timeoutSeconds=x", 400, "BadRequest"),
    ] {
        let (found, status) = api.get(&format!("{REPORTS}?watch=true&{query}"), JSON);
        assert_eq!((found, &status["reason"]), (code, &json!(reason)), "{query}: {status}");
    }
    assert_eq!(api.get(&format!("{REPORTS}?watch=true"), "application/yaml").0, 406);
    assert_eq!(api.get("/apis/system.kdoctor.io/v1beta1/watch/kdoctorreports", JSON).0, 404);
}

#[test]
fn what_leaves_the_selection_is_gone_and_what_comes_into_it_is_new() {
    let api = Api::of(&["b"]);
    let labelled = |team: &str| Head { labels: [("team".to_owned(), team.to_owned())].into(), ..head("a") };
    api.put(labelled("net"));
    let mut watch = api.watch("labelSelector=team%3Dnet&allowWatchBookmarks=true", METADATA);
    assert_eq!(watch.told(), ["ADDED a", "BOOKMARK"]);
    api.put(Head { round: 8, ..labelled("net") });
    let left = api.put(labelled("app"));
    let events = watch.events();
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["MODIFIED", "DELETED"]);
    // As it was before, under the version of its leaving.
    assert_eq!(events[1]["object"]["metadata"]["labels"]["team"], "net");
    assert_eq!(version(&events[1]), left.to_string());
    api.put(Head { round: 9, ..labelled("app") });
    api.put_round("b", 8);
    assert_eq!(watch.told(), [""; 0]);
    api.put(labelled("net"));
    assert_eq!(watch.told(), ["ADDED a"]);
    api.log.remove("a");
    assert_eq!(watch.told(), ["DELETED a"]);
    assert_eq!(api.watch("fieldSelector=metadata.name%3Db", TABLE).told(), ["ADDED b"]);
}

#[test]
fn watchers_that_want_to_know_hear_where_they_are() {
    let api = Api::of(&["a"]);
    let mut watch = api.watch("allowWatchBookmarks=true&fieldSelector=metadata.name%3Da", METADATA);
    let mut silent = api.watch("fieldSelector=metadata.name%3Da", METADATA);
    assert_eq!((watch.told().len(), silent.told().len()), (2, 1));
    let newest = api.put_round("b", 1);
    assert_eq!(watch.told(), [""; 0]);
    api.clock.go_on(BOOKMARK_EVERY);
    let events = watch.events();
    assert_eq!((events.len(), version(&events[0])), (1, newest.to_string()));
    assert_eq!(events[0]["object"]["metadata"]["annotations"], Value::Null);
    assert_eq!(silent.told(), [""; 0]);
}

#[test]
fn a_watch_ends_when_its_time_is_over_and_says_where_it_was() {
    let api = Api::of(&["a"]);
    let mut watch =
        api.watch("timeoutSeconds=5&allowWatchBookmarks=true&fieldSelector=metadata.name%3Da", JSON);
    let mut long = api.watch("timeoutSeconds=999999999", JSON);
    let mut unsaid: Vec<Stream> = (0..20).map(|_| api.watch("", JSON)).collect();
    watch.events();
    let newest = api.put_round("b", 1);
    assert_eq!(watch.told(), [""; 0]);
    api.clock.go_on(Duration::from_secs(5));
    let events = watch.events();
    assert_eq!((events.len(), version(&events[0])), (1, newest.to_string()));
    assert!(watch.is_over());
    api.clock.go_on(WATCH_FOR_MIN - Duration::from_secs(6));
    assert!(!long.is_over() && unsaid.iter_mut().all(|watch| !watch.is_over()));
    api.clock.go_on((WATCH_FOR_MAX - WATCH_FOR_MIN) / 2);
    let over = unsaid.iter_mut().map(Stream::is_over).filter(|is_over| *is_over).count();
    assert!((5..15).contains(&over), "{over} of 20 end in the first half");
    api.clock.go_on(WATCH_FOR_MAX);
    assert!(long.is_over() && unsaid.iter_mut().all(Stream::is_over));
}

#[test]
fn the_end_of_the_server_ends_watches_between_two_events() {
    let api = Api::filled(&["a"], 100_000);
    let mut idle = api.watch("allowWatchBookmarks=true", METADATA);
    assert_eq!(idle.told(), ["ADDED a", "BOOKMARK"]);
    let mut busy = api.watch("", JSON);
    api.state.end();
    assert!(idle.is_over());
    // It has not begun: there is nothing to break off.
    assert!(busy.is_over());
    let (code, _, response) = api.ask(by("alice", &format!("{REPORTS}?watch=true")));
    assert_eq!((code, response.header("retry-after").unwrap().as_str()), (429, "1"));
    assert_eq!(api.get(REPORTS, TABLE).0, 200);
}

#[test]
fn the_end_of_the_server_does_not_break_an_event_off() {
    let api = Api::filled(&["a", "b"], 1_000_000);
    let mut watch = api.watch("", JSON);
    let mut beginning = [0; 10_000];
    let read = block_on(watch.response.read(&mut beginning)).unwrap();
    watch.read.extend_from_slice(&beginning[..read]);
    api.state.end();
    assert_eq!(watch.told(), ["ADDED a"]);
    assert!(watch.is_over());
}

#[test]
fn a_watcher_that_is_too_slow_for_the_log_lists_anew() {
    let api = Api::over(narrow(7, 3), Shelf::default());
    api.log.begin();
    let (mut slow, mut quick) = (api.watch("", METADATA), api.watch("", METADATA));
    assert_eq!((slow.told().len(), quick.told().len()), (0, 0));
    for round in 1..=4 {
        api.put_round("a", round);
        assert_eq!(quick.told().len(), 1);
    }
    assert_eq!(slow.told(), ["ERROR Expired"]);
    assert!(slow.is_over() && !quick.is_over());
}

#[test]
fn a_watcher_that_does_not_read_holds_nobody_up_for_long() {
    let api = Api::filled(&["a"], 3_000_000);
    let mut stuck: Vec<Stream> = (0..EVENTS_AT_ONCE_MAX).map(|_| api.watch("", JSON)).collect();
    for watch in &mut stuck {
        let mut beginning = [0; 10];
        assert!(block_on(poll_once(watch.response.read(&mut beginning))).is_some());
    }
    let (mut waiting, mut light) = (api.watch("", JSON), api.watch("", TABLE));
    assert_eq!(waiting.told(), [""; 0]);
    assert_eq!(light.told(), ["ADDED a"], "what is not opened does not wait");
    assert_eq!(api.get(&format!("{REPORTS}/a"), TABLE).0, 200);
    assert_eq!(api.respond(by("alice", &format!("{REPORTS}/a"))).status(), 200);
    api.clock.go_on(EVENT_WITHIN);
    for watch in &mut stuck {
        watch.told();
        // Within an event: what has been sent of it must not look like a whole one.
        assert!(matches!(watch.end, Some(Err(_))));
    }
    assert_eq!(waiting.told(), ["ADDED a"]);
}

#[test]
fn a_report_that_cannot_be_read_ends_a_watch_with_its_reason() {
    let api = Api::of(&["a"]);
    let mut watch = api.watch("", JSON);
    assert_eq!(watch.told(), ["ADDED a"]);
    api.put_round("broken", 1);
    let error = watch.events().remove(0);
    assert_eq!((&error["type"], &error["object"]["code"]), (&json!("ERROR"), &json!(500)));
    assert!(watch.is_over());
    let torn = Api::filled(&["torn"], 100_000);
    let mut watch = torn.watch("", JSON);
    assert_eq!(watch.told(), [""; 0]);
    assert!(matches!(watch.end, Some(Err(_))));
}

#[test]
fn there_are_only_so_many_watchers() {
    let api = Api::of(&["a"]);
    let mut watchers: Vec<Stream> = (0..WATCHERS_MAX).map(|_| api.watch("", METADATA)).collect();
    let (code, status, response) = api.ask(by("alice", &format!("{REPORTS}?watch=true")));
    assert_eq!((code, &status["reason"]), (429, &json!("TooManyRequests")));
    assert_eq!(response.header("retry-after").unwrap().as_str(), "1");
    assert_eq!(api.get(REPORTS, TABLE).0, 200);
    assert_eq!(watchers.pop().unwrap().told(), ["ADDED a"]);
    api.watch("", METADATA);
}
