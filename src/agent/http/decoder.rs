//! Reads one HTTP/1.1 response (RFC 9112) from pieces of any size, within bounds.
//!
//! Pure: takes bytes, makes a response. A decoder is used again for the next response without new memory.

/// Most bytes of a response's head, and of all chunk headers and trailers together.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Most header fields of a response.
const HEADERS_MAX: usize = 64;

/// What came back is not a response, or passes a bound.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("response is not HTTP/1.1 as we can take it ({0})")]
pub(crate) struct ProtocolError(pub(crate) &'static str);

/// Whether a response is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More bytes are needed.
    More,
    /// Whole; so many of the bytes just fed belong to it.
    Whole {
        /// Bytes used of the last feed.
        used: usize,
    },
}

/// Reads one response. Make it with [`Decoder::new`], begin each response with [`Decoder::begin`].
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    /// The head, or the line of a chunk header or trailer, as far as it came.
    partial: Vec<u8>,
    overhead: usize,
    body_keep_max: usize,
    body_bytes_max: u64,
    status: u16,
    keep_alive: bool,
    echo_mac: Option<[u8; 32]>,
    body: Vec<u8>,
    body_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Sized { left: u64 },
    ChunkHeader,
    Chunk { left: u64 },
    ChunkEnd,
    Trailer,
    UntilClose,
    Whole,
}

