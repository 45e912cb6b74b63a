//! How certificates are kept in Secrets. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use netreach_api::names::label;

use super::authority::{Authority, CertificateError, Leaf};
use super::plan::{Authorities, Next, Old};

/// On the Secret of the CAs: whoever sets it, to whatever, asks for a new CA.
pub const ROTATE: &str = "kdoctor.io/rotate";

type Data = BTreeMap<String, ByteString>;

/// A Secret that does not hold what it should.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Something is missing in it, or is no text.
    #[error("could not find {0}")]
    Missing(&'static str),
    /// It holds another thing than an instant.
    #[error("could not read {0} as a time")]
    Time(&'static str),
    /// It holds something that is no certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// Reads the CAs.
///
/// # Errors
/// When something is missing or damaged.
pub fn read_authorities(secret: &Secret) -> Result<Authorities, Unreadable> {
    let empty = Data::new();
    let data = secret.data.as_ref().unwrap_or(&empty);
    let current = Authority::read(need(data, "ca.crt")?, need(data, "ca.key")?)?;
    let next = match text(data, "next.crt") {
        None => None,
        Some(certificate) => Some(Next {
            authority: Authority::read(certificate, need(data, "next.key")?)?,
            published: time(data, "next.published")?,
        }),
    };
    let old = match text(data, "old.crt") {
        None => None,
        Some(certificate) => {
            let replaced = time(data, "old.replaced")?.ok_or(Unreadable::Missing("old.replaced"))?;
            Some(Old { certificate, replaced })
        }
    };
    Ok(Authorities { current, next, old })
}

/// Writes the CAs.
#[must_use]
pub fn authorities_data(authorities: &Authorities) -> Data {
    let Authorities { current, next, old } = authorities;
    let mut entries =
        vec![("ca.crt", current.certificate().to_owned()), ("ca.key", current.key().to_owned())];
    if let Some(Next { authority, published }) = next {
        entries.push(("next.crt", authority.certificate().to_owned()));
        entries.push(("next.key", authority.key().to_owned()));
        entries.extend(published.map(|published| ("next.published", published.to_string())));
    }
    if let Some(Old { certificate, replaced }) = old {
        entries.push(("old.crt", certificate.clone()));
        entries.push(("old.replaced", replaced.to_string()));
    }
    of_texts(entries)
}

/// Reads a leaf; none where there is no whole one.
#[must_use]
pub fn read_leaf(secret: &Secret) -> Option<Leaf> {
    let data = secret.data.as_ref()?;
    Some(Leaf { certificate: text(data, "tls.crt")?, key: text(data, "tls.key")? })
}

/// Writes a leaf, as every TLS Secret has it, and the CAs that are to be believed beside it.
#[must_use]
pub fn leaf_data(leaf: &Leaf, bundle: &str) -> Data {
    let Leaf { certificate, key } = leaf.clone();
    of_texts(vec![("tls.crt", certificate), ("tls.key", key), ("ca.crt", bundle.to_owned())])
}

/// A Secret of ours with these data: new, or in place of the one that was read, whose labels and annotations it keeps.
#[must_use]
pub fn secret(name: &str, kind: &str, before: Option<&Secret>, data: Data) -> Secret {
    let mut metadata = match before {
        Some(before) => before.metadata.clone(),
        None => ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
    };
    metadata.managed_fields = None;
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(label::MANAGED_BY.to_owned(), "netreach-manager".to_owned());
    let type_ = before.and_then(|before| before.type_.clone()).unwrap_or_else(|| kind.to_owned());
    Secret { metadata, type_: Some(type_), data: Some(data), ..Secret::default() }
}

/// Whether somebody asks for a new CA.
#[must_use]
pub fn is_asked(secret: &Secret) -> bool {
    secret.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(ROTATE))
}

fn of_texts(entries: Vec<(&str, String)>) -> Data {
    entries.into_iter().map(|(name, text)| (name.to_owned(), ByteString(text.into_bytes()))).collect()
}

fn text(data: &Data, name: &str) -> Option<String> {
    data.get(name).and_then(|bytes| String::from_utf8(bytes.0.clone()).ok())
}

fn need(data: &Data, name: &'static str) -> Result<String, Unreadable> {
    text(data, name).ok_or(Unreadable::Missing(name))
}

fn time(data: &Data, name: &'static str) -> Result<Option<Timestamp>, Unreadable> {
    text(data, name).map(|text| text.parse().map_err(|_| Unreadable::Time(name))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(all: &Authorities) {
        let written = secret("a", "Opaque", None, authorities_data(all));
        assert_eq!(&read_authorities(&written).unwrap(), all);
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let make = || Authority::new(now).unwrap();
        let mut all = Authorities::beginning_with(make());
        round_trip(&all);
        all.next = Some(Next { authority: make(), published: None });
        round_trip(&all);
        all.next = Some(Next { authority: make(), published: Some(now) });
        all.old = Some(Old { certificate: make().certificate().to_owned(), replaced: now });
        round_trip(&all);
    }

    #[test]
    fn what_is_damaged_is_told() {
        let all = Authorities::beginning_with(Authority::new(Timestamp::UNIX_EPOCH).unwrap());
        let check = |name: &str, text: Option<&[u8]>, expected: &str| {
            let mut data = authorities_data(&all);
            match text {
                Some(text) => _ = data.insert(name.to_owned(), ByteString(text.to_vec())),
                None => _ = data.remove(name),
            }
            let error = read_authorities(&secret("a", "Opaque", None, data)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("ca.key", None, "could not find ca.key");
        check("ca.crt", Some(b"\xff"), "could not find ca.crt");
        check("ca.crt", Some(b"none"), "could not read the PEM");
        check("next.crt", Some(b"none"), "could not find next.key");
        check("old.crt", Some(b"none"), "could not find old.replaced");
        assert!(read_leaf(&Secret::default()).is_none());
    }

    #[test]
    fn labels_and_annotations_of_others_stay() {
        let mut before = secret("a", "Opaque", None, Data::new());
        before.metadata.annotations = Some(BTreeMap::from([(ROTATE.to_owned(), "now".to_owned())]));
        before.metadata.labels.get_or_insert_default().insert("team".to_owned(), "net".to_owned());
        assert!(is_asked(&before));
        let after = secret("a", "Opaque", Some(&before), Data::new());
        assert!(is_asked(&after));
        assert_eq!(after.metadata.labels.unwrap()["team"], "net");
    }
}
