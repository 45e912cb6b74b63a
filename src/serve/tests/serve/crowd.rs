//! Thousands who mean no good, a good caller among them, and what the crowd costs.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{self, Command};
use std::time::{Duration, Instant};

use netreach_serve::Limits;
use netreach_tests::most_resident_kib;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::host::Host;
use crate::peer::Peer;
use crate::tls::{CA, caller, good, tls};
use crate::tls_caller::ask;
use crate::tls_hostile::old_hello;

const CROWD: usize = 4_000;
/// Of both ends, and of what the allocator keeps: far below what a crowd would take whose bodies are held
/// (571 of 512 KiB each).
const RSS_KB_MAX: u64 = 112 << 10;
/// Says to this very test that it is alone in its process.
const ALONE: &str = "NETREACH_TEST_ALONE";

/// One kind of malice each; what is left is the socket. That of the caller's side costs next to no memory.
const KINDS: [fn(Peer, SocketAddr) -> TcpStream; 7] =
    [silent, half_hello, long_hello, garbage, idle, long_head, half_body];

fn silent(peer: Peer, _: SocketAddr) -> TcpStream {
    peer.0
}

fn half_hello(mut peer: Peer, _: SocketAddr) -> TcpStream {
    peer.say(&old_hello()[..20]);
    peer.0
}

/// All of the largest record but its last bytes.
fn long_hello(mut peer: Peer, _: SocketAddr) -> TcpStream {
    peer.say([22, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb]).say([0; 0x3ff0]);
    peer.0
}

fn garbage(mut peer: Peer, _: SocketAddr) -> TcpStream {
    peer.say("GET / HTTP/1.1\r\n\r\n");
    peer.0
}

/// A handshake, a request and its answer, and nothing more.
fn idle(peer: Peer, host: SocketAddr) -> TcpStream {
    let mut line = caller().over(peer, host);
    let _ = ask(&mut line, "/empty", "keep-alive");
    let _ = line.read(&mut [0; 100]);
    line.sock
}

fn long_head(peer: Peer, host: SocketAddr) -> TcpStream {
    let mut line = caller().over(peer, host);
    let _ = write!(line, "GET /ok HTTP/1.1\r\nx: {}", "x".repeat(16_000));
    line.sock
}

/// Half of the largest body there may be.
fn half_body(peer: Peer, host: SocketAddr) -> TcpStream {
    let mut line = caller().over(peer, host);
    let _ = write!(line, "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 1 << 20);
    let _ = line.write_all(&[b'x'; 1 << 19]);
    line.sock
}

/// The memory of a process is its own only if no other test runs in it.
fn alone(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// How many connections there can be, both ends of each in this process.
fn crowd() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let crowd = CROWD.min(usize::try_from(files.saturating_sub(200) / 2).unwrap_or(CROWD));
    if crowd < CROWD {
        println!("{crowd} instead of {CROWD}: only {files} open files are allowed");
    }
    crowd
}

#[test]
fn a_good_caller_is_served_within_a_second_among_thousands_who_hang() {
    if std::env::var_os(ALONE).is_none() {
        return alone("crowd::a_good_caller_is_served_within_a_second_among_thousands_who_hang");
    }
    let host = Host::behind(&tls(&CA.leaf("127.0.0.1")), Limits::default());
    good(caller().ask(host.address, "/ok"));
    let (before_kb, crowd) = (most_resident_kib(process::id()), crowd());
    let (mut hanging, mut slowest) = (Vec::new(), Duration::ZERO);
    for turn in 0..crowd {
        let from = IpAddr::from([127, 0, 0, u8::try_from(turn % 8).unwrap() + 2]);
        let peer = Peer::from(host.address, from);
        hanging.push(KINDS[turn / 8 % KINDS.len()](peer, host.address));
        if turn % 100 == 0 {
            let began = Instant::now();
            good(caller().ask(host.address, "/ok"));
            slowest = slowest.max(began.elapsed());
        }
    }
    let peak_kb = most_resident_kib(process::id());
    println!(
        "crowd: {crowd}, slowest good answer: {slowest:?}, memory: {before_kb} kB, at most {peak_kb} kB"
    );
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert!(peak_kb <= RSS_KB_MAX, "{peak_kb} kB");
    host.end();
}
