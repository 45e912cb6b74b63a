//! Lists.

use super::*;
use crate::log::tests::narrow;

fn selected(api: &Api, query: &str) -> String {
    let (code, list) = api.get(&format!("{REPORTS}?{query}"), METADATA_LIST);
    assert_eq!(code, 200, "{query}: {list}");
    names(&list).concat()
}

#[test]
fn a_list_is_told_as_it_is_asked_for() {
    let api = Api::of(&["c", "a", "b"]);
    let version = api.log.version().to_string();
    let (code, all) = api.get(REPORTS, JSON);
    assert_eq!(
        (code, &all["kind"], &all["apiVersion"]),
        (200, &json!("KdoctorReportList"), &json!("system.kdoctor.io/v1beta1"))
    );
    assert_eq!(names(&all), ["a", "b", "c"]);
    assert_eq!(all["metadata"], json!({"resourceVersion": version}));
    assert_eq!(all["items"][1], api.get(&format!("{REPORTS}/b"), JSON).1);
    let opened = api.shelf.opened();
    let (_, partials) = api.get(REPORTS, METADATA_LIST);
    assert_eq!((&partials["kind"], names(&partials).len()), (&json!("PartialObjectMetadataList"), 3));
    let (_, table) = api.get(&format!("{REPORTS}?includeObject=None"), TABLE);
    assert_eq!(table["rows"].as_array().unwrap().len(), 3);
    assert_eq!(table["rows"][0]["object"], Value::Null);
    assert_eq!(api.shelf.opened(), opened);
    let (_, table) = api.get(&format!("{REPORTS}?includeObject=Object"), TABLE);
    assert_eq!(table["rows"][1]["object"], all["items"][1]);
    let empty = Api::of(&[]).get(REPORTS, JSON).1;
    assert_eq!(empty["items"], json!([]));
}

#[test]
fn what_is_gone_meanwhile_is_left_out_and_what_cannot_be_read_is_no_list() {
    let api = Api::of(&["a", "gone", "z"]);
    api.shelf.forget("uid-of-gone", |_| false);
    assert_eq!(names(&api.get(REPORTS, JSON).1), ["a", "z"]);
    api.shelf.forget("uid-of-a", |_| false);
    assert_eq!(names(&api.get(REPORTS, JSON).1), ["z"]);
    for name in ["broken", "torn"] {
        let (code, status) = Api::of(&["a", name]).get(REPORTS, JSON);
        assert_eq!((code, &status["reason"]), (500, &json!("InternalError")));
    }
}

#[test]
fn reports_are_selected_by_labels_and_fields() {
    let api = Api::of(&[]);
    for (name, team, round) in [("a", "net", 1), ("b", "net", 2), ("c", "app", 2)] {
        let labels = [("team".to_owned(), team.to_owned())].into();
        api.put(Head { labels, round, is_finished: round == 2, ..head(name) });
    }
    for (query, expected) in [
        ("labelSelector=team%3Dnet", "ab"),
        ("labelSelector=team%20in%20(app,web)", "c"),
        ("labelSelector=!team", ""),
        ("labelSelector=team%21%3Dnet&fieldSelector=spec.Status%3DFinished", "c"),
        ("fieldSelector=spec.Status%3DFinished,metadata.name%21%3Db", "c"),
        ("fieldSelector=spec.ReportRoundNumber%3D1", "a"),
        ("fieldSelector=spec.RoundNumber%3D-1", "abc"),
        ("fieldSelector=spec.TaskName%3Db&limit=500", "b"),
        ("fieldSelector=metadata.name%3Dx", ""),
    ] {
        assert_eq!(selected(&api, query), expected, "{query}");
    }
    for query in ["labelSelector=a%3D%3D%3Db", "fieldSelector=spec.Report%3Da", "limit=-1", "continue=x"] {
        let (code, status) = api.get(&format!("{REPORTS}?{query}"), JSON);
        assert_eq!((code, &status["reason"]), (400, &json!("BadRequest")), "{query}");
    }
}

