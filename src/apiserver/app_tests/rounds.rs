//! The rounds of a report.

use super::*;
use crate::Family;

fn api() -> Api {
    let api = Api::of(&[]);
    for round in 1..=3 {
        api.put_round("netreach-a", round);
    }
    // Of one that had the name before.
    api.shelf.keep(&Head { uid: "before".to_owned(), round: 9, ..head("netreach-a") });
    api
}

#[test]
fn rounds_are_listed_newest_first() {
    let api = api();
    let rounds = format!("{REPORTS}/netreach-a/rounds");
    let list = |query: &str| {
        let (code, list) = api.get(&format!("{rounds}{query}"), JSON);
        assert_eq!((code, &list["kind"]), (200, &json!("KdoctorReportRoundList")), "{query}: {list}");
        let numbers =
            list["items"].as_array().unwrap().iter().map(|item| item["RoundNumber"].as_u64().unwrap());
        (numbers.collect::<Vec<_>>(), list)
    };
    let (numbers, all) = list("");
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(all["apiVersion"], "system.kdoctor.io/v1beta1");
    assert_eq!(all["items"][0]["WorstP99InMs"], 1.234);
    assert_eq!(all["items"][0]["Uid"], "uid-of-netreach-a");
    let (numbers, page) = list("?limit=2");
    assert_eq!((numbers, &page["metadata"]["remainingItemCount"]), (vec![3, 2], &json!(1)));
    let token = page["metadata"]["continue"].as_str().unwrap();
    api.put_round("netreach-a", 4);
    assert_eq!(list(&format!("?limit=2&continue={token}")).0, [1]);
    assert_eq!(list("?uid=before").0, [9]);
    assert_eq!(list("?failed=true&limit=1").0, [4]);
}

#[test]
fn one_round_is_a_report() {
    let api = api();
    let round = |path: &str| api.get(&format!("{REPORTS}/netreach-a/rounds/{path}"), JSON);
    let (code, second) = round("2?node=n&family=NodePort&failed=true");
    assert_eq!((code, &second["kind"]), (200, &json!("KdoctorReport")));
    assert_eq!(second["spec"]["ReportRoundNumber"], 2);
    let metadata = json!({
        "name": "netreach-a", "uid": "uid-of-netreach-a", "creationTimestamp": "2023-08-01T08:37:07Z",
    });
    assert_eq!(second["metadata"], metadata);
    let asked = api.shelf.0.asked.lock().unwrap().pop().unwrap();
    let (node, family) = (Some("n".to_owned()), Some(Family::NodePort));
    assert_eq!(asked, Filter { uid: None, node, family, failed: true });
    assert_eq!(round("last").1["spec"]["ReportRoundNumber"], 3);
    assert_eq!(round("last?uid=before").1["spec"]["ReportRoundNumber"], 9);
}

#[test]
fn what_is_not_there_and_what_is_not_understood_is_told() {
    let api = api();
    for (path, code, part) in [
        ("netreach-a/rounds/4", 404, "there is no round 4, or it is no longer kept"),
        ("netreach-a/rounds/1?uid=before", 404, "there is no round 1 of uid \\\"before\\\""),
        ("netreach-a/rounds?uid=nobody", 404, "no rounds of uid \\\"nobody\\\" are kept"),
        ("netreach-b/rounds", 404, "\\\"netreach-b\\\" not found"),
        ("NETREACH-A/rounds", 404, "not found"),
        ("NETREACH-A/rounds/1", 404, "not found"),
        ("netreach-a/rounds/0", 404, "could not find the requested resource"),
        ("netreach-a/rounds/7/nodes", 404, "could not find the requested resource"),
        ("netreach-a/rounds?node=n", 400, "rounds cannot be asked for by \\\"node\\\""),
        ("netreach-a/rounds?watch=true", 400, "\\\"watch\\\""),
        ("netreach-a/rounds/1?family=pods", 400, "family=\\\"pods\\\" cannot be understood"),
        ("netreach-a/rounds/1?limit=1", 400, "a round cannot be asked for by \\\"limit\\\""),
        ("netreach-a/rounds?continue=x", 400, "continue is none"),
    ] {
        let (found, status) = api.get(&format!("{REPORTS}/{path}"), JSON);
        assert_eq!((found, &status["kind"]), (code, &json!("Status")), "{path}");
        if code == 404 && !part.starts_with("could not find") {
            // By that clients tell a report that is not there from an API that is not there.
            assert_eq!(status["details"]["name"], path.split('/').next().unwrap(), "{path}");
        }
        let part = part.replace("\\\"", "\"");
        assert!(status["message"].as_str().unwrap().contains(&part), "{path}: {status}");
    }
    assert_eq!(api.get(&format!("{REPORTS}/netreach-a/rounds"), "application/yaml").0, 406);
}
