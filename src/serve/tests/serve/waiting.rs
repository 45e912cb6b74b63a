//! Who is served when there are too many.

use std::net::IpAddr;

use netreach_serve::Limits;

use crate::host::Host;
use crate::peer::Peer;

const GET: &str = "GET /ok HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
const WAIT: &str = "GET /wait HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

fn address(last: usize) -> IpAddr {
    IpAddr::from([127, 0, 1, u8::try_from(last).unwrap()])
}

#[test]
fn a_good_peer_is_served_among_a_thousand_silent_ones() {
    let host = Host::new(Limits { connections_max: 128, ..Limits::default() });
    let mut silent = Vec::new();
    for turn in 0..1_000 {
        let mut peer = Peer::from(host.address, address(turn % 200 + 1));
        // Some say nothing, some begin a head and stop.
        if turn % 2 == 0 {
            peer.say("GET ");
        }
        silent.push(peer);
        if turn % 10 == 0 {
            assert_eq!(Peer::new(host.address).say(GET).hear_all(), r#"200 close "ok""#, "at {turn}");
        }
    }
    host.end();
}

#[test]
fn one_peer_cannot_take_the_place_of_another() {
    let host = Host::new(Limits { connections_per_peer_max: 2, ..Limits::default() });
    let mut busy: Vec<_> = (0..2).map(|_| Peer::from(host.address, address(1))).collect();
    for peer in &mut busy {
        peer.say(WAIT);
        assert_eq!(host.hear(), "waits");
    }
    // A third is closed, somebody else's is not.
    assert_eq!(Peer::from(host.address, address(1)).hear_all(), "");
    assert_eq!(Peer::from(host.address, address(2)).say(GET).hear_all(), r#"200 close "ok""#);
    host.open_gate();
    busy.iter_mut().for_each(|peer| assert_eq!(peer.hear_all(), r#"200 close "through""#));
    // Of its own silent ones the oldest makes room.
    let mut silent: Vec<_> = (0..3).map(|_| Peer::from(host.address, address(1))).collect();
    assert_eq!(silent[0].hear_all(), "");
    assert_eq!(silent[2].say(GET).hear_all(), r#"200 close "ok""#);
    host.end();
}

#[test]
fn nobody_at_work_is_thrown_out_the_new_one_waits() {
    let host = Host::new(Limits { connections_max: 2, ..Limits::default() });
    let mut busy: Vec<_> = (1..=2).map(|last| Peer::from(host.address, address(last))).collect();
    for peer in &mut busy {
        peer.say(WAIT);
        assert_eq!(host.hear(), "waits");
    }
    let mut late = Peer::new(host.address);
    late.say(GET);
    host.open_gate();
    busy.iter_mut().for_each(|peer| assert_eq!(peer.hear_all(), r#"200 close "through""#));
    assert_eq!(late.hear_all(), r#"200 close "ok""#);
    host.end();
}

#[test]
fn nobody_waits_for_the_next_piece_of_an_answer_in_the_place_of_one_who_has_gone() {
    let host = Host::new(Limits { connections_max: 1, ..Limits::default() });
    let mut watching = Peer::new(host.address);
    watching.say("GET /silent HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(host.hear(), "awaited");
    // What it says meanwhile is its next request, and no reason to end.
    watching.say("GET /ok HTTP/1.1\r\n");
    drop(watching);
    while host.hear() != "dropped" {}
    assert_eq!(Peer::new(host.address).say(GET).hear_all(), r#"200 close "ok""#);
    host.end();
}
