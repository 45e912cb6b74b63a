//! How long a peer may take.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use netreach_serve::Limits;

use crate::host::Host;
use crate::peer::Peer;

/// One short limit at a time, so that it is known which one ended it.
const SHORT_MS: u64 = 60;
/// Where the peer has to be quicker than the limit, on a machine that is busy with other things.
const AMPLE_MS: u64 = 500;

#[test]
fn a_silent_peer_is_closed_without_a_word() {
    let host = Host::new(Limits { idle_ms: AMPLE_MS, ..Limits::default() });
    assert_eq!(Peer::new(host.address).hear_all(), "");
    let mut kept = Peer::new(host.address);
    assert_eq!(kept.say("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").hear_all(), r#"200 "ok""#);
    host.end();
}

#[test]
fn a_head_that_stops_is_told_so() {
    let host = Host::new(Limits { head_ms: SHORT_MS, ..Limits::default() });
    assert_eq!(Peer::new(host.address).say("GET /ok HT").hear_all(), "408 close");
    host.end();
}

#[test]
fn a_body_that_stops_is_told_so() {
    let host = Host::new(Limits { request_ms: SHORT_MS, ..Limits::default() });
    let head = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n";
    assert_eq!(Peer::new(host.address).say(head).say("a").hear_all(), "408 close");
    let chunked = "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(Peer::new(host.address).say(chunked).say("3\r\na").hear_all(), "408 close");
    host.end();
}

/// A trickle keeps no connection: the deadline is the request's, not the read's.
#[test]
fn a_trickle_holds_a_connection_no_longer_than_silence() {
    let trickles = [
        (Limits { head_ms: 200, ..Limits::default() }, "GET /ok HTTP/1.1\r\nx: "),
        (
            Limits { request_ms: 200, ..Limits::default() },
            "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n",
        ),
    ];
    for (limits, start) in trickles {
        let host = Host::new(limits);
        let mut peer = Peer::new(host.address);
        // A read that times out is the pause between two bytes.
        peer.0.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        peer.say(start);
        let began = Instant::now();
        let mut bytes = [0; 1_000];
        let count = loop {
            match peer.say("a").0.read(&mut bytes) {
                Ok(count) => break count,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => panic!("{error}"),
            }
            assert!(began.elapsed() < Duration::from_secs(10), "a byte now and then held the connection");
        };
        assert!(
            bytes[..count].starts_with(b"HTTP/1.1 408"),
            "{:?}",
            String::from_utf8_lossy(&bytes[..count])
        );
        host.end();
    }
}

#[test]
fn a_peer_that_does_not_read_is_given_up() {
    let host = Host::new(Limits { write_ms: SHORT_MS, ..Limits::default() });
    let mut peer = Peer::new(host.address);
    peer.say("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(host.hear(), "dropped");
    host.end();
}

#[test]
fn an_app_may_take_its_time() {
    let host = Host::new(Limits {
        idle_ms: AMPLE_MS,
        head_ms: SHORT_MS,
        request_ms: SHORT_MS,
        write_ms: SHORT_MS,
        ..Limits::default()
    });
    let mut peer = Peer::new(host.address);
    peer.say("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(host.hear(), "waits");
    // By the time a silent peer has been closed, every limit has passed for the one who waits, too.
    assert_eq!(Peer::new(host.address).hear_all(), "");
    host.open_gate();
    assert_eq!(peer.hear_all(), r#"200 "through""#);
    host.end();
}
