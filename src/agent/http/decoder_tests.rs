use proptest::prelude::*;

use super::*;

const PROBE: Wanted = Wanted { body_keep_max: 8, body_bytes_max: 64 };

/// Feeds the pieces, then closes; tells what came out.
fn decode(pieces: &[&[u8]]) -> Result<(u16, Vec<u8>, u64, bool), &'static str> {
    let mut decoder = Decoder::new();
    decoder.begin(PROBE);
    for piece in pieces {
        match decoder.feed(piece) {
            Ok(Progress::Whole { .. }) => break,
            Ok(Progress::More) => {}
            Err(ProtocolError(why)) => return Err(why),
        }
    }
    if decoder.end() {
        Ok((decoder.status(), decoder.body().to_vec(), decoder.body_bytes(), decoder.keep_alive()))
    } else {
        Err("cut")
    }
}

#[track_caller]
fn check(response: &str, expected: Result<(u16, &str, u64, bool), &'static str>) {
    let expected =
        expected.map(|(status, body, bytes, alive)| (status, body.as_bytes().to_vec(), bytes, alive));
    assert_eq!(decode(&[response.as_bytes()]), expected, "at once: {response:?}");
    let single: Vec<&[u8]> = response.as_bytes().chunks(1).collect();
    assert_eq!(decode(&single), expected, "byte by byte: {response:?}");
}

#[test]
fn framings_are_read_as_the_standard_has_them() {
    check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Ok((200, "ok", 2, true)));
    check("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", Ok((200, "01234567", 10, true)));
    check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Ok((200, "", 0, true)));
    check("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", Ok((200, "ok", 2, false)));
    check("HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 0\r\n\r\n", Ok((200, "", 0, false)));
    check("HTTP/1.1 200 OK\r\n\r\nto the end", Ok((200, "to the e", 10, false)));
    check("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", Ok((204, "", 0, true)));
    check("HTTP/1.1 301 Moved\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", Ok((301, "", 0, true)));
    check(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1 \r\nd\r\n0\r\nt: 1\r\n\r\n",
        Ok((200, "abcd", 4, true)),
    );
    check(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        Ok((200, "", 0, true)),
    );
}

#[test]
fn what_is_not_a_response_is_refused_with_its_reason() {
    check("SSH-2.0-OpenSSH_9.2\r\n", Err("malformed head"));
    check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok", Err("cut"));
    check("HTTP/1.1 200 OK\r\ncontent-le", Err("cut"));
    check("HTTP/1.1 101 Switching\r\n\r\n", Err("switches protocols unasked"));
    check("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", Err("content length is no number"));
    check("HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n", Err("content length is no number"));
    check("HTTP/1.1 200 OK\r\ncontent-length: 65\r\n\r\n", Err("body passes its bound"));
    check("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", Err("two content lengths"));
    check(
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        Err("both a content length and chunks"),
    );
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", Err("transfer encoding other than chunked"));
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    check(&format!("{chunked}zz\r\n"), Err("chunk size is no hex number"));
    check(&format!("{chunked}\r\n"), Err("chunk size is no hex number"));
    check(&format!("{chunked}2\r\nabc\r\n"), Err("a chunk is longer than it says"));
    check(&format!("{chunked}2\n"), Err("a line of the chunks ends without CR LF"));
    check(&format!("{chunked}ffffffffffffffff1\r\n"), Err("chunk size is no hex number"));
}

#[test]
fn a_head_without_end_is_refused_at_its_bound() {
    let mut decoder = Decoder::new();
    decoder.begin(PROBE);
    let mut fed = decoder.feed(b"HTTP/1.1 200 OK\r\nx: ");
    let mut bytes = 0;
    while fed == Ok(Progress::More) && bytes < 1 << 20 {
        fed = decoder.feed(&[b'a'; 1000]);
        bytes += 1000;
    }
    assert_eq!(fed, Err(ProtocolError("head passes 16 KiB")));
    assert!(bytes <= 17 << 10, "{bytes} bytes were taken in");
}

#[test]
fn a_second_response_on_the_connection_is_left_alone() {
    let mut decoder = Decoder::new();
    decoder.begin(PROBE);
    let two = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 500";
    assert_eq!(decoder.feed(two), Ok(Progress::Whole { used: two.len() - 12 }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_in_any_pieces_end_the_same_and_within_bounds(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        prefix in prop::sample::select(vec![
            "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n",
        ]),
        size in 1_usize..50,
    ) {
        let whole = [prefix.as_bytes(), &bytes].concat();
        let pieces: Vec<&[u8]> = whole.chunks(size).collect();
        let at_once = decode(&[&whole]);
        prop_assert_eq!(decode(&pieces), at_once.clone());
        if let Ok((_, body, bytes, _)) = at_once {
            prop_assert!(body.len() <= 8 && bytes <= 64);
        }
    }
}
