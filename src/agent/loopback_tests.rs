//! The load loop against real sockets on loopback: what each kind of peer is counted as.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netreach_measure::{Failure, Tally};
use netreach_serve::{Stop, bind, run as serve};
use netreach_wire::{AgentId, Assignment, Connection, EchoKey, Load, RoundId, Target, TargetFamily};

use crate::answer::{Answerer, app};
use crate::keys::Keys;
use crate::load::{self, Cancel, Done};

const KEY: [u8; 32] = [7; 32];

fn round() -> RoundId {
    RoundId { uid: "uid".to_owned(), number: 1 }
}

fn target(address: SocketAddr, backend: Option<&str>) -> Target {
    Target {
        name: format!("AgentPodV4IP_{}_{}", backend.unwrap_or("any"), address.ip()),
        url: format!("http://{address}"),
        address,
        family: TargetFamily::PodIp,
        backend: backend.map(str::to_owned),
        via: None,
        shift: 0,
    }
}

fn assignment(targets: Vec<Target>, connection: Connection, qps: u32) -> Assignment {
    Assignment {
        round: round(),
        agent: AgentId { node: "node-a".to_owned(), pod: "agent-a".to_owned() },
        load: Load { rate_qps: qps, duration_s: 1, timeout_ms: 300, connection },
        targets,
        start_in_us: 0,
        deadline_us: 60_000_000,
        nonces_from: 0,
        key: EchoKey::new(KEY),
    }
}

/// Answers as agent-a until the stop is thrown.
fn answering(stop: &Stop) -> SocketAddr {
    let keys = Arc::<Keys>::default();
    keys.add(&round(), &EchoKey::new(KEY));
    let me = Arc::new(AgentId { node: "node-a".to_owned(), pod: "agent-a".to_owned() });
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    async_std::task::spawn(serve(listener, app(Answerer { me, keys }), crate::limits(), stop.clone()));
    address
}

/// Does the same to each connection, on threads that end with the test process.
fn peer(act: fn(std::net::TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || act(stream));
        }
    });
    address
}

fn reply(mut stream: std::net::TcpStream, bytes: &[u8]) {
    let _ = stream.read(&mut [0; 1024]);
    let _ = stream.write_all(bytes);
}

fn tallies(done: &Done) -> Vec<Tally> {
    done.targets.iter().map(|target| Tally::try_from(&target.tally).unwrap()).collect()
}

#[test]
fn a_good_peer_is_probed_in_full_over_fresh_and_kept_connections() {
    for connection in [Connection::New, Connection::Reuse] {
        let stop = Stop::new();
        let address = answering(&stop);
        let assignment =
            assignment(vec![target(address, Some("agent-a")), target(address, None)], connection, 100);
        let done = load::run(&assignment, Instant::now(), &Cancel::new().unwrap()).unwrap();
        stop.stop();
        assert!(!done.interrupted);
        for tally in tallies(&done) {
            let parts = tally.parts();
            assert_eq!((tally.sent(), parts.unsent), (100, 0), "{connection:?}");
            assert_eq!(parts.statuses, BTreeMap::from([(200, 100)]), "{connection:?}: {:?}", parts.failures);
            assert_eq!(parts.backends, BTreeMap::from([("agent-a".to_owned(), 100)]));
            assert!(parts.latency.min_us().unwrap() > 0);
            let (connects, estimates) = (parts.connect.count(), parts.rtt.count());
            match connection {
                Connection::New => assert_eq!((connects, estimates), (100, 100)),
                Connection::Reuse => {
                    assert!((1..=10).contains(&connects), "{connects} connects");
                    // Each connection's first, every sixteenth, and those that took longer than a millisecond.
                    assert!((6..=100).contains(&estimates), "{estimates} round-trip estimates");
                }
            }
        }
    }
}

#[test]
fn each_bad_peer_is_counted_under_its_own_key() {
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stop = Stop::new();
    let wrong = answering(&stop);
    let mute = peer(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let garbage = peer(|stream| reply(stream, b"220 mail ready\r\n\r\n"));
    let half = peer(|stream| reply(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal"));
    let foreign = peer(|stream| reply(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"));
    let broken = peer(|stream| reply(stream, b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"));
    let expected = [
        (refused, None, Some(Failure::Refused)),
        (wrong, Some("agent-b"), Some(Failure::WrongBackend)),
        (mute, None, Some(Failure::TimeoutResponse)),
        (garbage, None, Some(Failure::Protocol)),
        (half, None, Some(Failure::Reset)),
        (foreign, None, Some(Failure::WrongBackend)),
        (broken, None, None),
    ];
    let targets = expected.iter().map(|&(address, backend, _)| target(address, backend)).collect();
    let began = Instant::now();
    let done = load::run(&assignment(targets, Connection::New, 10), began, &Cancel::new().unwrap()).unwrap();
    stop.stop();
    // The last slot's probe has its whole timeout and no more.
    assert!(began.elapsed() < Duration::from_millis(1_000 + 300 + 500), "{:?}", began.elapsed());
    for (tally, (address, _, failure)) in tallies(&done).iter().zip(expected) {
        let parts = tally.parts();
        assert_eq!((tally.sent(), parts.unsent), (10, 0), "{address} {failure:?}");
        match failure {
            Some(failure) => assert_eq!(parts.failures, BTreeMap::from([(failure, 10)]), "{address}"),
            None => assert_eq!(parts.statuses, BTreeMap::from([(500, 10)])),
        }
    }
}

#[test]
fn a_kept_connection_that_the_peer_closes_is_no_failure() {
    let once = peer(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n");
    });
    let assignment = assignment(vec![target(once, None)], Connection::Reuse, 50);
    let done = load::run(&assignment, Instant::now(), &Cancel::new().unwrap()).unwrap();
    let tally = &tallies(&done)[0];
    assert_eq!(tally.parts().statuses, BTreeMap::from([(503, 50)]), "{:?}", tally.parts().failures);
}

#[test]
fn a_cancelled_round_ends_at_once_and_still_adds_up() {
    let stop = Stop::new();
    let assignment = assignment(vec![target(answering(&stop), None)], Connection::New, 100);
    let cancel = Cancel::new().unwrap();
    let began = Instant::now();
    let late = cancel.clone();
    let cancelling = std::thread::spawn(move || {
        std::thread::park_timeout(Duration::from_millis(200));
        late.cancel();
    });
    let done = load::run(&assignment, began, &cancel).unwrap();
    cancelling.join().unwrap();
    stop.stop();
    assert!(done.interrupted);
    assert!(began.elapsed() < Duration::from_millis(700), "{:?}", began.elapsed());
    let tally = &tallies(&done)[0];
    assert_eq!(tally.sent() + tally.parts().unsent, 100);
    assert!((10..50).contains(&tally.sent()), "{}", tally.sent());
}
