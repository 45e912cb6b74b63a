//! The echo: how a probe proves to an agent that it may ask, and the agent proves to the probe who answered.
//!
//! A probe carries `netreach-probe: <nonce><tag>`; the tag is an HMAC over the nonce with the round's key. To a
//! valid tag the agent answers its pod, its node and the client address it saw, with `netreach-echo: <mac>` over tag and
//! body. Without a valid tag it says nothing about itself. HMAC-SHA256 (RFC 2104), cut to 128 bits.

use std::fmt;
use std::net::SocketAddr;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of a tag or MAC on the wire.
const MAC_BYTES: usize = 16;
const NONCE_HEX: usize = 16;
const MAC_HEX: usize = MAC_BYTES * 2;
const PROBE_CONTEXT: &[u8] = b"netreach probe v1";
const ECHO_CONTEXT: &[u8] = b"netreach echo v1";
const KEY_CONTEXT: &[u8] = b"netreach key v1";

/// A round's key. Printed only to those it is sent to, never to a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EchoKey([u8; KEY_BYTES]);

/// Tells one key from another without giving it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(u64);

/// Signs and verifies with one round's key.
#[derive(Clone)]
pub struct Signer {
    keyed: Hmac<Sha256>,
}

/// The header value of one probe: lower-case hex, always [`ProbeTag::LEN`] bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProbeTag([u8; Self::LEN]);

/// What an agent says of itself to a probe it may trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo<'a> {
    /// The answering pod.
    pub pod: &'a str,
    /// Its node.
    pub node: &'a str,
    /// The client address it saw: differs from the sender's where addresses are translated on the way.
    pub client: SocketAddr,
}

/// Why an answer is not an agent's echo.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum EchoError {
    /// No MAC, or not one of this probe and this body.
    #[error("the echo is not signed with this round's key for this probe")]
    Unsigned,
    /// Signed, but not in the known form.
    #[error("the echo is signed but not in the known form (pod, node, client)")]
    Malformed,
}

/// A key that is not 64 hex digits.
#[derive(Debug, thiserror::Error)]
#[error("echo key must be {} hex digits", KEY_BYTES * 2)]
pub struct KeyError;

impl EchoKey {
    /// A key from random bytes, which the caller brings.
    #[must_use]
    pub fn new(random: [u8; KEY_BYTES]) -> Self {
        Self(random)
    }

    /// What it is called: the first 64 bits of a MAC that signs nothing else.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let mac = Signer::new(self).mac(&[KEY_CONTEXT]);
        KeyId(mac.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte)))
    }
}

impl fmt::Debug for EchoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EchoKey(…)")
    }
}

impl TryFrom<String> for EchoKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        let mut bytes = [0; KEY_BYTES];
        unhex(text.as_bytes(), &mut bytes).ok_or(KeyError)?;
        Ok(Self(bytes))
    }
}

impl From<EchoKey> for String {
    fn from(key: EchoKey) -> Self {
        let mut text = vec![0; KEY_BYTES * 2];
        hex(&key.0, &mut text);
        text.into_iter().map(char::from).collect()
    }
}

impl ProbeTag {
    /// Bytes of a tag on the wire.
    pub const LEN: usize = NONCE_HEX + MAC_HEX;

    /// The bytes to send.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for ProbeTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProbeTag(…)")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl Signer {
    /// Gets the key ready once, so that a probe pays for its own bytes only.
    #[must_use]
    pub fn new(key: &EchoKey) -> Self {
        Self { keyed: Hmac::new_from_slice(&key.0).expect("HMAC takes keys of any length") }
    }

    /// The tag of the probe with this nonce; a nonce is used once a round.
    #[must_use]
    pub fn tag(&self, nonce: u64) -> ProbeTag {
        let mut tag = [0; ProbeTag::LEN];
        hex(&nonce.to_be_bytes(), &mut tag[..NONCE_HEX]);
        let mac = self.mac(&[PROBE_CONTEXT, &tag[..NONCE_HEX]]);
        hex(&mac, &mut tag[NONCE_HEX..]);
        ProbeTag(tag)
    }

    /// The tag in a header value, if it is one of this round.
    #[must_use]
    pub fn verify_tag(&self, header: &[u8]) -> Option<ProbeTag> {
        let tag: [u8; ProbeTag::LEN] = header.try_into().ok()?;
        let mut mac = [0; MAC_BYTES];
        unhex(&tag[NONCE_HEX..], &mut mac)?;
        self.matches(&[PROBE_CONTEXT, &tag[..NONCE_HEX]], &mac).then_some(ProbeTag(tag))
    }

    /// The body of an answer and the header value that signs it: what [`Echo`] holds, with the client as the socket's address
    /// is written. Neither is formatted, for an agent writes thousands a second.
    #[must_use]
    pub fn sign_echo(&self, tag: &ProbeTag, pod: &str, node: &str, client: &str) -> (String, String) {
        let body = ["pod=", pod, "\nnode=", node, "\nclient=", client, "\n"].concat();
        let mut mac = vec![0; MAC_HEX];
        hex(&self.mac(&[ECHO_CONTEXT, &tag.0, body.as_bytes()]), &mut mac);
        (body, String::from_utf8(mac).expect("hex digits are ASCII"))
    }

