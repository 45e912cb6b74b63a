//! What a page of metrics says after what has happened.

use async_std::task::block_on;
use http_types::{Method, Request, Response, Url};
use netreach_serve::{Callers, Limits, add_metrics, register_servers};
use prometheus_client::registry::Registry;

use crate::host::Host;
use crate::peer::Peer;
use crate::tls::{CA, caller, good, tls};
use crate::tls_caller::{Authority, Caller, ask};
use crate::tls_hostile::old_hello;

fn page(app: &tide::Server<()>) -> String {
    let request = Request::new(Method::Get, Url::parse("http://localhost/metrics").unwrap());
    let mut response: Response = block_on(app.respond(request)).unwrap();
    let media_type = response.content_type().unwrap().to_string();
    assert!(media_type.starts_with("application/openmetrics-text;"), "{media_type}");
    assert!(media_type.contains("version=1.0.0"), "{media_type}");
    block_on(response.body_string()).unwrap()
}

fn expect(page: &str, lines: &[&str]) {
    for line in lines {
        assert!(page.lines().any(|one| one == *line), "no {line:?} in\n{page}");
    }
}

#[test]
fn the_page_tells_what_has_come_of_connections_and_which_certificate_is_shown() {
    let (theirs, leaf) = (Authority::new(), CA.leaf("127.0.0.1"));
    let (tls, idle) = (tls(&leaf), tls(&CA.leaf("b")));
    let host = Host::behind(&tls, Limits { connections_max: 99, handshake_ms: 100, ..Limits::default() });
    let (mut registry, mut app) = (Registry::default(), tide::new());
    register_servers(&mut registry, [("desk", tls.clone()), ("idle", idle)]);
    add_metrics(&mut app, registry);

    good(caller().ask(host.address, "/ok"));
    assert_eq!(caller().ask(host.address, "/nowhere"), Ok("404 close".to_owned()));
    Peer::new(host.address).say(old_hello()).hear_all();
    Peer::new(host.address).say("GET / HTTP/1.1\r\n\r\n").hear_all();
    Peer::new(host.address).say(&old_hello()[..20]).hear_all();
    Peer::new(host.address).say(&old_hello()[..20]).end().hear_all();
    Caller { trusts: &theirs, ..caller() }.ask(host.address, "/ok").unwrap_err();
    tls.set_callers(&Callers::Required(theirs.pem.clone().into_bytes())).unwrap();
    caller().ask(host.address, "/ok").unwrap_err();
    let by_theirs = theirs.caller("a", &[]);
    let mut busy = Caller { shows: Some(&by_theirs), ..caller() }.call(host.address);
    ask(&mut busy, "/wait", "close").unwrap();
    assert_eq!(host.hear(), "waits");

    let shown = page(&app);
    let sha256 =
        format!(r#"netreach_serve_certificate_info{{sha256="{}",server="desk"}} 1"#, tls.fingerprint());
    let until = format!(
        r#"netreach_serve_certificate_not_after_timestamp_seconds{{server="desk"}} {}"#,
        tls.not_after_s()
    );
    expect(&shown, &[&sha256, &until]);
    expect(
        &shown,
        &[
            r#"netreach_serve_answers_total{server="desk",code="200"} 1"#,
            r#"netreach_serve_answers_total{server="desk",code="404"} 1"#,
            r#"netreach_serve_connections_max{server="desk"} 99"#,
            r#"netreach_serve_connections_max{server="idle"} 0"#,
            r#"netreach_serve_connections{server="desk",phase="answering"} 1"#,
            r#"netreach_serve_handshakes_total{server="desk",end="done"} 3"#,
            r#"netreach_serve_handshakes_total{server="desk",end="incompatible"} 1"#,
            r#"netreach_serve_handshakes_total{server="desk",end="garbage"} 1"#,
            r#"netreach_serve_handshakes_total{server="desk",end="late"} 1"#,
            r#"netreach_serve_handshakes_total{server="desk",end="left"} 1"#,
            r#"netreach_serve_handshakes_total{server="desk",end="refused"} 1"#,
            r#"netreach_serve_handshakes_total{server="desk",end="certificate"} 1"#,
            r#"netreach_serve_handshakes_total{server="idle",end="done"} 0"#,
            r#"netreach_serve_connections_cut_total{server="desk",bound="peer"} 0"#,
            r#"netreach_serve_certificate_reload_failures_total{server="desk"} 0"#,
            "# EOF",
        ],
    );
    let described =
        shown.lines().filter(|line| line.starts_with("# TYPE netreach_serve_handshakes ")).count();
    assert_eq!(described, 1, "a family is described once");
    host.open_gate();
    host.end();
}
