//! The head of an answer: an [`http_types::Response`] to bytes. Pure.

use std::io::Write;

use http_types::headers::{self, HeaderName};
use http_types::{Method, Response, StatusCode, Version};

/// How the request wants to be answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// HEAD: told the length, not sent the body.
    pub(crate) head_only: bool,
    /// HTTP/1.0 knows no chunks and closes unless told otherwise.
    pub(crate) is_1_0: bool,
}

/// How the client learns where the answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// There is no body to send.
    Absent,
    /// After so many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    Close,
}

impl Asked {
    /// Of a request that could not be read: as little as possible is taken for known.
    pub(crate) const UNREAD: Self = Self { head_only: false, is_1_0: false };

    pub(crate) fn by(request: &http_types::Request) -> Self {
        Self {
            head_only: request.method() == Method::Head,
            is_1_0: request.version() == Some(Version::Http1_0),
        }
    }

    pub(crate) fn end_of(self, response: &Response) -> End {
        if self.head_only || is_bodiless(response.status()) {
            End::Absent
        } else if let Some(length) = response.len() {
            End::Length(length as u64)
        } else if self.is_1_0 {
            End::Close
        } else {
            End::Chunked
        }
    }
}

/// Whether the app wants the connection to end here.
pub(crate) fn asks_to_close(response: &Response) -> bool {
    response
        .header(headers::CONNECTION)
        .is_some_and(|values| values.iter().any(|value| value.as_str().eq_ignore_ascii_case("close")))
}

/// Writes status line and headers. Length and connection are the codec's to say, whatever the app has set.
pub(crate) fn write_head(out: &mut Vec<u8>, response: &Response, asked: Asked, keep_alive: bool) {
    let status = response.status();
    out.extend_from_slice(b"HTTP/1.1 ");
    write_number(out, u64::from(u16::from(status)));
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().as_bytes());
    match asked.end_of(response) {
        End::Length(length) => write_length(out, length),
        // What GET would have been told; 204 and 1xx must not say it, 304 need not.
        End::Absent if !is_bodiless(status) => {
            if let Some(length) = response.len() {
                write_length(out, length as u64);
            }
        }
        End::Chunked => out.extend_from_slice(b"\r\ntransfer-encoding: chunked"),
        End::Absent | End::Close => {}
    }
    if !keep_alive {
        out.extend_from_slice(b"\r\nconnection: close");
    } else if asked.is_1_0 {
        out.extend_from_slice(b"\r\nconnection: keep-alive");
    }
    for (name, values) in response.iter().filter(|(name, _)| !is_codecs_own(name)) {
        for value in values {
            write_header(out, name, value.as_str());
        }
    }
    out.extend_from_slice(b"\r\n\r\n");
}

fn write_header(out: &mut Vec<u8>, name: &HeaderName, value: &str) {
    // A line break in a value would let whoever chose it write headers of his own.
    if value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        tracing::error!(header = name.as_str(), "left out a header of the answer (it holds a line break)");
        return;
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
}

fn write_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"\r\ncontent-length: ");
    write_number(out, length);
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    write!(out, "{number}").expect("writing to memory cannot fail");
}

fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NoContent | StatusCode::NotModified)
}

fn is_codecs_own(name: &HeaderName) -> bool {
    [headers::CONTENT_LENGTH, headers::TRANSFER_ENCODING, headers::CONNECTION].contains(name)
}

#[cfg(test)]
mod tests {
    use http_types::Body;

    use super::*;

    fn check(response: &Response, asked: Asked, keep_alive: bool, expected: &str) {
        let mut out = Vec::new();
        write_head(&mut out, response, asked, keep_alive);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    fn response(status: u16, body: impl Into<Body>) -> Response {
        let mut response = Response::new(status);
        response.set_body(body);
        response.remove_header(headers::CONTENT_TYPE);
        response
    }

    const ENDLESS: fn() -> Body = || Body::from_reader(futures_lite::io::empty(), None);
    const NEW: Asked = Asked { head_only: false, is_1_0: false };
    const OLD: Asked = Asked { head_only: false, is_1_0: true };
    const HEAD: Asked = Asked { head_only: true, is_1_0: false };

    #[test]
    fn an_answer_says_where_it_ends() {
        check(&response(200, "abc"), NEW, true, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
        check(&response(200, "abc"), HEAD, true, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
        check(&response(200, ENDLESS()), NEW, true, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        check(&response(200, ENDLESS()), HEAD, true, "HTTP/1.1 200 OK\r\n\r\n");
        check(&response(200, ENDLESS()), OLD, false, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        check(&response(204, ""), NEW, true, "HTTP/1.1 204 No Content\r\n\r\n");
        let kept = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n";
        check(&response(404, ""), OLD, true, kept);
    }

    #[test]
    fn the_app_cannot_say_another_length_or_smuggle_a_header() {
        let mut lying = response(200, "abc");
        lying.insert_header("content-length", "7");
        lying.insert_header("transfer-encoding", "chunked");
        lying.insert_header("connection", "close");
        lying.insert_header("x-name", "a\r\nset-cookie: b");
        assert!(asks_to_close(&lying));
        check(&lying, NEW, true, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
    }
}