    /// Who signed this answer to the probe with this tag.
    ///
    /// # Errors
    /// When the MAC is missing or wrong, or the signed body is not an echo.
    pub fn verify_echo<'a>(&self, tag: &ProbeTag, mac: &[u8], body: &'a [u8]) -> Result<Echo<'a>, EchoError> {
        let mut bytes = [0; MAC_BYTES];
        unhex(mac, &mut bytes).ok_or(EchoError::Unsigned)?;
        if !self.matches(&[ECHO_CONTEXT, &tag.0, body], &bytes) {
            return Err(EchoError::Unsigned);
        }
        parse(body).ok_or(EchoError::Malformed)
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; MAC_BYTES] {
        let mut keyed = self.keyed.clone();
        parts.iter().for_each(|part| keyed.update(part));
        let full = keyed.finalize().into_bytes();
        let mut cut = [0; MAC_BYTES];
        cut.copy_from_slice(&full[..MAC_BYTES]);
        cut
    }

    /// Compares in constant time.
    fn matches(&self, parts: &[&[u8]], mac: &[u8; MAC_BYTES]) -> bool {
        let mut keyed = self.keyed.clone();
        parts.iter().for_each(|part| keyed.update(part));
        keyed.verify_truncated_left(mac).is_ok()
    }
}

fn parse(body: &[u8]) -> Option<Echo<'_>> {
    let mut lines = std::str::from_utf8(body).ok()?.lines();
    let pod = lines.next()?.strip_prefix("pod=")?;
    let node = lines.next()?.strip_prefix("node=")?;
    let client = lines.next()?.strip_prefix("client=")?.parse().ok()?;
    lines.next().is_none().then_some(Echo { pod, node, client })
}

fn hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Only lower-case hex of exactly the right length.
fn unhex(text: &[u8], bytes: &mut [u8]) -> Option<()> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    if text.len() != bytes.len() * 2 {
        return None;
    }
    for (pair, byte) in text.chunks_exact(2).zip(bytes) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(byte: u8) -> Signer {
        Signer::new(&EchoKey::new([byte; KEY_BYTES]))
    }

    #[test]
    fn an_echo_is_believed_only_with_the_rounds_key_this_tag_and_this_body() {
        let (ours, theirs) = (signer(1), signer(2));
        let tag = ours.tag(7);
        let said = Echo { pod: "agent-a", node: "node-a", client: "[::1]:4711".parse().unwrap() };
        let (body, mac) = ours.sign_echo(&tag, "agent-a", "node-a", "[::1]:4711");
        assert_eq!(ours.verify_echo(&tag, mac.as_bytes(), body.as_bytes()), Ok(said));
        let forged = body.replace("agent-a", "agent-b");
        assert_eq!(ours.verify_echo(&tag, mac.as_bytes(), forged.as_bytes()), Err(EchoError::Unsigned));
        assert_eq!(ours.verify_echo(&ours.tag(8), mac.as_bytes(), body.as_bytes()), Err(EchoError::Unsigned));
        assert_eq!(theirs.verify_echo(&tag, mac.as_bytes(), body.as_bytes()), Err(EchoError::Unsigned));
        assert_eq!(ours.verify_echo(&tag, b"", body.as_bytes()), Err(EchoError::Unsigned));
    }

    #[test]
    fn a_tag_is_answered_only_with_the_rounds_key_and_its_own_nonce() {
        let ours = signer(1);
        let tag = ours.tag(u64::MAX);
        assert_eq!(ours.verify_tag(tag.as_bytes()).map(|tag| tag.0), Some(tag.0));
        assert!(signer(2).verify_tag(tag.as_bytes()).is_none());
        let mut other_nonce = *tag.as_bytes();
        other_nonce[0] = b'0';
        assert!(ours.verify_tag(&other_nonce).is_none());
        assert!(ours.verify_tag(&tag.as_bytes()[1..]).is_none());
        assert!(ours.verify_tag(b"").is_none());
    }

    #[test]
    fn a_key_survives_json_and_is_not_debugged() {
        let key = EchoKey::new([0xab; KEY_BYTES]);
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<EchoKey>(&text).unwrap(), key);
        assert!(serde_json::from_str::<EchoKey>("\"abcd\"").is_err());
        assert!(!format!("{key:?}").contains("ab"));
    }

    #[test]
    fn a_key_is_known_by_an_id_of_its_own() {
        let (one, other) = (EchoKey::new([1; KEY_BYTES]), EchoKey::new([2; KEY_BYTES]));
        assert_eq!(one.id(), one.clone().id());
        assert_ne!(one.id(), other.id());
        let text = serde_json::to_string(&one.id()).unwrap();
        assert_eq!(serde_json::from_str::<KeyId>(&text).unwrap(), one.id());
    }
}
