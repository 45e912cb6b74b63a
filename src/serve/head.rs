//! The head of a request: bytes to an [`http_types::Request`] and how its body is framed (RFC 9112).

use std::mem::MaybeUninit;

use http_types::headers::{self, HeaderName, HeaderValue};
use http_types::{Method, Request, Url, Version};
use httparse::Status;

use crate::body::Framing;
use crate::caller::RawHeaders;
use crate::fault::Fault;
use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX, HeadLimits};

/// A request without its body yet.
#[derive(Debug)]
pub(crate) struct Head {
    /// Boxed, as answers are: either is 400 bytes, and goes through many hands.
    pub(crate) request: Box<Request>,
    /// Bytes it took.
    pub(crate) bytes: usize,
    pub(crate) framing: Framing,
    /// Whether the client wants to ask again on this connection.
    pub(crate) keep_alive: bool,
    /// Whether the client holds its body back until it is told to go on.
    pub(crate) expects_continue: bool,
}

/// Parses heads of one connection; remembers the last target, for most clients ask for the same again.
#[derive(Debug, Default)]
pub(crate) struct HeadParser {
    limits: HeadLimits,
    last: Option<(String, Url)>,
    /// Bytes in which the end of a large head has been looked for.
    searched: usize,
}

/// What the codec itself reads in the headers.
struct Framed {
    lengths: usize,
    length: u64,
    codings: usize,
    hosts: usize,
    keep_alive: bool,
    expects_continue: bool,
}

