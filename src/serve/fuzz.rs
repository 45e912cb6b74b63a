//! Any bytes, as what a caller sends over one connection. For fuzzing and tests alone.

use http_types::Method;

use crate::body::{Decoder, Framing, Step};
use crate::fault::Fault;
use crate::head::HeadParser;
use crate::limits::HeadLimits;

/// Largest body that is taken here, bytes: few enough for a fuzzer to come beyond.
const BODY_BYTES_MAX: u64 = 64;

/// What the codec makes of a request: how, where, the headers that an app is shown, how the body is framed, the body.
type Exchange = (Method, String, usize, Framing, Vec<u8>);

/// Reads `input` as requests: its first byte says in what pieces the rest comes, which must make no difference.
///
/// # Panics
/// When it does, or when a bound is passed.
pub fn read_requests(input: &[u8]) {
    let Some((piece, wire)) = input.split_first() else { return };
    let at_once = read(wire, wire.len());
    assert_eq!(read(wire, usize::from(*piece)), at_once, "in pieces of {piece} bytes");
    let bodies: usize = at_once.0.iter().map(|(.., body)| body.len()).sum();
    assert!(bodies <= wire.len(), "{bodies} bytes of bodies in {} bytes", wire.len());
}

/// The requests, and what ended them: a fault, or the end of what came.
fn read(wire: &[u8], piece: usize) -> (Vec<Exchange>, Option<Fault>) {
    let mut heads = HeadParser::new(HeadLimits::default());
    let mut pieces = wire.chunks(piece.max(1));
    let (mut input, mut read) = (Vec::new(), Vec::new());
    loop {
        let head = match heads.parse(&input) {
            Ok(Some(head)) => head,
            Ok(None) => match pieces.next() {
                Some(piece) => {
                    input.extend_from_slice(piece);
                    continue;
                }
                None => return (read, None),
            },
            Err(fault) => return (read, Some(fault)),
        };
        input.drain(..head.bytes);
        match read_body((head.framing, BODY_BYTES_MAX), &mut input, &mut pieces) {
            Ok(Some(body)) => {
                let request = head.request;
                let shown = request.iter().map(|(_, values)| values.iter().count()).sum();
                read.push((request.method(), request.url().to_string(), shown, head.framing, body));
            }
            Ok(None) => return (read, None),
            Err(fault) => return (read, Some(fault)),
        }
    }
}

/// The body at the front of `input`, to which `pieces` are added as they are needed; none where there are too few.
pub(crate) fn read_body<'a>(
    (framing, max): (Framing, u64),
    input: &mut Vec<u8>,
    pieces: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<Option<Vec<u8>>, Fault> {
    let mut decoder = Decoder::new(framing, max)?;
    let mut body = Vec::new();
    loop {
        match decoder.step(input)? {
            Step::Data(bytes) => body.extend(input.drain(..bytes)),
            Step::Skip(bytes) => drop(input.drain(..bytes)),
            Step::Whole => break,
            Step::More => match pieces.next() {
                Some(piece) => input.extend_from_slice(piece),
                None => return Ok(None),
            },
        }
    }
    assert!(body.len() as u64 <= max, "{} bytes of a body", body.len());
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use netreach_tests::mangled;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn however_requests_are_mangled_their_pieces_make_no_difference(input in mangled("requests")) {
            super::read_requests(&input);
        }
    }
}
