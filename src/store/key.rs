//! Where things lie: `<uid>/rounds/<number>/opened` and `closed`, and beside them `results/<node>/<pod>` and
//! `late/<node>/<pod>`; `<uid>/retained` where rounds stay though their NetReach goes.
//!
//! Uids and names come from outside. In a key they are letters, digits, `-` and `.` as they are and every other byte
//! as `_` and two hex digits, so that no name can leave its folder, and no two names share a key.

use netreach_wire::{AgentId, RoundId};
use object_store::path::{Path, PathPart};

use crate::StoreError;
use crate::limits::NAME_BYTES_MAX;

const OPENED: &str = "opened";
const CLOSED: &str = "closed";
const RESULTS: &str = "results";
const LATE: &str = "late";
const RETAINED: &str = "retained";

/// The folder of all rounds of a NetReach.
pub(crate) fn rounds(uid: &str) -> Result<Path, StoreError> {
    Ok(Path::from_iter([part(&escape(uid)?), part("rounds")]))
}

/// That what is kept of a NetReach stays when it is deleted.
pub(crate) fn retained(uid: &str) -> Result<Path, StoreError> {
    Ok(Path::from_iter([part(&escape(uid)?), part(RETAINED)]))
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
    unescape(folder.filename()?)
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
    let mut name = Vec::new();
    let mut bytes = escaped.bytes();
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'_' if escaped.len() == 1 => return Some(String::new()),
            b'_' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            byte => byte,
        });
    }
    // Only what `escape` writes: in any other spelling it would be another key.
    String::from_utf8(name).ok().filter(|name| escape(name).is_ok_and(|again| again == escaped))
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
