//! Where a request body ends (RFC 9112, section 6), as a machine that is fed bytes. Pure.

use crate::fault::Fault;
use crate::limits::{CHUNK_LINE_BYTES_MAX, TRAILER_BYTES_MAX};

/// How a request says where its body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is no body.
    None,
    /// After so many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
}

/// Takes a body out of the bytes it comes in.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    taken: u64,
    max: u64,
}

/// What the front of the input is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many bytes of the body.
    Data(usize),
    /// So many bytes of framing.
    Skip(usize),
    /// Too little to say.
    More,
    /// Somebody else's: the body has ended.
    Whole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    ChunkLine,
    ChunkData(u64),
    ChunkEnd,
    Trailer(usize),
    Whole,
}

impl Decoder {
    /// A decoder of a body of at most `max` bytes.
    pub(crate) fn new(framing: Framing, max: u64) -> Result<Self, Fault> {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Whole,
            Framing::Length(length) if length > max => return Err(Fault::BodyTooLarge { max }),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkLine,
        };
        Ok(Self { state, taken: 0, max })
    }

    /// How long the body is, where that has been said.
    pub(crate) fn length(&self) -> Option<usize> {
        match self.state {
            State::Length(left) => usize::try_from(left).ok(),
            _ => None,
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// Says what the front of `input` is; the caller takes that off before it asks again.
    pub(crate) fn step(&mut self, input: &[u8]) -> Result<Step, Fault> {
        match self.state {
            State::Whole => Ok(Step::Whole),
            _ if input.is_empty() => Ok(Step::More),
            State::Length(left) => Ok(self.data(left, input, State::Whole, State::Length)),
            State::ChunkData(left) => Ok(self.data(left, input, State::ChunkEnd, State::ChunkData)),
            State::ChunkLine => self.chunk_line(input),
            State::ChunkEnd => self.chunk_end(input),
            State::Trailer(seen) => self.trailer(input, seen),
        }
    }

    fn data(&mut self, left: u64, input: &[u8], done: State, rest: fn(u64) -> State) -> Step {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let left = left - here as u64;
        self.state = if left == 0 { done } else { rest(left) };
        Step::Data(here)
    }

    fn chunk_line(&mut self, input: &[u8]) -> Result<Step, Fault> {
        // The parser takes a line without a single digit for a zero.
        if !input[0].is_ascii_hexdigit() {
            return Err(Fault::Chunk);
        }
        let line = &input[..input.len().min(CHUNK_LINE_BYTES_MAX)];
        let (used, size) = match httparse::parse_chunk_size(line) {
            Ok(httparse::Status::Complete(parsed)) => parsed,
            Ok(httparse::Status::Partial) if line.len() < CHUNK_LINE_BYTES_MAX => return Ok(Step::More),
            _ => return Err(Fault::Chunk),
        };
        if size > self.max - self.taken {
            return Err(Fault::BodyTooLarge { max: self.max });
        }
        self.taken += size;
        self.state = if size == 0 { State::Trailer(0) } else { State::ChunkData(size) };
        Ok(Step::Skip(used))
    }

    fn chunk_end(&mut self, input: &[u8]) -> Result<Step, Fault> {
        match input {
            [b'\r', b'\n', ..] => {
                self.state = State::ChunkLine;
                Ok(Step::Skip(2))
            }
            [b'\r'] => Ok(Step::More),
            _ => Err(Fault::Chunk),
        }
    }

    /// Lines up to an empty one, which nobody reads.
    fn trailer(&mut self, input: &[u8], seen: usize) -> Result<Step, Fault> {
        let Some(end) = input.iter().position(|&byte| byte == b'\n') else {
            return if seen + input.len() > TRAILER_BYTES_MAX { Err(Fault::Chunk) } else { Ok(Step::More) };
        };
        let line = end + 1;
        if seen + line > TRAILER_BYTES_MAX {
            return Err(Fault::Chunk);
        }
        self.state = if input.starts_with(b"\r\n") { State::Whole } else { State::Trailer(seen + line) };
        Ok(Step::Skip(line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fuzz::read_body;

    /// The body in `bytes`, fed in pieces of `piece` bytes, and what is left over; none while it is not whole.
    fn decode(framing: Framing, bytes: &[u8], piece: usize) -> Result<Option<(Vec<u8>, usize)>, Fault> {
        let (mut input, mut pieces) = (Vec::new(), bytes.chunks(piece));
        let body = read_body((framing, 100), &mut input, &mut pieces)?;
        Ok(body.map(|body| (body, input.len() + pieces.map(<[u8]>::len).sum::<usize>())))
    }

    fn check(framing: Framing, bytes: &str, expected: &Result<Option<(&str, usize)>, Fault>) {
        for piece in [1, 2, 3, 1_000] {
            let decoded = decode(framing, bytes.as_bytes(), piece);
            let expected =
                expected.clone().map(|found| found.map(|(body, left)| (body.as_bytes().to_vec(), left)));
            assert_eq!(decoded, expected, "{bytes:?} in pieces of {piece}");
        }
    }

    #[test]
    fn a_body_ends_where_its_framing_says() {
        let too_large = Fault::BodyTooLarge { max: 100 };
        check(Framing::None, "GET", &Ok(Some(("", 3))));
        check(Framing::Length(3), "abcGET", &Ok(Some(("abc", 3))));
        check(Framing::Length(3), "ab", &Ok(None));
        check(Framing::Length(101), "", &Err(too_large.clone()));
        check(Framing::Chunked, "3\r\nabc\r\n02;x=\"y\"\r\nde\r\n0\r\n\r\nGET", &Ok(Some(("abcde", 3))));
        check(Framing::Chunked, "0\r\nsome: trailer\r\n\r\n", &Ok(Some(("", 0))));
        check(Framing::Chunked, "3\r\nabc\r\n0\r\n", &Ok(None));
        check(Framing::Chunked, "3\r\nabcd\r\n", &Err(Fault::Chunk));
        check(Framing::Chunked, "\r\n", &Err(Fault::Chunk));
        check(Framing::Chunked, "-1\r\n", &Err(Fault::Chunk));
        check(Framing::Chunked, "g\r\n", &Err(Fault::Chunk));
        check(Framing::Chunked, "65\r\n", &Err(too_large.clone()));
        check(Framing::Chunked, "ffffffffffffffff\r\n", &Err(too_large));
        check(Framing::Chunked, "fffffffffffffffff\r\n", &Err(Fault::Chunk));
        check(Framing::Chunked, &format!("1;{}\r\na\r\n", "x".repeat(300)), &Err(Fault::Chunk));
        check(Framing::Chunked, &format!("0\r\nx: {}\r\n\r\n", "x".repeat(5_000)), &Err(Fault::Chunk));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_chunking_of_any_body_comes_out_whole(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..5),
            piece in 1_usize..40,
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend(format!("{:x}\r\n", chunk.len()).bytes());
                wire.extend(chunk);
                wire.extend(b"\r\n");
            }
            wire.extend(b"0\r\n\r\nnext");
            let decoded = decode(Framing::Chunked, &wire, piece);
            prop_assert_eq!(decoded, Ok(Some((chunks.concat(), 4))));
        }

        #[test]
        fn any_bytes_at_all_end_in_a_body_a_wait_or_a_fault(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            piece in 1_usize..40,
        ) {
            let decoded = decode(Framing::Chunked, &bytes, piece);
            prop_assert!(decoded.map_or(true, |found| found.is_none_or(|(body, _)| body.len() <= 100)));
        }
    }
}
