//! Makes certificates: a CA, and leaves by it. Instants are arguments; keys are drawn from the system's randomness.

use std::fmt;
use std::sync::Arc;

use futures_rustls::rustls;
use futures_rustls::rustls::client::WebPkiServerVerifier;
use futures_rustls::rustls::client::danger::ServerCertVerifier;
use futures_rustls::rustls::crypto::{CryptoProvider, ring};
use futures_rustls::rustls::pki_types::pem::PemObject;
use futures_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use futures_rustls::rustls::sign::CertifiedKey;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::ext::pkix::name::DirectoryString;

use crate::limits::{CA_VALID_DAYS, CLOCK_BEHIND_MINUTES, LEAF_VALID_DAYS};

/// A certificate that could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Of no use to those who make them.
    #[error("could not make a certificate ({0})")]
    Make(#[from] rcgen::Error),
    /// No PEM, or a damaged one.
    #[error("could not read the PEM ({0})")]
    Pem(#[from] futures_rustls::rustls::pki_types::pem::Error),
    /// No X.509 certificate.
    #[error("could not read the certificate ({0})")]
    Der(#[from] x509_cert::der::Error),
    /// Certificate and key do not belong together, or no verifier takes the CA.
    #[error("could not use the certificate ({0})")]
    Refused(String),
}

impl From<rustls::Error> for CertificateError {
    fn from(error: rustls::Error) -> Self {
        Self::Refused(error.to_string())
    }
}

/// A CA: it signs, and others believe what it signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Authority {
    certificate: String,
    key: String,
}

/// What a server shows, and its key; both PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

// === impl Authority ===

impl Authority {
    /// A new one, with a name of its own: whoever finds two of the same name may try the wrong one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(now: Timestamp) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = ca_params(format!("netreach-ca {now:.0}"));
        valid(&mut params, now, CA_VALID_DAYS);
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { certificate, key: key.serialize_pem() })
    }

    /// One that was kept.
    ///
    /// # Errors
    /// When it cannot be read, or certificate and key do not belong together.
    pub fn read(certificate: String, key: String) -> Result<Self, CertificateError> {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())?;
        let private = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
        CertifiedKey::from_der(vec![der], private, &provider())?;
        Ok(Self { certificate, key })
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its key, PEM.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A leaf for a server of these names.
    ///
    /// # Errors
    /// When one of them is no name.
    pub fn sign(&self, names: &[String], now: Timestamp) -> Result<Leaf, CertificateError> {
        let issuer = Issuer::new(ca_params(common_name(&self.certificate)?), KeyPair::from_pem(&self.key)?);
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        valid(&mut params, now, LEAF_VALID_DAYS);
        let certificate = params.signed_by(&key, &issuer)?.pem();
        Ok(Leaf { certificate, key: key.serialize_pem() })
    }

    /// Whether whoever believes this CA alone believes the leaf at that instant, under each of the names.
    #[must_use]
    pub fn vouches_for(&self, leaf: &Leaf, names: &[String], at: Timestamp) -> bool {
        self.verify(leaf, names, at).is_ok()
    }

    fn verify(&self, leaf: &Leaf, names: &[String], at: Timestamp) -> Result<(), CertificateError> {
        let shown = CertificateDer::from_pem_slice(leaf.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes())?;
        CertifiedKey::from_der(vec![shown.clone()], key, &provider())?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(self.roots()?), provider()).build();
        let verifier = verifier.map_err(|error| CertificateError::Refused(error.to_string()))?;
        let seconds = u64::try_from(at.as_second()).unwrap_or_default();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        for name in names {
            let name = ServerName::try_from(name.as_str())
                .map_err(|error| CertificateError::Refused(error.to_string()))?;
            verifier.verify_server_cert(&shown, &[], &name, &[], at)?;
        }
        Ok(())
    }

    /// For who is to believe this CA alone.
    ///
    /// # Errors
    /// When its certificate is damaged.
    pub fn roots(&self) -> Result<rustls::RootCertStore, CertificateError> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.certificate.as_bytes())?)?;
        Ok(roots)
    }
}

/// Keys stay out of logs.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", common_name(&self.certificate).unwrap_or_default())
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaf({:?})", not_after(&self.certificate))
    }
}

/// Until when a certificate (PEM) is valid.
///
/// # Errors
/// When it cannot be read.
pub fn not_after(certificate: &str) -> Result<Timestamp, CertificateError> {
    let der = CertificateDer::from_pem_slice(certificate.as_bytes())?;
    let validity = *Certificate::from_der(&der)?.tbs_certificate().validity();
    let second = i64::try_from(validity.not_after.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_second(second).unwrap_or(Timestamp::MAX))
}

fn common_name(certificate: &str) -> Result<String, CertificateError> {
    let der = CertificateDer::from_pem_slice(certificate.as_bytes())?;
    let certificate = Certificate::from_der(&der)?;
    let subject = certificate.tbs_certificate().subject();
    let name = subject.iter().find(|attribute| attribute.oid == COMMON_NAME);
    let name = name.map(|attribute| DirectoryString::try_from(&attribute.value)).transpose()?;
    Ok(name.map(|name| name.value().into_owned()).unwrap_or_default())
}

fn ca_params(name: String) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn valid(params: &mut CertificateParams, now: Timestamp, days: i64) {
    let date = |at: Timestamp| {
        time::OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
    };
    params.not_before =
        date(now.saturating_sub(SignedDuration::from_mins(CLOCK_BEHIND_MINUTES)).unwrap_or(now));
    params.not_after = date(now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(now));
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn names() -> Vec<String> {
        ["a.b.svc", "a.b.svc.cluster.local"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_leaf_is_believed_by_its_ca_alone_under_its_names_for_its_time() {
        let now = at("2026-03-01T00:00:00Z");
        let (ca, other) = (Authority::new(now).unwrap(), Authority::new(now).unwrap());
        let leaf = ca.sign(&names(), now).unwrap();
        let check = |by: &Authority, names: &[String], at: Timestamp, expected: bool| {
            assert_eq!(by.vouches_for(&leaf, names, at), expected, "{by:?} {names:?} {at}");
        };
        check(&ca, &names(), now, true);
        check(&ca, &names(), at("2026-02-28T23:30:00Z"), true);
        check(&ca, &names(), at("2026-05-29T00:00:00Z"), true);
        check(&ca, &names(), at("2026-05-31T00:00:00Z"), false);
        check(&ca, &names(), at("2026-02-28T12:00:00Z"), false);
        check(&other, &names(), now, false);
        check(&ca, &["x.b.svc".to_owned()], now, false);
        assert_eq!(not_after(&leaf.certificate).unwrap(), at("2026-05-30T00:00:00Z"));
        let stolen = Leaf { key: other.sign(&names(), now).unwrap().key, ..leaf.clone() };
        assert!(!ca.vouches_for(&stolen, &names(), now), "the key is another's");
    }

    #[test]
    fn a_ca_that_was_kept_signs_as_before() {
        let now = at("2026-03-01T00:00:00Z");
        let ca = Authority::new(now).unwrap();
        let kept = Authority::read(ca.certificate().to_owned(), ca.key().to_owned()).unwrap();
        assert!(ca.vouches_for(&kept.sign(&names(), now).unwrap(), &names(), now));
        let other = Authority::new(now).unwrap();
        assert!(Authority::read(ca.certificate().to_owned(), other.key().to_owned()).is_err());
        for damaged in ["", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(Authority::read(damaged.to_owned(), ca.key().to_owned()).is_err());
        }
    }
}
