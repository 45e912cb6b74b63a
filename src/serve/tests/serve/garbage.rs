//! Whatever is said, it ends in answers that are well formed and in a close.

use std::sync::LazyLock;

use netreach_serve::Limits;
use proptest::prelude::*;

use crate::host::Host;
use crate::peer::Peer;

/// Pieces of requests, so that random sequences reach behind the first byte.
const PIECES: [&str; 20] = [
    "GET ",
    "POST ",
    "HEAD ",
    "/ok",
    "/echo",
    "/chunks",
    "/deaf",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    "host: a\r\n",
    "content-length: 3\r\n",
    "content-length: 99999\r\n",
    "transfer-encoding: chunked\r\n",
    "expect: 100-continue\r\n",
    "connection: close\r\n",
    "\r\n",
    "abc",
    "3\r\nabc\r\n",
    "0\r\n\r\n",
    "x: y\r\n",
];

static HOST: LazyLock<Host> = LazyLock::new(|| Host::new(Limits::default()));

fn config() -> ProptestConfig {
    ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() }
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    // Hearing all of it proves the close. Bytes that are no answer would be listed as such; only where a body ends
    // with the connection, or is left out after its length, does the short form not understand them.
    let heard = Peer::new(HOST.address).say(bytes).end().hear_all();
    let text = String::from_utf8_lossy(bytes);
    prop_assert!(!heard.contains("and") || text.contains("HEAD") || text.contains("HTTP/1.0"), "{}", heard);
    prop_assert!(!heard.contains("500"), "{}", heard);
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        check(&bytes)?;
    }

    #[test]
    fn random_sequences_of_pieces(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..25)) {
        check(pieces.concat().as_bytes())?;
    }

    #[test]
    fn a_request_with_one_byte_changed(at in 0_usize..90, byte: u8) {
        let mut bytes = b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        check(&bytes)?;
    }
}
