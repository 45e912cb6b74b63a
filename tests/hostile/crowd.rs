//! Thousands at once, from addresses of their own, while a good caller asks again and again.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::caller::{GOOD, Said, Tls, ask_once, config, connect, hear, over_tls, post, review};
use super::host::Host;

/// A good caller is served within this, however many hang on.
const SERVED_WITHIN: Duration = Duration::from_secs(1);
/// The most memory, KiB.
const RESIDENT_KIB_MAX: u64 = 40 << 10;
/// Silent connections of each of the addresses 127.0.0.2 to 9.
const SILENT_EACH: usize = 1_000;
/// Connections that trickle, of each of them.
const TRICKLING_EACH: usize = 25;
/// How far apart the bytes of those are.
const TRICKLE: Duration = Duration::from_secs(5);

fn bad() -> impl Iterator<Item = [u8; 4]> {
    (2..=9).map(|last| [127, 0, 0, last])
}

/// Asks on a new connection each time until told to stop; gives how often, and the longest it took.
fn ask_on(host: &Host, is_over: &AtomicBool) -> (u32, Duration) {
    let config = config(host, true);
    let bytes = post("application/json", review("good", &json!({})).to_string().as_bytes());
    let (mut asked, mut longest) = (0, Duration::ZERO);
    while !is_over.load(Ordering::Relaxed) {
        let began = Instant::now();
        let said = ask_once(host, &config, GOOD, &bytes);
        assert!(matches!(said, Said::Answer { status: 200, .. }), "{said:?}");
        (asked, longest) = (asked + 1, longest.max(began.elapsed()));
    }
    (asked, longest)
}

/// Does something while the good caller asks, and sees that it was served.
fn check(what: &str, attack: impl FnOnce(&Host)) {
    let host = Host::start();
    let is_over = AtomicBool::new(false);
    let (asked, longest) = thread::scope(|scope| {
        let good = scope.spawn(|| ask_on(&host, &is_over));
        attack(&host);
        is_over.store(true, Ordering::Relaxed);
        good.join().unwrap()
    });
    let kib = host.most_resident_kib();
    println!(
        "hostile: {what}: {asked} good answers, the slowest after {} ms; {kib} KiB",
        longest.as_millis()
    );
    assert!(asked > 0 && longest < SERVED_WITHIN, "{what}: {longest:?}");
    assert!(kib < RESIDENT_KIB_MAX, "{what}: {kib} KiB");
}

#[test]
fn silent_by_the_thousand() {
    check("8,000 silent", |host| {
        let silent: Vec<TcpStream> = bad()
            .flat_map(|from| (0..SILENT_EACH).map(move |_| from))
            .map(|from| connect(host.address, from).unwrap())
            .collect();
        assert_eq!(silent.len(), 8 * SILENT_EACH);
        // And again, each in place of one that was there before.
        drop(silent.into_iter().map(|_| connect(host.address, [127, 0, 0, 2]).unwrap()).collect::<Vec<_>>());
    });
}

#[test]
fn a_byte_every_five_seconds() {
    check("200 trickling, within the handshake and within a request", |host| {
        let config = &config(host, true);
        thread::scope(|scope| {
            for from in bad() {
                scope.spawn(move || {
                    let mut hellos: Vec<_> =
                        (0..TRICKLING_EACH).map(|_| connect(host.address, from).unwrap()).collect();
                    let mut heads: Vec<_> =
                        (0..TRICKLING_EACH).map(|_| over_tls(host, config, from).unwrap()).collect();
                    // One byte of each, five seconds apart, until all have been ended.
                    let mut next = b"POST /validate HTTP/1.1\r\nhost: a\r\n".iter();
                    while !(hellos.is_empty() && heads.is_empty()) {
                        let byte = *next.next().expect("they are ended before the head is whole");
                        hellos.retain_mut(|stream| stream.write_all(&[0x16]).is_ok() && is_open(stream));
                        heads.retain_mut(|stream| {
                            stream.write_all(&[byte]).is_ok() && is_open_over_tls(stream)
                        });
                        wait_for_an_end(hellos.first().or_else(|| heads.first().map(|stream| &stream.sock)));
                    }
                });
            }
        });
    });
}

/// Waits until this one is ended, at most for the time between two bytes.
fn wait_for_an_end(stream: Option<&TcpStream>) {
    if let Some(stream) = stream {
        stream.set_read_timeout(Some(TRICKLE)).unwrap();
        let _ = stream.peek(&mut [0; 1]);
    }
}

/// Whether the other side has neither ended nor said anything.
fn is_open(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let read = stream.read(&mut [0; 64]);
    stream.set_nonblocking(false).unwrap();
    read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// The same above TLS, which has words of its own.
fn is_open_over_tls(stream: &mut Tls) -> bool {
    stream.sock.set_nonblocking(true).unwrap();
    let read = stream.read(&mut [0; 64]);
    stream.sock.set_nonblocking(false).unwrap();
    read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn garbage_by_the_thousand() {
    check("1,600 with garbage", |host| {
        thread::scope(|scope| {
            for from in bad() {
                scope.spawn(move || {
                    for i in 0..200_u8 {
                        let mut stream = connect(host.address, from).unwrap();
                        let _ =
                            stream.write_all(&[[i, i ^ 0x16].repeat(2_000), b"\r\n\r\n".to_vec()].concat());
                        assert_eq!(hear(&mut stream), Said::Closed);
                    }
                });
            }
        });
    });
}
