//! What becomes of callers over TLS who mean no good.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use netreach_serve::Limits;

use crate::host::Host;
use crate::peer::{PATIENCE, Peer, in_short};
use crate::tls::{CA, caller, good, tls};
use crate::tls_caller::hear;

fn host(limits: Limits) -> Host {
    Host::behind(&tls(&CA.leaf("127.0.0.1")), limits)
}

/// A ClientHello of TLS 1.0: record and handshake of version 3.1, one cipher suite, no extension.
pub(crate) fn old_hello() -> Vec<u8> {
    let mut hello = vec![3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.append(&mut hello);
    record
}

#[test]
fn whoever_speaks_no_tls_of_today_is_sent_away() {
    let host = host(Limits::default());
    let hellos =
        [old_hello(), b"GET /ok HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(), vec![0; 4_000], vec![22; 4_000]];
    for hello in hellos {
        // An alert at most, and the end.
        let heard = Peer::new(host.address).say(&hello).hear_all();
        assert!(heard.is_empty() || heard == "and 7 bytes", "{hello:?}: {heard}");
        good(caller().ask(host.address, "/ok"));
    }
    host.end();
}

#[test]
fn a_handshake_that_does_not_go_on_is_ended() {
    let host = host(Limits { handshake_ms: 100, ..Limits::default() });
    let began = Instant::now();
    assert_eq!(Peer::new(host.address).say(&old_hello()[..20]).hear_all(), "");
    assert!(began.elapsed() < PATIENCE / 2);
    host.end();
}

#[test]
fn a_stop_waits_for_no_handshake() {
    let host = host(Limits { drain_ms: 60_000, ..Limits::default() });
    let mut silent = Peer::new(host.address);
    let mut half = Peer::new(host.address);
    half.say(&old_hello()[..20]);
    good(caller().ask(host.address, "/ok"));
    let began = Instant::now();
    host.end();
    assert!(began.elapsed() < PATIENCE);
    assert_eq!((silent.hear_all(), half.hear_all()), (String::new(), String::new()));
}

#[test]
fn a_stop_lets_the_answer_out_that_was_asked_for_over_tls() {
    let host = host(Limits::default());
    let mut busy = caller().call(host.address);
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    assert_eq!(host.hear(), "waits");
    let half: Vec<Peer> = (0..50)
        .map(|_| {
            let mut peer = Peer::new(host.address);
            peer.say(&old_hello()[..20]);
            peer
        })
        .collect();
    host.stop.stop();
    for mut peer in half {
        assert_eq!(peer.hear_all(), "");
    }
    host.open_gate();
    assert_eq!(hear(&mut busy), r#"200 close "through""#);
    host.end();
}

/// Says one byte every now and then until the end is heard.
fn trickle(mut line: impl Read + Write) -> Vec<u8> {
    let began = Instant::now();
    let (mut heard, mut bytes) = (Vec::new(), [0; 1_000]);
    loop {
        let _ = line.write_all(b"a");
        match line.read(&mut bytes) {
            Ok(0) => return heard,
            Ok(count) => heard.extend_from_slice(&bytes[..count]),
            // A read that times out is the pause between two bytes.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return heard,
        }
        assert!(began.elapsed() < PATIENCE / 2, "a byte now and then held the connection");
    }
}

const PAUSE: Option<Duration> = Some(Duration::from_millis(10));

#[test]
fn a_trickle_holds_no_handshake() {
    let host = host(Limits { handshake_ms: 200, ..Limits::default() });
    let mut peer = Peer::new(host.address);
    // The beginning of a record that may be as long as records get.
    peer.say([22, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb]);
    peer.0.set_read_timeout(PAUSE).unwrap();
    assert!(trickle(peer.0).is_empty());
    host.end();
}

#[test]
fn a_trickle_holds_no_request_and_is_told_so() {
    let trickles = [
        (Limits { head_ms: 200, ..Limits::default() }, "GET /ok HTTP/1.1\r\nx: "),
        (
            Limits { request_ms: 200, ..Limits::default() },
            "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n",
        ),
    ];
    for (limits, start) in trickles {
        let host = host(limits);
        let mut line = caller().call(host.address);
        line.write_all(start.as_bytes()).unwrap();
        line.sock.set_read_timeout(PAUSE).unwrap();
        assert_eq!(in_short(&trickle(line)), "408 close");
        host.end();
    }
}

#[test]
fn a_caller_that_does_not_read_is_given_up() {
    let host = host(Limits { write_ms: 60, ..Limits::default() });
    let mut line = caller().call(host.address);
    line.write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    assert_eq!(host.hear(), "dropped");
    host.end();
}

#[test]
fn a_body_of_a_hundred_megabytes_is_refused_at_once_or_at_the_bound() {
    const BYTES: usize = 100_000_000;
    let host = host(Limits::default());
    let mut line = caller().call(host.address);
    write!(line, "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {BYTES}\r\n\r\n").unwrap();
    assert_eq!(hear(&mut line), "413 close");
    let mut line = caller().call(host.address);
    line.write_all(b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    let chunk = format!("186a0\r\n{}\r\n", "x".repeat(100_000));
    let said = (0..BYTES / 100_000).take_while(|_| line.write_all(chunk.as_bytes()).is_ok()).count();
    println!("a body without a length was cut off after {said} chunks of 100 kB");
    assert!(said < 100, "{said}");
    good(caller().ask(host.address, "/ok"));
    host.end();
}
