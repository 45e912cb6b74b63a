//! What callers are granted whose certificate a CA vouches for, and for how long.

use netreach_serve::{Callers, HeadLimits, Limits};

use crate::host::Host;
use crate::tls::{CA, caller, tls};
use crate::tls_caller::{Authority, Caller, Leaf, Line, ask_with, hear};

const HEAD: HeadLimits = HeadLimits { bytes_max: 200_000, headers_max: 1_000 };

/// A host that asks for certificates of this CA.
fn host(vouching: &Authority, limits: Limits) -> Host {
    let tls = tls(&CA.leaf("127.0.0.1"));
    tls.set_callers(&Callers::Asked(vouching.pem.clone().into_bytes())).unwrap();
    Host::behind(&tls, limits)
}

fn call(host: &Host, shows: Option<&Leaf>) -> Line {
    Caller { shows, ..caller() }.call(host.address)
}

#[test]
fn a_large_head_is_read_of_those_alone_who_are_vouched_for() {
    let ca = Authority::new();
    let proxy = ca.caller("front-proxy", &[]);
    let host = host(&ca, Limits { vouched_head: HEAD, ..Limits::default() });
    let check = |shows, headers: usize, length: usize, expected: &str| {
        let mut line = call(&host, shows);
        let groups = format!("x-group: {}\r\n", "b".repeat(length)).repeat(headers);
        // Whoever is refused may not take it all.
        let _ = ask_with(&mut line, "/headers", &format!("{groups}connection: close\r\n"));
        assert_eq!(hear(&mut line), expected, "{headers} headers of {length}");
    };
    // The codec keeps `connection` to itself, and `host` is one more.
    check(Some(&proxy), 250, 1, r#"200 close "251""#);
    check(Some(&proxy), 900, 1, r#"200 close "901""#);
    check(Some(&proxy), 900, 200, r#"200 close "901""#);
    check(Some(&proxy), 1, 190_000, r#"200 close "2""#);
    check(Some(&proxy), 1_000, 1, "431 close");
    check(Some(&proxy), 900, 250, "431 close");
    check(Some(&proxy), 1, 300_000, "431 close");
    check(None, 250, 1, r#"200 close "251""#);
    check(None, 300, 1, "431 close");
    check(None, 1, 20_000, "431 close");
    host.end();
}

#[test]
fn a_large_head_may_come_after_another_and_before_a_small_one() {
    let ca = Authority::new();
    let proxy = ca.caller("front-proxy", &[]);
    let host = host(&ca, Limits { vouched_head: HEAD, ..Limits::default() });
    let mut line = call(&host, Some(&proxy));
    let large = format!("x-group: {}\r\n", "b".repeat(30_000));
    for headers in [large.as_str(), "", &large, "connection: close\r\n"] {
        ask_with(&mut line, "/headers", headers).unwrap();
    }
    assert_eq!(hear(&mut line), r#"200 "2", 200 "1", 200 "2", 200 close "1""#);
    host.end();
}

#[test]
fn large_heads_that_are_answered_have_a_bound_together() {
    let ca = Authority::new();
    let proxy = ca.caller("front-proxy", &[]);
    let limits = Limits { vouched_head: HEAD, unfinished_bytes_max: 250_000, ..Limits::default() };
    let host = host(&ca, limits);
    let large = format!("x-group: {}\r\nconnection: close\r\n", "b".repeat(100_000));
    let ask = |path: &str, headers: &str| {
        let mut line = call(&host, Some(&proxy));
        ask_with(&mut line, path, headers).unwrap();
        line
    };
    let mut waiting: Vec<_> = (0..2)
        .map(|_| {
            let line = ask("/wait", &large);
            assert_eq!(host.hear(), "waits");
            line
        })
        .collect();
    assert_eq!(hear(&mut ask("/ok", &large)), "503 close");
    assert_eq!(hear(&mut ask("/ok", "connection: close\r\n")), r#"200 close "ok""#);
    host.open_gate();
    for line in &mut waiting {
        assert_eq!(hear(line), r#"200 close "through""#);
    }
    assert_eq!(hear(&mut ask("/ok", &large)), r#"200 close "ok""#);
    host.end();
}

#[test]
fn a_ca_that_is_believed_no_more_is_believed_on_no_connection() {
    let (old, new) = (Authority::new(), Authority::new());
    let (by_old, by_new) = (old.caller("old", &[]), new.caller("new", &[]));
    let tls = tls(&CA.leaf("127.0.0.1"));
    let believe = |pems: &[&str]| tls.set_callers(&Callers::Asked(pems.concat().into_bytes())).unwrap();
    believe(&[&old.pem]);
    let host = Host::behind(&tls, Limits::default());
    let mut lines = [Some(&by_old), None].map(|shows| call(&host, shows));
    let is_answered = |line: &mut Line| {
        let mut first = [0; 12];
        ask_with(line, "/ok", "").is_ok() && std::io::Read::read_exact(line, &mut first).is_ok() && {
            let mut rest = Vec::new();
            while !rest.ends_with(b"\r\n\r\nok") {
                let mut byte = [0];
                std::io::Read::read_exact(line, &mut byte).unwrap();
                rest.push(byte[0]);
            }
            &first == b"HTTP/1.1 200"
        }
    };
    assert!(lines.iter_mut().all(is_answered));
    // Also while another is believed beside it.
    believe(&[&old.pem, &new.pem]);
    assert!(lines.iter_mut().all(is_answered));
    let mut of_new = call(&host, Some(&by_new));
    believe(&[&new.pem]);
    let [of_old, of_nobody] = &mut lines;
    assert!(!is_answered(of_old));
    assert!(is_answered(of_nobody) && is_answered(&mut of_new));
    host.end();
}
