//! Who is answered, and who is not.

use super::*;
use crate::app;

#[test]
fn who_is_asking_decides_what_is_told() {
    let api = Api::of(&["netreach-task", "carols"]);
    let one = format!("{REPORTS}/netreach-task");
    let carols = format!("{REPORTS}/carols");
    for (user, path, expected) in [
        ("alice", one.as_str(), 200),
        ("alice", REPORTS, 200),
        ("alice", &format!("{one}/rounds"), 200),
        ("alice", &format!("{one}/rounds/7"), 200),
        ("bob", REPORTS, 200),
        ("bob", &one, 403),
        ("bob", &format!("{one}/rounds"), 403),
        ("bob", &format!("{REPORTS}?watch=true"), 403),
        ("carol", &carols, 200),
        ("carol", &one, 403),
        ("carol", REPORTS, 403),
        ("carol", &format!("{carols}/rounds/last"), 403),
        ("carol", &format!("{REPORTS}?fieldSelector=metadata.name%3Dcarols"), 200),
        ("carol", &format!("{REPORTS}?fieldSelector=metadata.name%21%3Dcarols"), 403),
        ("mallory", REPORTS, 403),
        ("mallory", &format!("{REPORTS}?limit=x"), 403),
        ("mallory", &format!("{REPORTS}?watch=true&limit=x"), 403),
        ("mallory", &format!("{REPORTS}/nosuch"), 403),
        ("mallory", &format!("{REPORTS}/nosuch/rounds?what=ever"), 403),
        ("eve", &one, 500),
        ("eve", &format!("{one}/rounds"), 500),
        ("mallory", "/apis", 200),
        ("system:aggregator", "/openapi/v2", 200),
        ("system:kube-aggregator", "/apis/system.kdoctor.io/v1beta1", 200),
        ("mallory", "/apis/system.kdoctor.io", 200),
        ("mallory", "/openapi/v3", 200),
        ("mallory", "/openapi/v3/apis/system.kdoctor.io/v1beta1", 200),
        ("mallory", "/version", 200),
        ("alice", "/nowhere", 404),
        ("alice", "/", 404),
    ] {
        let (code, body, response) = api.ask(by(user, path));
        assert_eq!(code, expected, "{user} {path}: {body}");
        // An API server that kept it would ask on it when there is another leader.
        assert_eq!(response.header("connection").map(|value| value.as_str()), Some("close"), "{user} {path}");
        // The same headers without the certificate, or with another one, are anybody's.
        for certificate in [None, Some("kubelet")] {
            let mut forged = bare(path);
            forged.insert_header("x-remote-user", user);
            forged.insert_header("x-remote-group", "system:masters");
            if let Some(name) = certificate {
                forged.insert_header("certificate", name);
            }
            let (code, body, response) = api.ask(forged);
            assert_eq!(
                (code, &body["reason"]),
                (401, &json!("Unauthorized")),
                "{user} {path} {certificate:?}"
            );
            // Or it would be one on this connection for ever, also when it had only come before the front proxy's CA was known.
            assert_eq!(response.header("connection").map(|value| value.as_str()), Some("close"));
        }
    }
    assert_eq!(api.ask(by("", REPORTS)).0, 401);
    let told = api.ask(by("bob", &format!("{one}/rounds"))).1;
    assert!(
        told["message"].as_str().unwrap().contains("cannot get resource \"kdoctorreports/rounds\""),
        "{told}"
    );
    let told = api.ask(by("bob", &format!("{REPORTS}?watch=true"))).1;
    assert!(told["message"].as_str().unwrap().contains("cannot watch resource \"kdoctorreports\""), "{told}");
}

#[test]
fn without_tls_nobody_is_believed_and_without_the_front_proxy_neither() {
    let api = Api::of(&["netreach-task"]);
    let response: Response = block_on(app(api.state.clone()).respond(by("alice", REPORTS))).unwrap();
    assert_eq!(response.status(), 401);

    let state = State::new(Log::new(1), Shelf::default(), Known);
    let unready = app_seeing(state.clone(), |_| Some(Vouched { common_name: None }));
    for (path, expected) in [(REPORTS, 401), ("/healthz", 200), ("/livez", 200), ("/readyz", 503)] {
        let response: Response = block_on(unready.respond(by("alice", path))).unwrap();
        assert_eq!(response.status(), expected, "{path}");
    }
    let mut ready = std::pin::pin!(state.ready());
    assert!(block_on(poll_once(&mut ready)).is_none());
    state.set_front_proxy(FrontProxy::default());
    block_on(ready);
    assert_eq!(api.ask(bare("/readyz")).0, 200);
}

#[test]
fn there_is_nothing_to_write() {
    let api = Api::of(&["a"]);
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options, Method::Head] {
        for path in ["", "/a", "/a/rounds", "/a/rounds/7"] {
            let mut request = by("alice", &format!("{REPORTS}{path}"));
            request.set_method(method);
            let (code, status, response) = api.ask(request);
            assert_eq!((code, &status["reason"]), (405, &json!("MethodNotAllowed")), "{method}");
            assert_eq!(response.header("allow").unwrap().as_str(), "GET");
        }
    }
    let mut request = by("alice", REPORTS);
    request.set_body("{}");
    assert_eq!(api.ask(request).0, 400);
}

#[test]
fn until_the_reports_are_read_in_everybody_is_told_to_come_back() {
    let api = Api::over(Log::new(1), Shelf::default());
    for path in [
        "",
        "/a",
        "/a/rounds",
        "/a/rounds/1",
        "?watch=true",
        "?watch=true&resourceVersion=5",
        "?resourceVersion=5",
    ] {
        let (code, status, response) = api.ask(by("alice", &format!("{REPORTS}{path}")));
        assert_eq!((code, &status["reason"]), (429, &json!("TooManyRequests")), "{path}");
        assert_eq!(response.header("retry-after").unwrap().as_str(), "1");
    }
    assert_eq!(api.get("/apis", JSON).0, 200);
    api.log.begin();
    assert_eq!(api.get(REPORTS, JSON).0, 200);
}
