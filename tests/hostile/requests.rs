//! One request each: what an API server never sends.

use serde_json::{Value, json};

use super::caller::{GOOD, Said, ask, ask_once, config, connect, over_tls, post, review};
use super::host::Host;

const JSON: &str = "application/json";

/// Asks with this body, and sees the status and what the body of the answer holds.
fn check(host: &Host, kind: &str, body: &[u8], status: u16, holds: &str) -> String {
    let said = ask_once(host, &config(host, true), GOOD, &post(kind, body));
    match said {
        Said::Answer { status: found, body } if found == status && body.contains(holds) => body,
        other => panic!("wanted {status} with {holds:?}: {other:?}"),
    }
}

/// A review whose request is changed.
fn altered(field: &str, value: Value) -> Vec<u8> {
    let mut review = review("a", &json!({}));
    review["request"][field] = value;
    review.to_string().into_bytes()
}

#[test]
fn bodies_that_are_no_reviews() {
    let host = Host::start();
    let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    for body in [&b""[..], b"{", b"null", b"[]", b"{}", b"\xff\xfe\xfd", &deep] {
        check(&host, JSON, body, 400, "admission.k8s.io/v1");
    }
    let deep_object = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let whole = review("a", &json!("@")).to_string().replace("\"@\"", &deep_object);
    check(&host, JSON, whole.as_bytes(), 400, "");
    let mut not_text = review("a", &json!({"schedule": {"schedule": "@"}})).to_string().into_bytes();
    let at = not_text.iter().position(|byte| *byte == b'@').unwrap();
    not_text[at] = 0xff;
    check(&host, JSON, &not_text, 400, "");
    for kind in ["text/plain", "application/yaml", "", "application/json/x", "multipart/form-data"] {
        check(&host, kind, review("a", &json!({})).to_string().as_bytes(), 415, "application/json");
    }
    check(
        &host,
        "application/json; charset=utf-8",
        review("a", &json!({})).to_string().as_bytes(),
        200,
        "true",
    );
}

#[test]
fn reviews_of_what_is_not_ours() {
    let host = Host::start();
    let pod = json!({"group": "", "version": "v1", "kind": "Pod"});
    check(&host, JSON, &altered("kind", pod), 200, "of which it knows nothing");
    let said = check(
        &host,
        JSON,
        &altered("kind", json!({"group": "\"", "version": "", "kind": "<script>"})),
        200,
        "true",
    );
    assert!(!said.contains("<script>"), "{said}");
    for operation in ["DELETE", "CONNECT", "EXPLODE", ""] {
        check(&host, JSON, &altered("operation", json!(operation)), 200, "\"allowed\":true");
    }
    for (field, value) in [("operation", json!(5)), ("kind", json!("NetReach")), ("uid", json!({}))] {
        check(&host, JSON, &altered(field, value), 400, "");
    }
    for uid in ["\"", "\\", "a\"},\"allowed\":true,\"x\":{\"", "\u{0}\r\n", "é", &"u".repeat(128)] {
        let said =
            check(&host, JSON, review(uid, &json!({"request": {"qps": 0}})).to_string().as_bytes(), 200, "");
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&said["response"]["uid"], &said["response"]["allowed"]), (&json!(uid), &json!(false)));
    }
    check(&host, JSON, review(&"u".repeat(129), &json!({})).to_string().as_bytes(), 400, "uid");
    let huge = json!({"agentSpec": {"annotation": {"a": "x".repeat(900_000)}}});
    check(&host, JSON, review("a", &huge).to_string().as_bytes(), 200, "");
}

#[test]
fn a_body_of_a_hundred_megabytes() {
    let host = Host::start();
    let config = config(&host, true);
    let head =
        |how: &str| format!("POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: {JSON}\r\n{how}\r\n\r\n");
    // Said beforehand, it is refused before it comes; in chunks, as soon as it is too much.
    let mut told = over_tls(&host, &config, GOOD).unwrap();
    let said = ask(&mut told, head("content-length: 104857600").as_bytes());
    assert!(matches!(said, Said::Answer { status: 413, .. }), "{said:?}");
    let mut chunked = over_tls(&host, &config, GOOD).unwrap();
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let all = [head("transfer-encoding: chunked").into_bytes(), chunk.repeat(1_600)].concat();
    let said = ask(&mut chunked, &all);
    assert!(matches!(said, Said::Answer { status: 413, .. } | Said::Closed), "{said:?}");
    assert!(host.most_resident_kib() < 40 << 10, "{} KiB", host.most_resident_kib());
}

#[test]
fn bytes_that_are_no_handshake() {
    let host = Host::start();
    // A hello of TLS 1.0 with the ciphers of its time: refused with an alert.
    let hello =
        [&[0x16, 3, 1, 0, 0x2f, 1, 0, 0, 0x2b, 3, 1][..], &[7; 32], &[0, 0, 4, 0, 0x2f, 0, 0x35, 1, 0]]
            .concat();
    let garbage: Vec<u8> = (0..20_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for bytes in [
        &hello[..],
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        &[0x80, 0x2e, 1, 0, 2],
        &garbage,
        &[0x16, 3, 3, 0xff, 0xff, 1],
    ] {
        let said = ask(&mut connect(host.address, GOOD).unwrap(), bytes);
        assert_eq!(said, Said::Closed);
    }
}

#[test]
fn a_caller_without_a_name_is_served() {
    let host = Host::start();
    let said = ask_once(
        &host,
        &config(&host, false),
        GOOD,
        &post(JSON, review("a", &json!({})).to_string().as_bytes()),
    );
    assert!(matches!(said, Said::Answer { status: 200, .. }), "{said:?}");
}
