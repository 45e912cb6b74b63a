//! Where things lie: `<uid>/rounds/<number>/opened` and `closed`, and beside them `results/<node>/<pod>` and
//! `late/<node>/<pod>`; `<uid>/index`, `<uid>/first` and `<uid>/retained`; `epochs/<number>`; and damaged objects, each
//! under `quarantine/` and the key it had.
//!
//! Uids and names come from outside. In a key they are letters, digits, `-` and `.` as they are and every other byte
//! as `_` and two hex digits, so that no name can leave its folder, and no two names share a key.

use netreach_wire::{AgentId, RoundId};
use object_store::path::{Path, PathPart};

use crate::StoreError;
use crate::limits::NAME_BYTES_MAX;

const ROUNDS: &str = "rounds";
const OPENED: &str = "opened";
const CLOSED: &str = "closed";
const RESULTS: &str = "results";
const LATE: &str = "late";
const EPOCHS: &str = "epochs";
const QUARANTINE: &str = "quarantine";
/// Folders beside those of NetReaches.
const RESERVED: [&str; 2] = [EPOCHS, QUARANTINE];

/// The folder of everything of a NetReach.
pub(crate) fn of(uid: &str) -> Result<Path, StoreError> {
    Ok(Path::from_iter([part(&escape_uid(uid)?)]))
}

/// The folder of all rounds of a NetReach.
pub(crate) fn rounds(uid: &str) -> Result<Path, StoreError> {
    Ok(of(uid)?.join(ROUNDS))
}

/// What is known of all closed rounds of a NetReach.
pub(crate) fn index(uid: &str) -> Result<Path, StoreError> {
    Ok(of(uid)?.join("index"))
}

/// When a round of a NetReach was reported for the first time.
pub(crate) fn first(uid: &str) -> Result<Path, StoreError> {
    Ok(of(uid)?.join("first"))
}

/// There where the NetReach's records are to outlive it.
pub(crate) fn retained(uid: &str) -> Result<Path, StoreError> {
    Ok(of(uid)?.join("retained"))
}

/// The folder of all epochs.
pub(crate) fn epochs() -> Path {
    Path::from(EPOCHS)
}

/// An epoch that is taken.
pub(crate) fn epoch(number: u32) -> Path {
    epochs().join(number.to_string())
}

/// Where damaged objects of a NetReach go.
pub(crate) fn quarantine(uid: &str) -> Result<Path, StoreError> {
    Ok(Path::from(QUARANTINE).join(part(&escape_uid(uid)?)))
}

/// Where a damaged object of a NetReach goes; the same key may be damaged again.
pub(crate) fn quarantined(key: &Path, again: u32) -> Path {
    let mut parts = key.parts();
    let uid = parts.next();
    // No name is written like this, so it is no other object's key.
    let again = (again > 0).then(|| part(&format!("_x{again}")));
    let parts = [part(QUARANTINE)].into_iter().chain(uid).chain(again).chain(parts);
    parts.map(|at| part(at.as_ref())).collect()
}

/// Whether a closed round's report lies at this key, or lay.
pub(crate) fn is_closed(key: &Path) -> bool {
    key.filename() == Some(CLOSED)
}

/// The number of the NetReach's round to which this key belongs.
pub(crate) fn round_number(uid: &str, key: &Path) -> Option<u64> {
    let rounds = rounds(uid).ok()?;
    let folder = key.prefix_match(&rounds)?.next()?;
    number(&rounds.join(folder))
}

/// The number of the NetReach's round whose report lies at this key.
pub(crate) fn closed_number(uid: &str, key: &Path) -> Option<u64> {
    let number = number(&parent(key))?;
    (closed(&RoundId { uid: uid.to_owned(), number }).ok()? == *key).then_some(number)
}

/// The number of the round to which a damaged object belonged, and whether it was its report.
pub(crate) fn damaged(key: &Path) -> Option<(u64, bool)> {
    let mut parts = key.parts().skip(2).skip_while(|again| again.as_ref().starts_with("_x"));
    parts.next().filter(|rounds| rounds.as_ref() == ROUNDS)?;
    let number = number(&Path::from_iter(parts.next()))?;
    let rest: Vec<_> = parts.collect();
    Some((number, rest.len() == 1 && rest[0].as_ref() == CLOSED))
}

/// The folder in which a key lies.
pub(crate) fn parent(key: &Path) -> Path {
    let parts: Vec<_> = key.parts().collect();
    let above = parts.len().saturating_sub(1);
    parts.into_iter().take(above).map(|at| part(at.as_ref())).collect()
}

