//! One report.

use std::time::Duration;

use super::*;
use crate::limits::{ANSWER_WITHIN, WHOLE_AT_ONCE_MAX};

#[test]
fn one_report_is_told_as_it_is_asked_for() {
    let api = Api::of(&["netreach-a", "netreach-b"]);
    let one = format!("{REPORTS}/netreach-b");
    let version = api.log.version().to_string();
    let (code, table) = api.get(&one, TABLE);
    assert_eq!((code, &table["kind"]), (200, &json!("Table")));
    assert_eq!(table["rows"].as_array().unwrap().len(), 1);
    let cells = json!(["netreach-b", "2023-08-01T08:37:07Z", "b", 7, "NotFinished", 0, "1.234ms"]);
    assert_eq!(table["rows"][0]["cells"], cells);
    assert_eq!(table["metadata"]["resourceVersion"], version);
    let metadata = api.get(&one, METADATA).1;
    assert_eq!(metadata["kind"], "PartialObjectMetadata");
    assert_eq!(api.shelf.opened(), 0, "a head is known without opening the report");
    let (_, object) = api.get(&one, JSON);
    assert_eq!(
        object,
        json!({
            "apiVersion": "system.kdoctor.io/v1beta1", "kind": "KdoctorReport",
            "metadata": {
                "name": "netreach-b", "uid": "uid-of-netreach-b", "resourceVersion": version,
                "creationTimestamp": "2023-08-01T08:37:07Z",
            },
            "spec": {"TaskName": "netreach-b", "Uid": "uid-of-netreach-b", "ReportRoundNumber": 7, "Filling": ""},
        })
    );
    assert_eq!(api.get(&format!("{one}?includeObject=Object"), TABLE).1["rows"][0]["object"], object);
    assert_eq!(api.get(&format!("{one}?includeObject=None"), TABLE).1["rows"][0]["object"], Value::Null);
    assert_eq!(api.get(&one, "application/yaml").0, 406);
}

#[test]
fn what_cannot_be_told_says_why() {
    let api = Api::of(&["broken", "torn", "netreach-b"]);
    for accept in [TABLE, JSON, METADATA] {
        for name in ["nosuch", "..%2fnetreach-b", "NETREACH-B", "broken."] {
            let (code, status) = api.get(&format!("{REPORTS}/{name}"), accept);
            assert_eq!((code, &status["reason"]), (404, &json!("NotFound")), "{name}");
        }
    }
    for name in ["broken", "torn"] {
        let (code, status) = api.get(&format!("{REPORTS}/{name}"), JSON);
        assert_eq!((code, &status["reason"]), (500, &json!("InternalError")), "{name}");
    }
    let (code, status) = api.get(&format!("{REPORTS}/broken?watch=true"), JSON);
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")));
    let newest = api.log.version();
    assert_eq!(api.get(&format!("{REPORTS}/netreach-b?resourceVersion={newest}"), JSON).0, 200);
    let (code, status) = api.get(&format!("{REPORTS}/netreach-b?resourceVersion={}", newest + 1), JSON);
    assert_eq!((code, &status["details"]["causes"][0]["reason"]), (504, &json!("ResourceVersionTooLarge")));
}

#[test]
fn the_longest_net_reach_has_a_report_that_can_be_read() {
    let named = |task_chars| format!("netreach-{}", "a".repeat(task_chars));
    let (longest, longer) = (named(253), named(254));
    assert_eq!((longest.len(), longer.len()), (262, 263));
    let api = Api::of(&[&longest, &longer]);
    for accept in [TABLE, JSON] {
        assert_eq!(api.get(&format!("{REPORTS}/{longest}"), accept).0, 200);
        // No NetReach has a report of this name: nobody looks for it.
        assert_eq!(api.get(&format!("{REPORTS}/{longer}"), accept).0, 404);
    }
    assert_eq!(api.shelf.opened(), 1);
}

#[test]
fn a_large_report_is_sent_as_it_is_made() {
    let api = Api::filled(&["a"], 3_000_000);
    let mut response = api.respond(by("alice", &format!("{REPORTS}/a")));
    assert_eq!((u16::from(response.status()), response.len()), (200, None));
    let object: Value = serde_json::from_slice(&block_on(response.body_bytes()).unwrap()).unwrap();
    assert_eq!(object["spec"]["Filling"].as_str().unwrap().len(), 3_000_000);
    // What fails after its beginning is cut: it must not look like a whole one.
    let torn = Api::filled(&["torn"], 3_000_000);
    let mut response = torn.respond(by("alice", &format!("{REPORTS}/torn")));
    assert_eq!(response.status(), 200);
    assert!(block_on(response.body_bytes()).is_err());
}

#[test]
fn only_so_many_reports_are_open_at_once_and_nobody_waits_for_ever() {
    let api = Api::filled(&["a"], 3_000_000);
    let one = format!("{REPORTS}/a");
    let unread: Vec<Response> = (0..WHOLE_AT_ONCE_MAX).map(|_| api.respond(by("alice", &one))).collect();
    let mut waiting = Box::pin(api.app.respond::<_, Response>(by("alice", &one)));
    assert!(block_on(poll_once(&mut waiting)).is_none());
    assert_eq!(api.get(&one, TABLE).0, 200, "what is not opened does not wait");
    api.clock.go_on(Duration::from_secs(10));
    let mut hasty = Box::pin(api.app.respond::<_, Response>(by("alice", &format!("{one}?timeout=5s"))));
    assert!(block_on(poll_once(&mut hasty)).is_none());
    api.clock.go_on(Duration::from_secs(5));
    let late = block_on(hasty).unwrap();
    assert_eq!((u16::from(late.status()), late.header("retry-after").unwrap().as_str()), (504, "1"));
    api.clock.go_on(ANSWER_WITHIN);
    assert_eq!(block_on(waiting).unwrap().status(), 504);
    // Those that were slow to be read are cut, and their turns are others'.
    for mut slow in unread {
        assert!(block_on(slow.body_bytes()).is_err());
    }
    assert_eq!(api.respond(by("alice", &one)).status(), 200);
}
