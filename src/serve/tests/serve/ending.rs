//! How a server ends.

use std::io::ErrorKind;
use std::net::TcpStream;

use netreach_serve::Limits;

use crate::host::Host;
use crate::peer::Peer;

#[test]
fn answers_in_progress_come_out_and_idle_connections_close() {
    let host = Host::new(Limits::default());
    let mut idle = Peer::new(host.address);
    assert_eq!(idle.say("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").hear_one(), r#"200 "ok""#);
    let mut busy = Peer::new(host.address);
    busy.say("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(host.hear(), "waits");
    host.stop.stop();
    assert_eq!(idle.hear_all(), "");
    // The idle one has been closed, so the listener is gone too.
    let refused = TcpStream::connect(host.address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    host.open_gate();
    // The answer says that it is the last.
    assert_eq!(busy.hear_all(), r#"200 close "through""#);
    host.end();
}

#[test]
fn an_answer_that_does_not_come_is_given_up() {
    let host = Host::new(Limits { drain_ms: 50, ..Limits::default() });
    let mut busy = Peer::new(host.address);
    busy.say("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(host.hear(), "waits");
    host.end();
    assert_eq!(busy.hear_all(), "");
}

#[test]
fn a_lame_duck_answers_those_who_have_not_heard_of_the_stop() {
    let host = Host::new(Limits { lame_duck_ms: 1_000, ..Limits::default() });
    let request = "GET /ok HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut kept = Peer::new(host.address);
    let mut idle = Peer::new(host.address);
    for peer in [&mut kept, &mut idle] {
        assert_eq!(peer.say(request).hear_one(), r#"200 "ok""#);
    }
    host.stop.stop();
    // An old connection and a new one: each answer says that it is the last there, once the server has heard of the stop itself.
    while kept.say(request).hear_one() != r#"200 close "ok""# {}
    assert_eq!(kept.hear_all(), "");
    assert_eq!(Peer::new(host.address).say(request).hear_all(), r#"200 close "ok""#);
    assert_eq!(idle.hear_all(), "");
    let refused = TcpStream::connect(host.address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    host.end();
}
