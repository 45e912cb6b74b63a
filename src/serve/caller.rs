//! Who is at the other end of a connection.

use std::sync::Arc;
#[cfg(feature = "tls")]
use std::sync::atomic::{AtomicU64, Ordering};

/// What the server knows of a caller.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Address and port.
    pub(crate) address: String,
    pub(crate) certificate: Option<PeerCertificate>,
}

/// The certificate a caller showed and a CA vouches for: an extension of the app's request. Clones are the same.
#[derive(Debug, Clone)]
pub struct PeerCertificate(Arc<Shown>);

#[derive(Debug)]
struct Shown {
    /// DER, the leaf first.
    chain: Vec<Vec<u8>>,
    common_name: Option<String>,
    organizations: Vec<String>,
    /// The number of the CAs that were found to vouch for it last; none have 0.
    #[cfg(feature = "tls")]
    vouched_by: AtomicU64,
}

/// The headers of a request as they came, where a byte of them is not ASCII: an extension of the app's request, whose own
/// headers have a `?` for each such byte.
#[derive(Debug, Clone)]
pub struct RawHeaders(Vec<(String, Vec<u8>)>);

impl PeerCertificate {
    #[cfg(feature = "tls")]
    pub(crate) fn new(chain: Vec<Vec<u8>>, common_name: Option<String>, organizations: Vec<String>) -> Self {
        Self(Arc::new(Shown { chain, common_name, organizations, vouched_by: AtomicU64::new(0) }))
    }

    /// The leaf, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.0.chain.first().map_or(&[], Vec::as_slice)
    }

    /// The subject's CN, the last one where there are several: to Kubernetes it names the user, or the proxy.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.0.common_name.as_deref()
    }

    /// Every O of the subject, in its order: to Kubernetes they are groups.
    #[must_use]
    pub fn organizations(&self) -> &[String] {
        &self.0.organizations
    }

    /// Whether the CAs of this number vouch for it; `verify` the chain is only called when that is not known yet.
    #[cfg(feature = "tls")]
    pub(crate) fn is_vouched_by(&self, number: u64, verify: impl FnOnce(&[Vec<u8>]) -> bool) -> bool {
        if self.0.vouched_by.load(Ordering::Relaxed) == number {
            return true;
        }
        let is_vouched = verify(&self.0.chain);
        if is_vouched {
            self.0.vouched_by.store(number, Ordering::Relaxed);
        }
        is_vouched
    }
}

impl RawHeaders {
    pub(crate) fn new(headers: Vec<(String, Vec<u8>)>) -> Self {
        Self(headers)
    }

    /// Names as they were written, and values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}
