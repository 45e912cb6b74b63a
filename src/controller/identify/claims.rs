//! What a token says of itself: read without believing it, so that what cannot be an agent's costs no question to an API
//! server. Pure.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

/// For whom an agent's token is made: nobody else takes it, and we take no other.
pub(super) const AUDIENCE: &str = "netreach";
const ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// The claims of a token that is bound to a pod.
#[derive(Deserialize)]
pub(super) struct Claims {
    /// Seconds since 1970.
    exp: i64,
    sub: String,
    aud: Vec<String>,
    #[serde(rename = "kubernetes.io")]
    bound: Bound,
}

#[derive(Deserialize)]
struct Bound {
    pod: Pod,
}

#[derive(Deserialize)]
struct Pod {
    uid: String,
}

impl Claims {
    /// None when it is not made for us, is over, or is not bound to a pod.
    pub(super) fn read(token: &str, now: Timestamp) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let claims: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let is_for_us = claims.aud.iter().any(|audience| audience == AUDIENCE);
        (is_for_us && claims.exp > now.as_second()).then_some(claims)
    }

    /// The user it is made for.
    pub(super) fn user(&self) -> &str {
        &self.sub
    }

    /// The pod that it is bound to.
    pub(super) fn pod_uid(&self) -> &str {
        &self.bound.pod.uid
    }

    /// For how long it is good still.
    pub(super) fn left(&self, now: Timestamp) -> Duration {
        Duration::from_secs(u64::try_from(self.exp.saturating_sub(now.as_second())).unwrap_or_default())
    }
}

/// The account of that user name, as `namespace:name`; none where it is no service account's.
pub(super) fn account(user: &str) -> Option<&str> {
    user.strip_prefix(ACCOUNT_PREFIX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn token(claims: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    /// An agent's claims as an API server writes them, with one of them changed.
    fn changed(path: &str, value: Value) -> Option<Claims> {
        let mut claims = json!({
            "aud": ["netreach"], "exp": NOW + 3_607, "iat": NOW, "iss": "https://kubernetes.default.svc.cluster.local", "jti": "j",
            "kubernetes.io": {
                "namespace": "netreach-system",
                "node": {"name": "worker", "uid": "n"},
                "pod": {"name": "netreach-agent-x", "uid": "p"},
                "serviceaccount": {"name": "netreach-agent", "uid": "s"},
            },
            "nbf": NOW, "sub": "system:serviceaccount:netreach-system:netreach-agent",
        });
        if !path.is_empty() {
            *claims.pointer_mut(path).unwrap() = value;
        }
        Claims::read(&token(&claims), now())
    }

    #[test]
    fn an_agents_token_says_whose_it_is_and_for_how_long() {
        let claims = changed("", Value::Null).unwrap();
        assert_eq!((account(claims.user()), claims.pod_uid()), (Some("netreach-system:netreach-agent"), "p"));
        assert_eq!(claims.left(now()), Duration::from_secs(3_607));
        assert_eq!(claims.left(Timestamp::MAX), Duration::ZERO);
        assert!(changed("/aud", json!(["api", "netreach"])).is_some());
    }

    #[test]
    fn what_cannot_be_an_agents_is_not_asked_about() {
        for (path, value) in [
            ("/exp", json!(NOW)),
            ("/exp", json!(-1)),
            ("/exp", json!(i64::MIN)),
            ("/exp", json!(u64::MAX)),
            ("/exp", json!(1e300)),
            ("/exp", json!("9999999999")),
            ("/exp", Value::Null),
            ("/aud", json!(["api"])),
            ("/aud", json!([])),
            ("/aud", json!("netreach")),
            ("/sub", json!(7)),
            ("/kubernetes.io", Value::Null),
            ("/kubernetes.io/pod", Value::Null),
            ("/kubernetes.io/pod/uid", json!(["p"])),
        ] {
            let told = value.to_string();
            assert!(changed(path, value).is_none(), "{path} {told}");
        }
        for other in ["", "system:node:worker", "system:serviceaccount", "x:system:serviceaccount:a:b"] {
            assert_eq!(account(other), None);
        }
    }

    #[test]
    fn a_token_for_ever_does_not_overflow() {
        let claims = changed("/exp", json!(i64::MAX)).unwrap();
        assert!(claims.left(Timestamp::MIN) > Duration::from_secs(1 << 60));
    }

    #[test]
    fn garbage_is_no_token() {
        for garbage in ["", ".", "..", "a.b.c", "e30.e30.e30", "e30.bnVsbA.", "e30.W10.", "ä.ä.ä", "e30. .x"]
        {
            assert!(Claims::read(garbage, now()).is_none(), "{garbage}");
        }
        let deep = format!("e30.{}.", URL_SAFE_NO_PAD.encode("[".repeat(6_000)));
        assert!(Claims::read(&deep, now()).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_token_is_a_panic(payload in proptest::collection::vec(any::<u8>(), 0..64), exp in any::<i64>()) {
            let garbage = format!("e30.{}.", URL_SAFE_NO_PAD.encode(payload));
            prop_assert!(Claims::read(&garbage, now()).is_none());
            prop_assert_eq!(changed("/exp", json!(exp)).is_some(), exp > NOW);
        }
    }
}
