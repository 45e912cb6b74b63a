//! What there is to ask for, and what every answer has about it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::*;
use crate::body::gzip::tests::gunzip;
use crate::limits::WHOLE_BYTES_MAX;
use crate::register;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

#[test]
fn groups_are_told_with_all_that_is_in_them_where_that_is_asked_for() {
    let api = Api::of(&[]);
    let (code, list, response) = api.ask(accepting(AGGREGATED, "/apis"));
    assert_eq!((code, &list["kind"]), (200, &json!("APIGroupDiscoveryList")));
    assert_eq!(response.header("content-type").unwrap().as_str(), AGGREGATED);
    assert_eq!(response.header("vary").unwrap().as_str(), "accept");
    for accept in [JSON, "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList"] {
        assert_eq!(api.get("/apis", accept).1["kind"], "APIGroupList");
    }
}

#[test]
fn who_has_read_it_before_is_told_so() {
    let api = Api::of(&[]);
    for path in ["/apis", "/openapi/v2", "/openapi/v3", "/openapi/v3/apis/system.kdoctor.io/v1beta1"] {
        let (_, _, response) = api.ask(by("alice", path));
        let tag = response.header("etag").unwrap().as_str().to_owned();
        for (known, expected) in
            [(tag.clone(), 304), (format!("\"x\", W/{tag}"), 304), ("\"x\"".to_owned(), 200)]
        {
            let mut request = by("alice", path);
            request.insert_header("if-none-match", known.as_str());
            let mut response = api.respond(request);
            assert_eq!(u16::from(response.status()), expected, "{path} {known}");
            assert_eq!(response.header("etag").unwrap().as_str(), tag);
            assert_eq!(block_on(response.body_bytes()).unwrap().is_empty(), expected == 304);
        }
    }
    let paths = api.get("/openapi/v3", JSON).1;
    let url = paths["paths"]["apis/system.kdoctor.io/v1beta1"]["serverRelativeURL"].as_str().unwrap();
    let kept = |path: &str| api.ask(by("alice", path)).2.header("cache-control").unwrap().as_str().to_owned();
    assert_eq!(kept(url), "public, immutable");
    assert_eq!(kept("/openapi/v3/apis/system.kdoctor.io/v1beta1?hash=x"), "no-cache, private");
    assert_eq!(kept("/openapi/v3/apis/system.kdoctor.io/v1beta1"), "no-cache, private");
}

#[test]
fn what_is_large_is_compressed_for_who_takes_it() {
    let api = Api::filled(&["a"], WHOLE_BYTES_MAX);
    let small = Api::of(&["a"]);
    let ask = |api: &Api, path: &str, accept_encoding: &str| {
        let mut request = by("alice", path);
        request.insert_header("accept-encoding", accept_encoding);
        let mut response = api.respond(request);
        let coding = response.header("content-encoding").map(|coding| coding.as_str().to_owned());
        (coding, block_on(response.body_bytes()).unwrap())
    };
    let gzip = Some("gzip".to_owned());
    for path in [format!("{REPORTS}/a"), REPORTS.to_owned(), format!("{REPORTS}/a?pretty=true")] {
        let (coding, plain) = ask(&api, &path, "identity");
        assert_eq!(coding, None);
        let (coding, compressed) = ask(&api, &path, "gzip, deflate");
        assert_eq!(coding, gzip, "{path}");
        assert!(compressed.len() < plain.len() / 10);
        assert_eq!(gunzip(&compressed), plain);
        assert_eq!(ask(&small, &path, "gzip").0, None);
    }
}

#[test]
fn a_request_is_found_again_by_its_id_and_counted() {
    let api = Api::of(&["a"]);
    let with_id = |id: &str| {
        let mut request = by("alice", &format!("{REPORTS}/a"));
        request.insert_header("audit-id", id);
        api.ask(request).2.header("audit-id").map(|id| id.as_str().to_owned())
    };
    assert_eq!(with_id("7f0c-6b3e"), Some("7f0c-6b3e".to_owned()));
    assert_eq!(with_id("a b"), None);
    assert_eq!(api.ask(by("mallory", REPORTS)).0, 403);
    let mut registry = Registry::default();
    let shown = Arc::new(OnceLock::new());
    register(&mut registry, &shown);
    let page = || {
        let mut page = String::new();
        encode(&mut page, &registry).unwrap();
        page
    };
    let mut watch = api.watch("allowWatchBookmarks=true", JSON);
    assert_eq!(watch.told(), ["ADDED a", "BOOKMARK"]);
    assert!(!page().contains("netreach_api"), "nobody has begun to work");
    shown.set(api.state.clone()).unwrap();
    let during = page();
    for line in [
        "netreach_api_requests_total{verb=\"get\",code=\"200\"} 2",
        "netreach_api_requests_total{verb=\"list\",code=\"403\"} 1",
        "netreach_api_requests_total{verb=\"watch\",code=\"200\"} 1",
        "netreach_api_watch_events_total{type=\"ADDED\"} 1",
        "netreach_api_watch_events_total{type=\"BOOKMARK\"} 1",
        "netreach_api_watchers 1",
        "netreach_api_answers_cut_total 0",
    ] {
        assert!(during.lines().any(|found| found == line), "{line}\n{during}");
    }
    drop(watch);
    assert!(page().contains("netreach_api_watchers 0\n"));
    let bytes = |page: &str| -> u64 {
        let line = page.lines().find(|line| line.starts_with("netreach_api_answer_bytes_total ")).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(bytes(&page()) > bytes(&during));
}

#[test]
fn what_is_slow_to_be_allowed_is_late() {
    struct Slow;
    #[async_trait]
    impl Authorizer for Slow {
        async fn rule(&self, _: &Caller, _: &Access) -> Result<Ruling, Trouble> {
            futures_lite::future::pending().await
        }
    }
    let clock = Told::new();
    let state = State::with_clock(Log::new(1), Shelf::default(), Slow, clock.clone());
    state.set_front_proxy(FrontProxy {
        username_headers: vec!["x-remote-user".to_owned()],
        ..FrontProxy::default()
    });
    let app = app_seeing(state, |_| Some(Vouched { common_name: None }));
    let mut waiting = Box::pin(app.respond::<_, Response>(by("alice", REPORTS)));
    assert!(block_on(poll_once(&mut waiting)).is_none());
    clock.go_on(Duration::from_secs(60));
    assert_eq!(block_on(waiting).unwrap().status(), 504);
}