/// What a round set out to do.
pub(crate) fn opened(round: &RoundId) -> Result<Path, StoreError> {
    Ok(folder(round)?.join(OPENED))
}

/// A closed round.
pub(crate) fn closed(round: &RoundId) -> Result<Path, StoreError> {
    Ok(folder(round)?.join(CLOSED))
}

/// The folder of an open round's results: those in time, or those that came late.
pub(crate) fn results(round: &RoundId, late: bool) -> Result<Path, StoreError> {
    Ok(folder(round)?.join(if late { LATE } else { RESULTS }))
}

/// One agent's result.
pub(crate) fn result(round: &RoundId, agent: &AgentId, late: bool) -> Result<Path, StoreError> {
    Ok(results(round, late)?.join(part(&escape(&agent.node)?)).join(part(&escape(&agent.pod)?)))
}

/// Whose result lies at this key; none where it is none of ours.
pub(crate) fn agent(result: &Path) -> Option<AgentId> {
    let mut parts = result.parts().rev();
    let pod = unescape(parts.next()?.as_ref())?;
    let node = unescape(parts.next()?.as_ref())?;
    Some(AgentId { node, pod })
}

/// The NetReach whose folder this is; none where it is none of ours.
pub(crate) fn uid(folder: &Path) -> Option<String> {
    decode(folder.filename()?, escape_uid)
}

/// The epoch that this is; none where it is none of ours.
pub(crate) fn epoch_number(key: &Path) -> Option<u32> {
    number(key).and_then(|number| u32::try_from(number).ok())
}

/// The number of the round whose folder this is; none where the folder is none of ours.
pub(crate) fn number(folder: &Path) -> Option<u64> {
    let name = folder.filename()?;
    // Only what `folder` writes: no sign, no leading zero.
    name.parse().ok().filter(|number: &u64| number.to_string() == name)
}

/// Everything of a round.
pub(crate) fn folder(round: &RoundId) -> Result<Path, StoreError> {
    Ok(rounds(&round.uid)?.join(part(&round.number.to_string())))
}

/// The uid as a folder beside the reserved ones: where it is written as one of those, its first letter is not.
fn escape_uid(uid: &str) -> Result<String, StoreError> {
    let escaped = escape(uid)?;
    Ok(match escaped.split_at_checked(1) {
        Some((letter, rest)) if RESERVED.contains(&escaped.as_str()) => {
            format!("_{:02x}{rest}", letter.as_bytes()[0])
        }
        _ => escaped,
    })
}

fn part(escaped: &str) -> PathPart<'static> {
    PathPart::from(escaped.to_owned())
}

/// A leading dot is escaped as well: `.` and `..` are folders, and names with a dot in front are hidden.
fn escape(name: &str) -> Result<String, StoreError> {
    use std::fmt::Write as _;

    let mut escaped = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => escaped.push(char::from(byte)),
            b'.' if at > 0 => escaped.push('.'),
            byte => write!(escaped, "_{byte:02x}").expect("a String takes any text"),
        }
        if escaped.len() > NAME_BYTES_MAX {
            return Err(StoreError::Name { name: name.chars().take(64).collect() });
        }
    }
    // No name at all must not be no folder at all; a lone `_` is no other name's key.
    Ok(if escaped.is_empty() { "_".to_owned() } else { escaped })
}

/// The name that [`escape`] made this of; none where it made it of none.
fn unescape(escaped: &str) -> Option<String> {
    decode(escaped, escape)
}

