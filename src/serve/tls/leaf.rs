//! What a certificate says: until when it is valid, and of whom. Pure.

use std::fmt::Write as _;

use futures_rustls::rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::db::rfc4519::{COMMON_NAME, ORGANIZATION_NAME};
use x509_cert::der::{Decode, Error};
use x509_cert::ext::pkix::name::DirectoryString;

use super::TlsError;
use crate::caller::PeerCertificate;

/// What is told of the certificate that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// SHA-256 of it, in hex.
    pub(super) fingerprint: String,
    /// Seconds since 1970.
    pub(super) not_after_s: u64,
}

pub(super) fn told(der: &[u8]) -> Result<Told, TlsError> {
    let certificate = Certificate::from_der(der).map_err(unreadable)?;
    let not_after = certificate.tbs_certificate().validity().not_after;
    Ok(Told { fingerprint: fingerprint(der), not_after_s: not_after.to_unix_duration().as_secs() })
}

/// A caller's certificate, with what a CA needs to vouch for it behind it, and its subject read.
pub(super) fn caller(chain: &[CertificateDer<'_>]) -> Result<PeerCertificate, TlsError> {
    let der = chain.first().ok_or(TlsError::NoCertificate)?;
    let certificate = Certificate::from_der(der).map_err(unreadable)?;
    let all = |oid: ObjectIdentifier| -> Result<Vec<String>, Error> {
        let of_kind = certificate.tbs_certificate().subject().iter().filter(|attribute| attribute.oid == oid);
        of_kind
            .map(|attribute| Ok(DirectoryString::try_from(&attribute.value)?.value().into_owned()))
            .collect()
    };
    let (mut names, organizations) =
        (all(COMMON_NAME).map_err(unreadable)?, all(ORGANIZATION_NAME).map_err(unreadable)?);
    let chain = chain.iter().map(|der| der.to_vec()).collect();
    Ok(PeerCertificate::new(chain, names.pop(), organizations))
}

fn fingerprint(der: &[u8]) -> String {
    Sha256::digest(der).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes any text");
        hex
    })
}

fn unreadable(error: Error) -> TlsError {
    TlsError::Certificate(error.to_string())
}