#[test]
fn pages_make_one_list_of_the_moment_it_began() {
    let api = Api::of(&["a", "b", "c", "d"]);
    let version = api.log.version();
    let (_, first) = api.get(&format!("{REPORTS}?limit=2"), JSON);
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b"], &json!(2)));
    let token = first["metadata"]["continue"].as_str().unwrap();
    api.put_round("c", 8);
    api.put_round("bb", 1);
    api.remove("d");
    // Contents that are no longer there are left out, what has another round since is told as it was.
    for (accept, expected) in [(METADATA_LIST, vec!["c", "d"]), (JSON, vec!["c"])] {
        let (_, rest) = api.get(&format!("{REPORTS}?limit=2&continue={token}"), accept);
        assert_eq!(names(&rest), expected);
        assert_eq!(rest["metadata"], json!({"resourceVersion": version.to_string()}));
        assert_eq!(rest["items"][0]["metadata"]["resourceVersion"], (version - 1).to_string());
    }
    let (_, rest) = api.get(&format!("{REPORTS}?continue={token}"), JSON);
    assert_eq!(rest["items"][0]["spec"]["ReportRoundNumber"], 7);
}

#[test]
fn a_list_that_began_too_long_ago_is_not_gone_on_with_unless_that_is_asked_for() {
    let api = Api::over(narrow(7, 2), Shelf::default());
    for name in ["a", "b", "c"] {
        api.put_round(name, 1);
    }
    api.log.begin();
    let (_, first) = api.get(&format!("{REPORTS}?limit=1"), JSON);
    let token = first["metadata"]["continue"].as_str().unwrap();
    for round in 2..5 {
        api.put_round("b", round);
    }
    let (code, status) = api.get(&format!("{REPORTS}?limit=1&continue={token}"), JSON);
    assert_eq!((code, &status["reason"]), (410, &json!("Expired")));
    let anew = status["metadata"]["continue"].as_str().unwrap();
    let (_, second) = api.get(&format!("{REPORTS}?limit=1&continue={anew}"), JSON);
    assert_eq!(names(&second), ["b"]);
    assert_eq!(second["metadata"]["resourceVersion"], api.log.version().to_string());
    let token = second["metadata"]["continue"].as_str().unwrap();
    assert_eq!(names(&api.get(&format!("{REPORTS}?limit=1&continue={token}"), JSON).1), ["c"]);
}

#[test]
fn a_list_is_of_the_version_it_asks_for() {
    let api = Api::over(narrow(7, 2), Shelf::default());
    api.put_round("a", 1);
    api.log.begin();
    let then = api.log.version();
    api.put_round("b", 1);
    let now = api.log.version();
    let list = |query: &str| {
        let (code, list) = api.get(&format!("{REPORTS}?{query}"), METADATA_LIST);
        if code == 200 {
            format!("{} {}", names(&list).concat(), list["metadata"]["resourceVersion"].as_str().unwrap())
        } else {
            code.to_string()
        }
    };
    let (of_then, of_now) = (format!("a {then}"), format!("ab {now}"));
    for (query, expected) in [
        ("resourceVersion=0", of_now.as_str()),
        (&format!("resourceVersion={then}"), &of_now),
        (&format!("resourceVersion={then}&resourceVersionMatch=NotOlderThan"), &of_now),
        (&format!("resourceVersion={then}&resourceVersionMatch=Exact"), &of_then),
        (&format!("resourceVersion={then}&limit=5"), &of_then),
        (&format!("resourceVersion={now}&resourceVersionMatch=Exact"), &of_now),
        (&format!("resourceVersion={}", now + 1), "504"),
        (&format!("resourceVersion={}&resourceVersionMatch=Exact", now + 1), "504"),
        (&format!("resourceVersion={}&resourceVersionMatch=Exact", then - 1), "410"),
        ("resourceVersion=5&resourceVersionMatch=Exact", "410"),
        ("resourceVersion=5", &of_now),
        ("resourceVersionMatch=Exact", "422"),
        ("resourceVersion=5&resourceVersionMatch=Best", "422"),
        ("sendInitialEvents=true", "422"),
        ("resourceVersion=x", "400"),
    ] {
        assert_eq!(list(query), expected, "{query}");
    }
    let (_, status) = api.get(&format!("{REPORTS}?resourceVersionMatch=Exact"), JSON);
    assert_eq!(status["details"]["kind"], "ListOptions");
    assert_eq!(status["details"]["causes"][0]["field"], "resourceVersionMatch");
}

#[test]
fn a_person_may_have_it_laid_out() {
    let api = Api::filled(&["a"], 200_000);
    let text = |path: &str| {
        let mut response = api.respond(by("alice", path));
        assert_eq!(response.content_type().unwrap().essence(), "application/json");
        block_on(response.body_string()).unwrap()
    };
    assert!(text(&format!("{REPORTS}/a?pretty=true")).contains("\n  \"spec\": {\n    \"Filling\": \"a"));
    assert!(text(&format!("{REPORTS}?pretty=1")).contains("\n  \"items\": [\n    {\n"));
    assert!(!text(&format!("{REPORTS}/a")).contains('\n'));
}
