//! The app without a socket. Whose certificate a caller shows is told by a header here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_lite::future::block_on;
use serde_json::{Value, json, value::to_raw_value};
use tide::Server;
use tide::http::{Method, Request, Response, StatusCode};

use crate::app::app_seeing;
use crate::identity::Vouched;
use crate::limits::LIST_BYTES_MAX;
use crate::reports::tests::{head, report};
use crate::{
    Access, Authorizer, Caller, FrontProxy, Heads, Report, Reports, Ruling, State, Trouble, Verb, app,
};

const REPORTS: &str = "/apis/system.kdoctor.io/v1beta1/kdoctorreports";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// Reports of these names, each with so many bytes more. One that is called `gone` is there no longer, one that is called
/// `broken` cannot be read.
struct Fixed {
    names: Vec<&'static str>,
    filling: usize,
    opened: Arc<AtomicUsize>,
}

#[async_trait]
impl Reports for Fixed {
    async fn heads(&self) -> Result<Heads, Trouble> {
        Ok(Heads { resource_version: 9, heads: self.names.iter().map(|name| head(name)).collect() })
    }

    async fn get(&self, name: &str) -> Result<Option<Report>, Trouble> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let mut report = report(name);
        if self.filling > 0 {
            report.spec = to_raw_value(&"a".repeat(self.filling))?;
        }
        match name {
            "broken" => Err("no disk".into()),
            "gone" => Ok(None),
            _ => Ok(self.names.contains(&name).then_some(report)),
        }
    }
}

/// Alice may do anything, Bob may list, and of Eve nothing can be told.
struct Known;

#[async_trait]
impl Authorizer for Known {
    async fn rule(&self, caller: &Caller, access: &Access) -> Result<Ruling, Trouble> {
        assert_eq!((access.group, access.version), ("system.kdoctor.io", "v1beta1"));
        assert_eq!(access.resource, "kdoctorreports");
        match (caller.user.as_str(), access.verb) {
            ("alice", _) | ("bob", Verb::List) => Ok(Ruling::Allowed),
            ("eve", _) => Err("no answer".into()),
            _ => Ok(Ruling::Denied(None)),
        }
    }
}

struct Api {
    app: Server<State>,
    state: State,
    opened: Arc<AtomicUsize>,
}

