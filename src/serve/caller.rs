//! Who is at the other end of a connection.

use std::sync::Arc;

/// What the server knows of a caller.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Address and port.
    pub(crate) address: String,
    pub(crate) certificate: Option<PeerCertificate>,
}

/// The certificate a caller showed and a CA vouched for: an extension of the app's request. Clones are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate(Arc<Shown>);

#[derive(Debug, PartialEq, Eq)]
struct Shown {
    der: Vec<u8>,
    common_name: Option<String>,
    organizations: Vec<String>,
}

impl PeerCertificate {
    #[cfg(feature = "tls")]
    pub(crate) fn new(der: Vec<u8>, common_name: Option<String>, organizations: Vec<String>) -> Self {
        Self(Arc::new(Shown { der, common_name, organizations }))
    }

    /// The leaf, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
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
}