fn decode(escaped: &str, by: impl Fn(&str) -> Result<String, StoreError>) -> Option<String> {
    let mut name = Vec::new();
    let mut bytes = escaped.bytes();
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'_' if escaped.len() == 1 => return Some(String::new()),
            b'_' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            byte => byte,
        });
    }
    // Only what is written that way: in any other spelling it would be another key.
    String::from_utf8(name).ok().filter(|name| by(name).is_ok_and(|again| again == escaped))
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(uid: &str, node: &str, pod: &str) -> String {
        let round = RoundId { uid: uid.to_owned(), number: 7 };
        let agent = AgentId { node: node.to_owned(), pod: pod.to_owned() };
        result(&round, &agent, false).unwrap().to_string()
    }

    #[test]
    fn names_stay_readable_and_inside() {
        for (uid, node, pod, expected) in [
            (
                "0c5e-1",
                "ip-10-0-0-1.ec2.internal",
                "agent-x",
                "0c5e-1/rounds/7/results/ip-10-0-0-1.ec2.internal/agent-x",
            ),
            ("..", ".", "", "_2e./rounds/7/results/_2e/_"),
            ("../../x", "/etc/passwd", "a#1", "_2e._2f.._2fx/rounds/7/results/_2fetc_2fpasswd/a_231"),
            ("ä", "_", "a\0b", "_c3_a4/rounds/7/results/_5f/a_00b"),
        ] {
            assert_eq!(key(uid, node, pod), expected);
        }
    }

    #[test]
    fn the_longest_kubernetes_name_fits_and_a_longer_one_is_refused() {
        assert_eq!(escape(&"n".repeat(253)).unwrap().len(), 253);
        let error = escape(&"n".repeat(254)).unwrap_err().to_string();
        assert!(error.starts_with("could not make a key of the name \"nnn"), "{error}");
        assert!(error.ends_with("(at most 253 bytes once escaped)"), "{error}");
        assert!(escape(&"/".repeat(85)).is_err());
    }

    #[test]
    fn no_uid_lies_among_epochs_or_damaged_objects() {
        for (name, folder) in
            [("epochs", "_65pochs"), ("quarantine", "_71uarantine"), ("epochs2", "epochs2"), ("_x1", "_5fx1")]
        {
            let of = of(name).unwrap();
            assert_eq!(of.as_ref(), folder);
            assert_eq!(uid(&of).as_deref(), Some(name));
            assert_eq!(uid(&Path::from(folder)).as_deref(), Some(name));
        }
        for folder in ["epochs", "quarantine", "_x1", "_65poch"] {
            assert_eq!(uid(&Path::from(folder)), None, "{folder}");
        }
    }

    #[test]
    fn damaged_objects_keep_their_key() {
        let key = closed(&RoundId { uid: "u".to_owned(), number: 7 }).unwrap();
        assert_eq!(quarantined(&key, 0).as_ref(), "quarantine/u/rounds/7/closed");
        assert_eq!(quarantined(&key, 2).as_ref(), "quarantine/u/_x2/rounds/7/closed");
        assert!(quarantined(&key, 2).prefix_matches(&quarantine("u").unwrap()));
        assert_eq!(damaged(&quarantined(&key, 0)), Some((7, true)));
        assert_eq!(damaged(&quarantined(&key, 2)), Some((7, true)));
        assert_eq!(damaged(&Path::from("quarantine/u/rounds/7/results/8/closed")), Some((7, false)));
        assert_eq!(damaged(&Path::from("quarantine/u/first")), None);
        assert_eq!(closed_number("u", &key), Some(7));
        assert_eq!(closed_number("v", &key), None);
        assert_eq!(closed_number("u", &Path::from("u/rounds/07/closed")), None);
        assert_eq!(closed_number("u", &Path::from("u/rounds/7/results/closed")), None);
    }

    #[test]
    fn only_numbers_as_we_write_them_are_rounds() {
        let number = |text: &str| number(&Path::from(format!("uid/rounds/{text}")));
        assert_eq!(number("7"), Some(7));
        assert_eq!(number("18446744073709551615"), Some(u64::MAX));
        for other in ["07", "+7", "-1", "seven", "18446744073709551616"] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    fn what_we_did_not_write_is_no_name() {
        for other in ["", "lost+found", ".x", "_", "_5", "_5F", "a_", "_zz", "_61", "_+1", "_ff", "_2e_", "ä"]
        {
            assert_eq!(unescape(other).as_deref(), (other == "_").then_some(""), "{other}");
        }
        assert_eq!(unescape(&"n".repeat(254)), None);
        assert_eq!(agent(&Path::from("alone")), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_two_names_share_a_key(a in "[a_./5e-]{0,6}", b in "[a_./5e-]{0,6}") {
            prop_assert_eq!(a == b, escape(&a).unwrap() == escape(&b).unwrap());
        }

        #[test]
        fn a_name_comes_back_from_its_key(name in "[a_./5e\\PC-]{0,12}") {
            prop_assert_eq!(unescape(&escape(&name).unwrap()), Some(name));
        }

        #[test]
        fn whatever_is_a_name_is_the_key_of_that_name(key in "[a_./25ef+-]{0,8}") {
            if let Some(name) = unescape(&key) {
                prop_assert_eq!(escape(&name).unwrap(), key);
            }
        }
    }
}
