//! Certificates made for a test.

use std::fmt::Write as _;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use sha2::{Digest, Sha256};

/// A CA.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
#[derive(Debug)]
pub struct Leaf {
    /// The certificate, PEM.
    pub certificate: String,
    /// Its key, PEM.
    pub key: String,
    der: Vec<u8>,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When the system gives no random bytes.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self::of(name, KeyPair::generate().expect("there are random bytes"))
    }

    /// One that is there already: of this name, with this key (PEM).
    ///
    /// # Panics
    /// When the key is none.
    #[must_use]
    pub fn with_key(name: &str, key: &str) -> Self {
        Self::of(name, KeyPair::from_pem(key).expect("the key is one"))
    }

    fn of(name: &str, key: KeyPair) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).expect("the parameters are fixed").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server with this name or address.
    ///
    /// # Panics
    /// When that is neither.
    #[must_use]
    pub fn sign(&self, name: &str) -> Leaf {
        self.sign_all(&[name])
    }

    /// A certificate for a server with all these names and addresses.
    ///
    /// # Panics
    /// When one of them is neither.
    #[must_use]
    pub fn sign_all(&self, names: &[&str]) -> Leaf {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        self.leaf(&CertificateParams::new(names).expect("the names are some"))
    }

    /// A certificate for a caller of this name.
    #[must_use]
    pub fn sign_caller(&self, name: &str) -> Leaf {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.leaf(&params)
    }

    fn leaf(&self, params: &CertificateParams) -> Leaf {
        let key = KeyPair::generate().expect("there are random bytes");
        let certificate = params.signed_by(&key, &self.issuer).expect("the parameters are fixed");
        Leaf { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }
}

impl Leaf {
    /// SHA-256 of the certificate, in hex, as servers tell which one they have loaded.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        Sha256::digest(&self.der).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
