//! Where a list goes on: what its `continue` holds. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use netreach_api::names::REPORT_API_VERSION;
use serde::{Deserialize, Serialize};

use super::Unfit;

/// A place in a list of reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Which list it is: tokens of others are none of ours.
    v: String,
    /// Of which moment the list is; of whatever is now when it goes on with what there is.
    #[serde(rename = "rv")]
    pub(crate) version: Option<u64>,
    /// The name of the last report before it.
    pub(crate) after: String,
}

/// A place in a list of rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoundPlace {
    v: String,
    /// Whose rounds.
    pub(crate) uid: String,
    /// The last round before it.
    pub(crate) below: u64,
}

const REPORTS: &str = REPORT_API_VERSION;
const ROUNDS: &str = "rounds";

impl Place {
    pub(crate) fn new(version: Option<u64>, after: &str) -> Self {
        Self { v: REPORTS.to_owned(), version, after: after.to_owned() }
    }

    pub(crate) fn encode(&self) -> String {
        encode(self)
    }

    pub(crate) fn decode(token: &str) -> Result<Self, Unfit> {
        decode(token).filter(|place: &Self| place.v == REPORTS && !place.after.is_empty()).ok_or_else(strange)
    }
}

impl RoundPlace {
    pub(crate) fn new(uid: &str, below: u64) -> Self {
        Self { v: ROUNDS.to_owned(), uid: uid.to_owned(), below }
    }

    pub(crate) fn encode(&self) -> String {
        encode(self)
    }

    pub(crate) fn decode(token: &str) -> Result<Self, Unfit> {
        decode(token).filter(|place: &Self| place.v == ROUNDS).ok_or_else(strange)
    }
}

fn encode(place: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).expect("texts and numbers are always JSON"))
}

fn decode<'de, T: for<'a> Deserialize<'a>>(token: &'de str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

fn strange() -> Unfit {
    Unfit::Malformed("continue is none that this list has given".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_and_what_is_none_is_refused() {
        for place in [Place::new(Some(7 << 32 | 9), "netreach-a.b"), Place::new(None, "a")] {
            assert_eq!(Place::decode(&place.encode()), Ok(place));
        }
        let round = RoundPlace::new("u", 7);
        assert_eq!(RoundPlace::decode(&round.encode()), Ok(round.clone()));
        assert!(Place::decode(&round.encode()).is_err());
        assert!(RoundPlace::decode(&Place::new(None, "a").encode()).is_err());
        for strange in
            ["", "a", "%", "e30", &URL_SAFE_NO_PAD.encode(r#"{"v":"meta.k8s.io/v1","rv":1,"start":"a"}"#)]
        {
            assert!(Place::decode(strange).is_err(), "{strange}");
        }
        assert!(Place::decode(&Place::new(None, "").encode()).is_err());
    }
}
