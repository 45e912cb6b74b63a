//! What is asked for of the rounds of one report. Pure.
//!
//! The path is our own, and so are its words: what is not one of them is told. A filter that is passed over would show all for
//! some.

use super::Unfit;
use super::options::{Manner, manner};
use super::pairs::Pairs;
use super::token::RoundPlace;
use crate::{Family, Filter};

/// A list of rounds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RoundsAsk {
    /// Whose; of the living one when none is named.
    pub(crate) uid: Option<String>,
    /// Those that did not succeed alone.
    pub(crate) failed: bool,
    /// Most rounds at once.
    pub(crate) limit: Option<usize>,
    /// Where it goes on.
    pub(crate) place: Option<RoundPlace>,
}

/// What any answer understands.
const ANY: [&str; 3] = ["pretty", "timeout", "timeoutSeconds"];

/// Reads what is asked for of all rounds.
pub(crate) fn of_rounds(pairs: &[(String, String)]) -> Result<(RoundsAsk, Manner), Unfit> {
    let pairs = Pairs::new(pairs);
    refuse_strange(&pairs, &["uid", "failed", "limit", "continue"], "rounds")?;
    let place = Some(pairs.text("continue")).filter(|token| !token.is_empty());
    let place = place.map(RoundPlace::decode).transpose()?;
    let uid = text(&pairs, "uid");
    if let (Some(uid), Some(place)) = (&uid, &place)
        && *uid != place.uid
    {
        return Err(Unfit::Malformed("continue goes on with the rounds of another uid".to_owned()));
    }
    let limit = pairs.number("limit")?.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    Ok((RoundsAsk { uid, failed: yes(&pairs, "failed")?, limit, place }, manner(&pairs)?))
}

/// Reads what is asked for of one round.
pub(crate) fn of_round(pairs: &[(String, String)]) -> Result<(Filter, Manner), Unfit> {
    let pairs = Pairs::new(pairs);
    refuse_strange(&pairs, &["uid", "failed", "node", "family"], "a round")?;
    let family = match pairs.text("family") {
        "" => None,
        name => Some(Family::named(name).ok_or_else(|| {
            let known = Family::ALL.map(|family| family.to_string()).join(", ");
            Unfit::malformed("family", name, &format!("{known} are"))
        })?),
    };
    let (uid, node) = (text(&pairs, "uid"), text(&pairs, "node"));
    Ok((Filter { uid, node, family, failed: yes(&pairs, "failed")? }, manner(&pairs)?))
}

fn text(pairs: &Pairs<'_>, name: &str) -> Option<String> {
    Some(pairs.text(name)).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A flag that is one: `failed=no` must not be taken for a yes.
fn yes(pairs: &Pairs<'_>, name: &str) -> Result<bool, Unfit> {
    match (pairs.choice(name), pairs.text(name)) {
        (None, _) => Ok(false),
        (Some(_), "" | "true" | "True" | "1") => Ok(true),
        (Some(_), "false" | "False" | "0") => Ok(false),
        (Some(_), other) => Err(Unfit::malformed(name, other, "true and false are")),
    }
}

fn refuse_strange(pairs: &Pairs<'_>, known: &[&str], what: &str) -> Result<(), Unfit> {
    let mut strange: Vec<&str> =
        pairs.names().filter(|name| !known.contains(name) && !ANY.contains(name)).collect();
    strange.sort_unstable();
    match strange.first() {
        None => Ok(()),
        Some(name) => Err(Unfit::Malformed(format!(
            "{what} cannot be asked for by {name:?} (by {} it can)",
            known.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::tests::pairs;
    use super::*;

    #[test]
    fn rounds_are_asked_for_in_our_words() {
        let nothing = RoundsAsk { uid: None, failed: false, limit: None, place: None };
        for text in ["", "uid=&failed=false&limit=0&continue=", "pretty=true&timeout=5s"] {
            assert_eq!(of_rounds(&pairs(text)).unwrap().0, nothing, "{text}");
        }
        let place = RoundPlace::new("u", 7);
        let text = format!("uid=u&failed&limit=20&continue={}", place.encode());
        let expected = RoundsAsk {
            uid: Some("u".to_owned()),
            failed: true,
            limit: Some(20),
            place: Some(place.clone()),
        };
        assert_eq!(of_rounds(&pairs(&text)).unwrap().0, expected);
        for text in [
            "node=a",
            "family=nodePort",
            "watch=true",
            "labelSelector=a",
            "failed=no",
            "limit=x",
            "continue=x",
            &format!("uid=v&continue={}", place.encode()),
        ] {
            assert!(matches!(of_rounds(&pairs(text)), Err(Unfit::Malformed(_))), "{text}");
        }
        let told = "rounds cannot be asked for by \"node\" (by uid, failed, limit, continue it can)";
        assert_eq!(of_rounds(&pairs("nodes=a&node=a")).unwrap_err().to_string(), told);
    }

    #[test]
    fn a_round_is_asked_for_in_part() {
        assert_eq!(of_round(&pairs("")).unwrap().0, Filter::default());
        let (filter, _) = of_round(&pairs("node=n&family=NodePort&failed=true&uid=u")).unwrap();
        let expected = Filter {
            uid: Some("u".to_owned()),
            node: Some("n".to_owned()),
            family: Some(Family::NodePort),
            failed: true,
        };
        assert_eq!(filter, expected);
        let told = "family=\"pods\" cannot be understood (podIp, multusIp, clusterIp, nodePort, loadBalancer, ingress are)";
        assert_eq!(of_round(&pairs("family=pods")).unwrap_err().to_string(), told);
        for text in ["limit=1", "agent=a", "failed=2"] {
            assert!(of_round(&pairs(text)).is_err(), "{text}");
        }
    }
}
