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
