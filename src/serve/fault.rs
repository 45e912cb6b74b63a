//! What a peer can do wrong, and what it is told.

use http_types::StatusCode;

/// A request that is not handed to the app. The connection ends after it: where the next request would begin is
/// not known.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    #[error("could not read the request ({0}): speak HTTP/1.1")]
    Garbage(httparse::Error),
    #[error("could not read the request (HTTP versions 1.0 and 1.1 are spoken)")]
    Version,
    #[error("could not read the request (its head exceeds {max} bytes)")]
    HeadTooLarge { max: usize },
    #[error("could not read the request (it has more than {max} headers)")]
    TooManyHeaders { max: usize },
    #[error("could not read the request (its head took too long)")]
    HeadLate,
    #[error("could not serve the request (too many others with heads as large are being served): ask again")]
    Crowded,
    #[error("could not serve the method (it is not one of HTTP's)")]
    Method,
    #[error("could not read the request target (write a path or an http URL)")]
    Target,
    #[error("could not read the request (HTTP/1.1 wants exactly one valid host header)")]
    Host,
    #[error("could not read content-length (write it once, in digits)")]
    Length,
    #[error("could not tell where the request ends (it has content-length and transfer-encoding, send one)")]
    TwoLengths,
    #[error("could not read transfer-encoding (only chunked is understood, in HTTP/1.1)")]
    Coding,
    #[error("could not meet the expectation (only 100-continue is understood)")]
    Expectation,
    #[error("could not take the request body (it exceeds {max} bytes)")]
    BodyTooLarge { max: u64 },
    #[error("could not read the chunked request body (a chunk is not framed as RFC 9112 says)")]
    Chunk,
    #[error("could not read the request body (it took too long)")]
    BodyLate,
    #[error("could not read the request body (the connection ended within it)")]
    BodyCut,
}

impl Fault {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Garbage(_)
            | Self::Target
            | Self::Host
            | Self::Length
            | Self::TwoLengths
            | Self::Chunk
            | Self::BodyCut => StatusCode::BadRequest,
            Self::HeadLate | Self::BodyLate => StatusCode::RequestTimeout,
            Self::BodyTooLarge { .. } => StatusCode::PayloadTooLarge,
            Self::Expectation => StatusCode::ExpectationFailed,
            Self::HeadTooLarge { .. } | Self::TooManyHeaders { .. } => {
                StatusCode::RequestHeaderFieldsTooLarge
            }
            Self::Crowded => StatusCode::ServiceUnavailable,
            Self::Method | Self::Coding => StatusCode::NotImplemented,
            Self::Version => StatusCode::HttpVersionNotSupported,
        }
    }
}

impl From<httparse::Error> for Fault {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::Version => Self::Version,
            other => Self::Garbage(other),
        }
    }
}
