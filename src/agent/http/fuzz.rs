//! Any bytes, as what comes back over one connection. For fuzzing and tests alone.

use super::decoder::{Decoder, Progress, ProtocolError, Wanted};

/// Few enough for a fuzzer to come beyond.
const WANTED: Wanted = Wanted { body_keep_max: 16, body_bytes_max: 64 };

/// What the codec makes of a response: status, what is kept of the body, all its bytes, whether the connection is kept, the echo.
type Answer = (u16, Vec<u8>, u64, bool, Option<Vec<u8>>);

/// Reads `input` as responses, one after another: its first byte says in what pieces the rest comes, which must make no difference.
///
/// # Panics
/// When it does, or when a bound is passed.
pub fn read_responses(input: &[u8]) {
    let Some((piece, wire)) = input.split_first() else { return };
    let at_once = read(wire, wire.len());
    assert_eq!(read(wire, usize::from(*piece)), at_once, "in pieces of {piece} bytes");
    for (status, body, bytes, ..) in at_once.0 {
        assert!((200..1_000).contains(&status), "{status}");
        assert!(body.len() <= WANTED.body_keep_max && bytes <= WANTED.body_bytes_max, "{bytes} bytes");
        assert!(body.len() as u64 <= bytes, "{} of {bytes} bytes", body.len());
    }
}

/// The responses, as long as the connection is kept, and what ended them: none where all that came was used.
fn read(wire: &[u8], piece: usize) -> (Vec<Answer>, Option<ProtocolError>) {
    let (mut answers, mut decoder) = (Vec::new(), Decoder::new());
    decoder.begin(WANTED);
    for mut piece in wire.chunks(piece.max(1)) {
        while !piece.is_empty() {
            match decoder.feed(piece) {
                Ok(Progress::More) => break,
                Ok(Progress::Whole { used }) => piece = &piece[used..],
                Err(error) => return (answers, Some(error)),
            }
            answers.push(answer(&decoder));
            if !decoder.keep_alive() {
                return (answers, None);
            }
            decoder.begin(WANTED);
        }
    }
    if decoder.begun() && decoder.end() {
        answers.push(answer(&decoder));
    }
    (answers, None)
}

fn answer(decoder: &Decoder) -> Answer {
    let echo = decoder.echo_mac().map(<[u8]>::to_vec);
    (decoder.status(), decoder.body().to_vec(), decoder.body_bytes(), decoder.keep_alive(), echo)
}

#[cfg(test)]
mod tests {
    use netreach_tests::mangled;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn however_responses_are_mangled_their_pieces_make_no_difference(input in mangled("responses")) {
            super::read_responses(&input);
        }
    }
}