impl Api {
    fn of(names: &[&'static str], filling: usize) -> Self {
        let opened = Arc::new(AtomicUsize::new(0));
        let fixed = Fixed { names: names.to_vec(), filling, opened: Arc::clone(&opened) };
        let state = State::new(fixed, Known);
        state.set_front_proxy(FrontProxy {
            allowed_names: vec!["front-proxy".to_owned()],
            username_headers: vec!["X-Remote-User".to_owned()],
            group_headers: vec!["X-Remote-Group".to_owned()],
            ..FrontProxy::default()
        });
        let app = app_seeing(state.clone(), |request| {
            let common_name = request.header("certificate").map(|name| name.as_str());
            common_name.is_some().then_some(Vouched { common_name })
        });
        Self { app, state, opened }
    }

    fn ask(&self, request: Request) -> (u16, Value, Response) {
        let mut response: Response = block_on(self.app.respond(request)).unwrap();
        let body = block_on(response.body_bytes()).unwrap();
        let value = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
        (response.status().into(), value, response)
    }

    /// As Alice.
    fn get(&self, path: &str, accept: &str) -> (u16, Value) {
        let mut request = by("alice", path);
        request.insert_header("accept", accept);
        let (code, value, _) = self.ask(request);
        (code, value)
    }
}

fn bare(path: &str) -> Request {
    Request::new(Method::Get, format!("http://localhost{path}").as_str())
}

fn by(user: &str, path: &str) -> Request {
    let mut request = bare(path);
    request.insert_header("certificate", "front-proxy");
    request.insert_header("x-remote-user", user);
    request
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

#[test]
fn who_is_asking_decides_what_is_told() {
    let api = Api::of(&["netreach-task"], 0);
    let one = format!("{REPORTS}/netreach-task");
    for (user, path, expected) in [
        ("alice", one.as_str(), 200),
        ("alice", REPORTS, 200),
        ("bob", REPORTS, 200),
        ("bob", &one, 403),
        ("mallory", REPORTS, 403),
        ("mallory", &format!("{REPORTS}/nosuch"), 403),
        ("eve", &one, 500),
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
        let (code, body, _) = api.ask(by(user, path));
        assert_eq!(code, expected, "{user} {path}: {body}");
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
}

#[test]
fn without_tls_nobody_is_believed_and_without_the_front_proxy_neither() {
    let api = Api::of(&["netreach-task"], 0);
    let response: Response = block_on(app(api.state.clone()).respond(by("alice", REPORTS))).unwrap();
    assert_eq!(response.status(), StatusCode::Unauthorized);

    let fixed = Fixed { names: Vec::new(), filling: 0, opened: Arc::default() };
    let unready = app_seeing(State::new(fixed, Known), |_| Some(Vouched { common_name: None }));
    for (path, expected) in [(REPORTS, 401), ("/healthz", 200), ("/livez", 200), ("/readyz", 503)] {
        let response: Response = block_on(unready.respond(by("alice", path))).unwrap();
        assert_eq!(response.status(), expected, "{path}");
    }
    assert_eq!(api.ask(bare("/readyz")).0, 200);
}

#[test]
fn one_report_is_told_as_it_is_asked_for() {
    let api = Api::of(&["netreach-a", "netreach-b"], 0);
    let one = format!("{REPORTS}/netreach-b");
    let (code, table) = api.get(&one, TABLE);
    assert_eq!((code, &table["kind"]), (200, &json!("Table")));
    assert_eq!(table["rows"].as_array().unwrap().len(), 1);
    assert_eq!(table["rows"][0]["cells"], json!(["netreach-b", "2023-08-01T08:37:07Z"]));
    assert_eq!(table["metadata"]["resourceVersion"], "7");
    let metadata = api.get(&one, "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io").1;
    assert_eq!(metadata["kind"], "PartialObjectMetadata");
    assert_eq!(api.opened.load(Ordering::Relaxed), 0, "a head is known without opening the report");
    let (_, object) = api.get(&one, "application/json");
    assert_eq!(object["spec"], json!({"TaskName": "netreach-b"}));
    assert_eq!(api.get(&format!("{one}?includeObject=Object"), TABLE).1["rows"][0]["object"], object);
    for accept in [TABLE, "application/json"] {
        for name in ["nosuch", "..%2fnetreach-b", "NETREACH-B", "broken."] {
            let (code, status) = api.get(&format!("{REPORTS}/{name}"), accept);
            assert_eq!((code, &status["reason"]), (404, &json!("NotFound")), "{name}");
        }
    }
    let (code, status) = api.get(&format!("{REPORTS}/broken"), "application/json");
    assert_eq!((code, &status["reason"]), (500, &json!("InternalError")));
    assert_eq!(api.get(&one, "application/yaml").0, 406);
}

#[test]
fn the_longest_net_reach_has_a_report_that_can_be_read() {
    let named = |task_chars| -> &'static str { format!("netreach-{}", "a".repeat(task_chars)).leak() };
    let (longest, longer) = (named(253), named(254));
    assert_eq!((longest.len(), longer.len()), (262, 263));
    let api = Api::of(&[longest, longer], 0);
    for accept in [TABLE, "application/json"] {
        assert_eq!(api.get(&format!("{REPORTS}/{longest}"), accept).0, 200);
    }
    assert_eq!(api.opened.load(Ordering::Relaxed), 1);
    // No NetReach has a report of this name: nobody looks for it.
    assert_eq!(api.get(&format!("{REPORTS}/{longer}"), "application/json").0, 404);
    assert_eq!(api.opened.load(Ordering::Relaxed), 1);
}

#[test]
fn a_list_is_told_in_pages_where_that_is_asked_for() {
    let api = Api::of(&["c", "a", "gone", "b"], 0);
    let (code, all) = api.get(REPORTS, "application/json");
    assert_eq!(
        (code, &all["kind"], &all["apiVersion"]),
        (200, &json!("KdoctorReportList"), &json!("system.kdoctor.io/v1beta1"))
    );
    assert_eq!(names(&all), ["a", "b", "c"]);
    assert_eq!(all["metadata"], json!({"resourceVersion": "9"}));
    let (_, page) = api.get(&format!("{REPORTS}?limit=2"), "application/json");
    assert_eq!(names(&page), ["a", "b"]);
    assert_eq!(page["metadata"], json!({"resourceVersion": "9", "continue": "b", "remainingItemCount": 2}));
    let (_, rest) = api.get(&format!("{REPORTS}?limit=2&continue=b"), "application/json");
    assert_eq!(names(&rest), ["c"]);
    let (_, one) =
        api.get(&format!("{REPORTS}?fieldSelector=metadata.name%3Db&limit=500"), "application/json");
    assert_eq!(names(&one), ["b"]);
    let (_, table) = api.get(&format!("{REPORTS}?includeObject=None"), TABLE);
    assert_eq!(table["rows"].as_array().unwrap().len(), 4);
    assert_eq!(table["rows"][0]["object"], Value::Null);
    let (_, table) = api.get(&format!("{REPORTS}?includeObject=Object"), TABLE);
    assert_eq!(table["rows"][0]["object"]["kind"], "KdoctorReport");
    let empty = Api::of(&[], 0).get(REPORTS, "application/json").1;
    assert_eq!(empty["items"], json!([]));
}

#[test]
fn a_list_that_is_too_large_goes_on_in_another_page() {
    let api = Api::of(&["a", "b", "c"], LIST_BYTES_MAX / 3 + 1);
    let (code, status) = api.get(REPORTS, "application/json");
    assert_eq!((code, &status["reason"]), (400, &json!("BadRequest")));
    let (_, page) = api.get(&format!("{REPORTS}?limit=500"), "application/json");
    assert_eq!(names(&page), ["a", "b"]);
    assert_eq!(page["metadata"]["continue"], "b");
    let huge = Api::of(&["a"], LIST_BYTES_MAX + 1);
    assert_eq!(names(&huge.get(REPORTS, "application/json").1), ["a"]);
}

#[test]
fn what_cannot_be_done_is_refused_in_kubernetes_words() {
    let api = Api::of(&["a"], 0);
    for (query, code, reason) in [
        ("?watch=true", 405, "MethodNotAllowed"),
        ("?labelSelector=a%3Db", 422, "Invalid"),
        ("?fieldSelector=spec.TaskName%3Da", 422, "Invalid"),
        ("?limit=-1", 400, "BadRequest"),
        ("/a/status", 404, "NotFound"),
    ] {
        let (found, status) = api.get(&format!("{REPORTS}{query}"), "application/json");
        assert_eq!(
            (found, &status["reason"], &status["kind"]),
            (code, &json!(reason), &json!("Status")),
            "{query}"
        );
        assert_eq!(status["code"], code);
    }
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options, Method::Head] {
        let mut request = by("alice", REPORTS);
        request.set_method(method);
        let (code, status, response) = api.ask(request);
        assert_eq!((code, &status["reason"]), (405, &json!("MethodNotAllowed")), "{method}");
        assert_eq!(response.header("allow").unwrap().as_str(), "GET");
    }
    let mut request = by("alice", REPORTS);
    request.set_body("{}");
    assert_eq!(api.ask(request).0, 400);
}

#[test]
fn a_person_may_have_it_laid_out() {
    let api = Api::of(&["a"], 0);
    let mut response: Response =
        block_on(api.app.respond(by("alice", &format!("{REPORTS}/a?pretty=true")))).unwrap();
    let text = block_on(response.body_string()).unwrap();
    assert!(text.contains("\n  \"spec\": {\n    \"TaskName\": \"a\"\n  }"), "{text}");
    assert_eq!(response.content_type().unwrap().essence(), "application/json");
}
