//! HTTP/1.1 as an agent speaks it when it asks: bytes of a request out, a response from bytes in. Pure.

mod decoder;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;

use std::io::Write;

use http_types::Url;

pub(crate) use decoder::{Decoder, Progress, Wanted};

/// Request line and Host, with the path and query exactly as the URL has them.
pub(crate) fn write_request_line(head: &mut Vec<u8>, method: &str, url: &Url) {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    write!(head, "{method} {}{query} HTTP/1.1\r\nhost: {host}{port}\r\n", url.path())
        .expect("a Vec takes every write");
}