/// What a caller wants of one response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Bytes of the body to keep; the rest is counted.
    pub(crate) body_keep_max: usize,
    /// Bytes of the body at which the response is refused.
    pub(crate) body_bytes_max: u64,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Head,
            partial: Vec::new(),
            overhead: 0,
            body_keep_max: 0,
            body_bytes_max: 0,
            status: 0,
            keep_alive: false,
            echo_mac: None,
            body: Vec::new(),
            body_bytes: 0,
        }
    }

    /// Forgets the last response and begins the next.
    pub(crate) fn begin(&mut self, wanted: Wanted) {
        let Wanted { body_keep_max, body_bytes_max } = wanted;
        self.state = State::Head;
        self.partial.clear();
        self.overhead = 0;
        self.body_keep_max = body_keep_max;
        self.body_bytes_max = body_bytes_max;
        self.echo_mac = None;
        self.body.clear();
        self.body_bytes = 0;
    }

    /// Status code of the final response; valid once whole.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Whether the connection may carry another request; valid once whole.
    pub(crate) fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// The value of `netreach-echo`, if there was one of the right length.
    pub(crate) fn echo_mac(&self) -> Option<&[u8]> {
        self.echo_mac.as_ref().map(<[u8; 32]>::as_slice)
    }

    /// The kept part of the body.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Bytes of the whole body.
    pub(crate) fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// At the first byte that cannot be part of a response we take.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Progress, ProtocolError> {
        let mut at = 0;
        while self.state != State::Whole {
            if at == bytes.len() {
                return Ok(Progress::More);
            }
            let rest = &bytes[at..];
            at += match self.state {
                State::Head => self.feed_head(rest)?,
                State::Sized { left } => {
                    self.feed_data(rest, left, State::Whole, |left| State::Sized { left })?
                }
                State::Chunk { left } => {
                    self.feed_data(rest, left, State::ChunkEnd, |left| State::Chunk { left })?
                }
                State::ChunkHeader | State::ChunkEnd | State::Trailer => self.feed_line(rest)?,
                State::UntilClose => {
                    self.feed_data(rest, u64::MAX, State::UntilClose, |_| State::UntilClose)?
                }
                State::Whole => 0,
            };
        }
        Ok(Progress::Whole { used: at })
    }

    /// The peer closed its side.
    ///
    /// Returns whether the response is whole by that.
    pub(crate) fn end(&mut self) -> bool {
        if self.state == State::UntilClose {
            self.state = State::Whole;
        }
        self.state == State::Whole
    }

    /// Whether any byte of the response has come.
    pub(crate) fn begun(&self) -> bool {
        self.state != State::Head || !self.partial.is_empty()
    }

    // A whole head is nearly always there at once: then it is parsed where it lies.
    fn feed_head(&mut self, bytes: &[u8]) -> Result<usize, ProtocolError> {
        let before = self.partial.len();
        if before == 0
            && let Some(used) = self.parse_head(bytes)?
        {
            return Ok(used);
        }
        // Body bytes may follow in the same piece: only as much is kept as a head may be long.
        let taken = bytes.len().min(HEAD_BYTES_MAX - before);
        self.partial.extend_from_slice(&bytes[..taken]);
        let joined = std::mem::take(&mut self.partial);
        let parsed = if before == 0 { Ok(None) } else { self.parse_head(&joined) };
        self.partial = joined;
        match parsed? {
            Some(used) => {
                self.partial.clear();
                Ok(used - before)
            }
            None if self.partial.len() == HEAD_BYTES_MAX => Err(ProtocolError("head passes 16 KiB")),
            None => Ok(taken),
        }
    }

    fn parse_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut fields);
        let used = match head.parse(bytes) {
            Ok(httparse::Status::Complete(used)) => used,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(ProtocolError("more than 64 header fields")),
            Err(_) => return Err(ProtocolError("malformed head")),
        };
        let status = head.code.ok_or(ProtocolError("no status"))?;
        let minor = head.version.ok_or(ProtocolError("no version"))?;
        match status {
            101 => return Err(ProtocolError("switches protocols unasked")),
            // An interim response: the final one follows (RFC 9110, 15.2).
            100..200 => {
                self.overhead += used;
                self.within_overhead()?;
                return Ok(Some(used));
            }
            200..1000 => {}
            _ => return Err(ProtocolError("status outside 100 to 999")),
        }
        self.status = status;
        let framing = self.read_fields(head.headers, minor)?;
        self.state = if matches!(status, 204 | 304) { State::Whole } else { framing };
        Ok(Some(used))
    }

    /// Takes what matters out of the header fields; returns how the body is framed (RFC 9112, 6.3).
    fn read_fields(&mut self, fields: &[httparse::Header<'_>], minor: u8) -> Result<State, ProtocolError> {
        let (mut length, mut chunked) = (None, false);
        self.keep_alive = minor == 1;
        for field in fields {
            let name = field.name;
            if name.eq_ignore_ascii_case("content-length") {
                let value = parse_length(field.value)?;
                if length.is_some_and(|length| length != value) {
                    return Err(ProtocolError("two content lengths"));
                }
                length = Some(value);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                if chunked || !field.value.eq_ignore_ascii_case(b"chunked") {
                    return Err(ProtocolError("transfer encoding other than chunked"));
                }
                chunked = true;
            } else if name.eq_ignore_ascii_case("connection") {
                self.keep_alive &= !lists(field.value, b"close");
            } else if name.eq_ignore_ascii_case("netreach-echo") {
                self.echo_mac = field.value.try_into().ok();
            }
        }
        match (length, chunked) {
            (Some(_), true) => Err(ProtocolError("both a content length and chunks")),
            (None, true) => Ok(State::ChunkHeader),
            (Some(0), false) => Ok(State::Whole),
            (Some(left), false) if left > self.body_bytes_max => Err(ProtocolError("body passes its bound")),
            (Some(left), false) => Ok(State::Sized { left }),
            (None, false) => {
                self.keep_alive = false;
                Ok(State::UntilClose)
            }
        }
    }

    fn feed_data(
        &mut self,
        bytes: &[u8],
        left: u64,
        after: State,
        more: fn(u64) -> State,
    ) -> Result<usize, ProtocolError> {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        self.body_bytes += take as u64;
        if self.body_bytes > self.body_bytes_max {
            return Err(ProtocolError("body passes its bound"));
        }
        let room = self.body_keep_max - self.body.len();
        self.body.extend_from_slice(&bytes[..take.min(room)]);
        let left = left - take as u64;
        self.state = if left == 0 { after } else { more(left) };
        Ok(take)
    }

    /// A line of the chunked framing: a chunk's size, the line end after its data, a trailer field.
    fn feed_line(&mut self, bytes: &[u8]) -> Result<usize, ProtocolError> {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let used = end.map_or(bytes.len(), |end| end + 1);
        self.overhead += used;
        self.within_overhead()?;
        self.partial.extend_from_slice(&bytes[..used]);
        if end.is_none() {
            return Ok(used);
        }
        let line = self
            .partial
            .strip_suffix(b"\r\n")
            .ok_or(ProtocolError("a line of the chunks ends without CR LF"))?;
        self.state = match self.state {
            State::ChunkHeader => match chunk_size(line)? {
                0 => State::Trailer,
                left => State::Chunk { left },
            },
            State::ChunkEnd if line.is_empty() => State::ChunkHeader,
            State::ChunkEnd => return Err(ProtocolError("a chunk is longer than it says")),
            _ if line.is_empty() => State::Whole,
            _ => State::Trailer,
        };
        self.partial.clear();
        Ok(used)
    }

    fn within_overhead(&self) -> Result<(), ProtocolError> {
        if self.overhead > HEAD_BYTES_MAX {
            return Err(ProtocolError("interim heads, chunk headers and trailers pass 16 KiB"));
        }
        Ok(())
    }
}

fn parse_length(value: &[u8]) -> Result<u64, ProtocolError> {
    let digits =
        std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or(ProtocolError("content length is no number"))
}

fn chunk_size(line: &[u8]) -> Result<u64, ProtocolError> {
    let size = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
    let hex = std::str::from_utf8(size).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex.and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or(ProtocolError("chunk size is no hex number"))
}

fn lists(value: &[u8], word: &[u8]) -> bool {
    value.split(|&byte| byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(word))
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