impl HeadParser {
    pub(crate) fn new(limits: HeadLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The head at the front of `input`, if it is whole.
    pub(crate) fn parse(&mut self, input: &[u8]) -> Result<Option<Head>, Fault> {
        let HeadLimits { bytes_max, headers_max } = self.limits;
        // Most heads come in a read or two. One of hundreds is parsed when it is whole, not after each.
        if (HEAD_BYTES_MAX..bytes_max).contains(&input.len()) && !self.has_end(input) {
            return Ok(None);
        }
        let mut few = [const { MaybeUninit::uninit() }; HEADERS_MAX];
        match self.parse_in(input, &mut few) {
            Err(Fault::TooManyHeaders { .. }) if headers_max > HEADERS_MAX => {
                self.parse_in(input, &mut vec![MaybeUninit::uninit(); headers_max])
            }
            parsed => parsed,
        }
    }

    /// [`Self::parse`] that has so much space for headers.
    fn parse_in<'a>(
        &mut self,
        input: &'a [u8],
        space: &mut [MaybeUninit<httparse::Header<'a>>],
    ) -> Result<Option<Head>, Fault> {
        let (bytes_max, headers_max) = (self.limits.bytes_max, space.len());
        let mut parsed = httparse::Request::new(&mut []);
        let bytes = match parsed.parse_with_uninit_headers(input, space) {
            Ok(Status::Complete(bytes)) if bytes <= bytes_max => bytes,
            Ok(Status::Partial) if input.len() < bytes_max => return Ok(None),
            Ok(_) => return Err(Fault::HeadTooLarge { max: bytes_max }),
            Err(httparse::Error::TooManyHeaders) => return Err(Fault::TooManyHeaders { max: headers_max }),
            Err(error) => return Err(error.into()),
        };
        // A whole head has all three; the parser only has no type to say so.
        let (Some(name), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
            return Ok(None);
        };
        let mut request = Box::new(Request::new(method(name)?, self.url(target)?));
        request.set_version(Some(if minor == 0 { Version::Http1_0 } else { Version::Http1_1 }));
        let framed = read_headers(&mut request, parsed.headers, minor)?;
        let framing = framed.framing(minor)?;
        let Framed { keep_alive, expects_continue, .. } = framed;
        Ok(Some(Head { request, bytes, framing, keep_alive, expects_continue }))
    }

    /// Whether an empty line ends a head: looked for in what has come since the last look.
    fn has_end(&mut self, input: &[u8]) -> bool {
        let new = &input[self.searched.saturating_sub(2)..];
        let has_end = new.windows(2).any(|end| end == b"\n\n") || new.windows(3).any(|end| end == b"\n\r\n");
        self.searched = if has_end { 0 } else { input.len() };
        has_end
    }

    /// Routing looks at the path alone, so a bare path gets a fixed host: what the client calls us stays in `Host`
    /// and cannot bend the URL.
    fn url(&mut self, target: &str) -> Result<Url, Fault> {
        if let Some((last, url)) = &self.last
            && last == target
        {
            return Ok(url.clone());
        }
        let url = if target.starts_with('/') {
            Url::parse(&format!("http://localhost{target}"))
        } else if target.starts_with("http://") || target.starts_with("https://") {
            Url::parse(target)
        } else {
            return Err(Fault::Target);
        };
        let url = url.map_err(|_| Fault::Target)?;
        self.last = Some((target.to_owned(), url.clone()));
        Ok(url)
    }

    /// Gives back what a connection need not hold while it is idle.
    pub(crate) fn rest(&mut self, bytes_max: usize) {
        self.last.take_if(|(target, _)| target.len() > bytes_max);
    }
}

/// Passes the headers on to the request, except those that only the codec needs.
fn read_headers(request: &mut Request, parsed: &[httparse::Header<'_>], minor: u8) -> Result<Framed, Fault> {
    let mut framed = Framed {
        lengths: 0,
        length: 0,
        codings: 0,
        hosts: 0,
        keep_alive: minor == 1,
        expects_continue: false,
    };
    for header in parsed {
        let name = header_name(header.name)?;
        if name == headers::CONTENT_LENGTH {
            framed.lengths += 1;
            framed.length = content_length(header.value)?;
        } else if name == headers::TRANSFER_ENCODING {
            framed.codings += 1;
            if !header.value.eq_ignore_ascii_case(b"chunked") {
                return Err(Fault::Coding);
            }
        } else if name == headers::EXPECT {
            // HTTP/1.0 does not know it: there it says nothing.
            framed.expects_continue = minor == 1;
            if !header.value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Fault::Expectation);
            }
        } else if name == headers::CONNECTION {
            for option in header.value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                framed.keep_alive &= !option.eq_ignore_ascii_case(b"close");
                framed.keep_alive |= minor == 0 && option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else {
            if name == headers::HOST {
                framed.hosts += 1;
                valid_host(header.value)?;
            }
            request.append_header(name, header_value(header.value));
        }
    }
    if parsed.iter().any(|header| !header.value.is_ascii()) {
        let raw = parsed.iter().map(|header| (header.name.to_owned(), header.value.to_owned()));
        request.ext_mut().insert(RawHeaders::new(raw.collect()));
    }
    if framed.hosts > 1 || (minor == 1 && framed.hosts == 0) {
        return Err(Fault::Host);
    }
    Ok(framed)
}

impl Framed {
    /// One header says where the body ends, or none: two would let us and a proxy before us disagree.
    fn framing(&self, minor: u8) -> Result<Framing, Fault> {
        match (self.lengths, self.codings) {
            (0, 0) => Ok(Framing::None),
            (1, 0) => Ok(Framing::Length(self.length)),
            (0, 1) if minor == 1 => Ok(Framing::Chunked),
            (0, _) => Err(Fault::Coding),
            (_, 0) => Err(Fault::Length),
            _ => Err(Fault::TwoLengths),
        }
    }
}

/// HTTP's methods are upper case; the common ones are told apart without the allocation that parsing costs.
fn method(name: &str) -> Result<Method, Fault> {
    match name {
        "GET" => Ok(Method::Get),
        "HEAD" => Ok(Method::Head),
        "POST" => Ok(Method::Post),
        "PUT" => Ok(Method::Put),
        _ if name.bytes().any(|byte| byte.is_ascii_lowercase()) => Err(Fault::Method),
        _ => name.parse().map_err(|_| Fault::Method),
    }
}

/// The well-known names cost no allocation.
fn header_name(name: &str) -> Result<HeaderName, Fault> {
    const KNOWN: [HeaderName; 11] = [
        headers::HOST,
        headers::USER_AGENT,
        headers::ACCEPT,
        headers::ACCEPT_ENCODING,
        headers::CONNECTION,
        headers::CONTENT_LENGTH,
        headers::CONTENT_TYPE,
        headers::AUTHORIZATION,
        headers::EXPECT,
        headers::TRANSFER_ENCODING,
        headers::FORWARDED,
    ];
    if let Some(known) = KNOWN.iter().find(|known| known.as_str().eq_ignore_ascii_case(name)) {
        return Ok(known.clone());
    }
    HeaderName::from_bytes(name.into()).map_err(|_| Fault::Garbage(httparse::Error::HeaderName))
}

/// Values are ASCII to the app. RFC 9110 lets other bytes pass and gives them no meaning; each becomes a `?`, and who gives
/// them one reads [`RawHeaders`].
fn header_value(value: &[u8]) -> HeaderValue {
    let mut ascii = value.to_vec();
    ascii.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?');
    HeaderValue::from_bytes(ascii).expect("every byte that is not ASCII has just been replaced")
}

fn content_length(value: &[u8]) -> Result<u64, Fault> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Fault::Length);
    }
    // More digits than 64 bits hold are more than any bound: saturate, and the bound refuses it.
    Ok(value
        .iter()
        .fold(0, |length: u64, digit| length.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
}

/// Characters of a host and port (RFC 3986, section 3.2.2, without user information).
fn valid_host(value: &[u8]) -> Result<(), Fault> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte);
    if value.iter().all(allowed) { Ok(()) } else { Err(Fault::Host) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Head, Fault> {
        HeadParser::default().parse(text.as_bytes()).map(|head| head.expect("the head is whole"))
    }

    fn get(headers: &str) -> Result<Head, Fault> {
        head(&format!("GET / HTTP/1.1\r\nhost: a\r\n{headers}\r\n"))
    }

    fn fault(headers: &str) -> Fault {
        get(headers).unwrap_err()
    }

    #[test]
    fn one_header_at_most_says_where_the_body_ends() {
        assert_eq!(get("").unwrap().framing, Framing::None);
        assert_eq!(get("content-length: 007\r\n").unwrap().framing, Framing::Length(7));
        assert_eq!(get("Transfer-Encoding: Chunked\r\n").unwrap().framing, Framing::Chunked);
        for odd in ["", "-1", "+1", "0x1", "1 1", "1,1", "a"] {
            assert_eq!(fault(&format!("content-length: {odd}\r\n")), Fault::Length, "{odd:?}");
        }
        assert_eq!(fault("content-length: 1\r\ncontent-length: 1\r\n"), Fault::Length);
        assert_eq!(fault("content-length: 1\r\ntransfer-encoding: chunked\r\n"), Fault::TwoLengths);
        assert_eq!(fault("transfer-encoding: gzip, chunked\r\n"), Fault::Coding);
        assert_eq!(fault("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"), Fault::Coding);
        let old = head("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n");
        assert_eq!(old.unwrap_err(), Fault::Coding);
        let huge = get("content-length: 99999999999999999999999\r\n").unwrap();
        assert_eq!(huge.framing, Framing::Length(u64::MAX));
    }

    #[test]
    fn a_connection_is_kept_as_version_and_header_say() {
        let keeps = |version: &str, connection: &str| {
            head(&format!("GET / HTTP/{version}\r\nhost: a\r\nconnection: {connection}\r\n\r\n"))
                .unwrap()
                .keep_alive
        };
        assert!(keeps("1.1", "te"));
        assert!(!keeps("1.1", "te , Close"));
        assert!(!keeps("1.0", "te"));
        assert!(keeps("1.0", "Keep-Alive"));
    }

    #[test]
    fn a_target_is_a_path_or_a_url_and_the_host_cannot_bend_it() {
        let path = |target: &str| {
            head(&format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
                .map(|head| head.request.url().path().to_owned())
        };
        assert_eq!(path("/a/b?c=d").unwrap(), "/a/b");
        assert_eq!(path("http://somewhere:81/a").unwrap(), "/a");
        assert_eq!(path("/@b//c").unwrap(), "/@b//c");
        for bad in ["*", "a", "somewhere:443", "ftp://a/", "http://", "http://a:x/"] {
            assert_eq!(path(bad).unwrap_err(), Fault::Target, "{bad:?}");
        }
        for host in ["a/b", "a b", "u@a", "a?b", "a\"", "\u{e4}"] {
            let refused = head(&format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n"));
            assert_eq!(refused.unwrap_err(), Fault::Host, "{host:?}");
        }
        assert!(head("GET / HTTP/1.0\r\n\r\n").is_ok());
        assert_eq!(head("GET / HTTP/1.1\r\n\r\n").unwrap_err(), Fault::Host);
        assert_eq!(fault("host: a\r\n"), Fault::Host);
    }

    #[test]
    fn headers_reach_the_app_in_ascii_and_those_of_the_codec_do_not() {
        let request = get("X-Odd: caf\u{e9}\r\nx-odd: b\r\ncontent-length: 0\r\n").unwrap().request;
        let odd: Vec<_> = request.header("x-odd").unwrap().iter().map(HeaderValue::as_str).collect();
        assert_eq!(odd, ["caf??", "b"]);
        assert!(request.header(headers::CONTENT_LENGTH).is_none());
        assert_eq!(request.host(), Some("a"));
    }

    #[test]
    fn the_last_target_is_remembered_only_for_itself() {
        let mut parser = HeadParser::default();
        for path in ["/a", "/a", "/b", "/a"] {
            let text = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
            let head = parser.parse(text.as_bytes()).unwrap().unwrap();
            assert_eq!((head.request.url().path(), head.bytes), (path, text.len()));
        }
    }
}
