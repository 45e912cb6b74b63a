//! What is answered to which bytes.

use netreach_serve::Limits;

use crate::host::Host;
use crate::peer::{Peer, in_short};

/// Says `bytes` and the end of them; expects these answers and the end of those.
fn check(host: &Host, bytes: &str, expected: &str) {
    let heard = Peer::new(host.address).say(bytes).end().hear_all();
    assert_eq!(heard, expected, "to {bytes:?}");
}

fn small() -> Limits {
    Limits { body_bytes_max: 100, ..Limits::default() }
}

#[test]
fn good_requests_are_answered_in_their_order() {
    let host = Host::new(small());
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    check(&host, "", "");
    check(&host, &get("/ok"), r#"200 "ok""#);
    check(&host, &format!("\r\n{}", get("/query?a=b&c")), r#"200 "a=b&c""#);
    check(&host, &get("http://elsewhere/ok"), r#"200 "ok""#);
    check(&host, &get("/chunks"), r#"200 "9\r\nin chunks\r\n0\r\n\r\n""#);
    check(&host, &get("/empty"), "204");
    check(&host, &get("/fail"), "503");
    check(&host, &get("/nowhere"), "404");
    check(&host, &format!("{}{}{}", get("/ok"), get("/empty"), get("/peerless")), r#"200 "ok", 204, 404"#);
    check(&host, &format!("{}{}", get("/bye"), get("/ok")), r#"200 close "bye""#);
    let odd = "GET /odd HTTP/1.1\r\nhost: a\r\nx-odd: \u{e9}\r\n\r\n";
    check(&host, odd, r#"200 "??""#);
    let raw = |values: &str| format!("GET /raw HTTP/1.1\r\nhost: a\r\nX-Odd: a\r\n{values}\r\n");
    check(&host, &raw("x-odd: \u{e9}\r\n"), "200 \"a+\u{e9}\"");
    check(&host, &raw("x-odd: ?\r\n"), r#"200 "none""#);
    host.end();
}

#[test]
fn versions_and_connection_headers_say_whether_it_goes_on() {
    let host = Host::new(small());
    let twice = |request: &str| request.repeat(2);
    check(&host, &twice("GET /ok HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), r#"200 close "ok""#);
    check(&host, &twice("GET /ok HTTP/1.0\r\n\r\n"), r#"200 close "ok""#);
    let kept = twice("GET /ok HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    check(&host, &kept, r#"200 kept "ok", 200 kept "ok""#);
    // HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
    check(&host, "GET /chunks HTTP/1.0\r\n\r\n", r#"200 close "", and 9 bytes"#);
    host.end();
}

#[test]
fn bodies_come_with_a_length_or_in_chunks_whole_or_in_pieces() {
    let host = Host::new(small());
    let whole = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
    check(&host, &whole.repeat(2), r#"200 "abc", 200 "abc""#);
    let chunked =
        "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
    check(&host, &chunked.repeat(2), r#"200 "abcd", 200 "abcd""#);
    // Byte by byte it is the same.
    for text in [whole, chunked] {
        let mut peer = Peer::new(host.address);
        for byte in text.bytes() {
            peer.say([byte]);
        }
        let mut heard = peer.hear_one();
        heard.retain(|c| c.is_ascii_digit());
        assert_eq!(heard, "200");
    }
    // An app that does not want the body is not made to take it, and the next request is not looked for in it.
    let deaf =
        "POST /deaf HTTP/1.1\r\nhost: a\r\ncontent-length: 90\r\n\r\nGET /ok HTTP/1.1\r\nhost: a\r\n\r\n";
    check(&host, deaf, r#"200 close "deaf""#);
    host.end();
}

#[test]
fn a_client_that_waits_to_be_told_is_told_only_when_the_app_wants_the_body() {
    let host = Host::new(small());
    let head = |path| {
        format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n")
    };
    let mut peer = Peer::new(host.address);
    assert_eq!(peer.say(head("/echo")).hear_one(), "100");
    assert_eq!(peer.say("abc").hear_one(), r#"200 "abc""#);
    assert_eq!(peer.say(head("/deaf")).hear_all(), r#"200 close "deaf""#);
    host.end();
}

#[test]
fn head_is_told_the_length_and_sent_no_body() {
    let host = Host::new(small());
    let mut peer = Peer::new(host.address);
    peer.say("HEAD /ok HTTP/1.1\r\nhost: a\r\n\r\nGET /empty HTTP/1.1\r\nhost: a\r\n\r\n").end();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut peer.0, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, rest) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\ncontent-length: 2"), "{head}");
    assert_eq!(in_short(rest.as_bytes()), "204");
    host.end();
}

#[test]
fn bad_requests_are_refused_and_the_connection_closed() {
    let host = Host::new(small());
    let cases = [
        ("garbage\r\n\r\n", "400 close"),
        ("GET\r\n\r\n", "400 close"),
        ("\0\0\0\0", "400 close"),
        ("\x16\x03\x01\x02\0\x01\0\x01\u{fc}", "400 close"), // a TLS client
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 close"),
        ("GET /ok HTTP/1.1\r\n\r\n", "400 close"),
        ("GET /ok HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", "400 close"),
        ("GET /ok HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n", "400 close"),
        ("GET /ok HTTP/1.1\r\nhost : a\r\n\r\n", "400 close"),
        ("GET nowhere HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
        ("BREW /ok HTTP/1.1\r\nhost: a\r\n\r\n", "501 close"),
        ("get /ok HTTP/1.1\r\nhost: a\r\n\r\n", "501 close"),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 101\r\n\r\n", "413 close"),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", "400 close"),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc", "400 close"),
        (
            "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "400 close",
        ),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n", "501 close"),
        ("POST /echo HTTP/1.1\r\nhost: a\r\nexpect: tea\r\n\r\n", "417 close"),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", "400 close"),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n65\r\n", "413 close"),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nab", "400 close"), // and the end
    ];
    for (bytes, expected) in cases {
        check(&host, bytes, expected);
        let good = "GET /ok HTTP/1.1\r\nhost: a\r\n\r\n";
        check(&host, &format!("{good}{bytes}"), &format!(r#"200 "ok", {expected}"#));
    }
    let many = format!("GET /ok HTTP/1.1\r\nhost: a\r\n{}\r\n", "a: b\r\n".repeat(256));
    check(&host, &many, "431 close");
    let long = format!("GET /ok HTTP/1.1\r\nhost: a\r\na: {}\r\n\r\n", "b".repeat(16 << 10));
    check(&host, &long, "431 close");
    let longer = format!("GET /{}", "b".repeat(64 << 10));
    check(&host, &longer, "431 close");
    host.end();
}

#[test]
fn the_app_is_told_who_asks() {
    let host = Host::new(small());
    let mut peer = Peer::new(host.address);
    let own = peer.0.local_addr().unwrap();
    assert_eq!(peer.say("GET /peer HTTP/1.1\r\nhost: a\r\n\r\n").hear_one(), format!("200 \"{own}\""));
    host.end();
}

#[test]
fn a_long_answer_comes_whole() {
    let host = Host::new(small());
    let mut peer = Peer::new(host.address);
    peer.say("GET /long HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut peer.0, &mut bytes).unwrap();
    let body = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(bytes.len() - body, 1 << 20);
    host.end();
}
