//! `resourceVersion` and what goes with it → of which moment a list is, and where a watch begins. As an API server has it; what
//! does not go together is told, not guessed. Pure.

use super::pairs::Pairs;
use super::token::Place;
use super::{Fault, Unfit};

/// Of which moment a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    /// Of now.
    Newest,
    /// Of now, which must not be before this.
    NotOlderThan(u64),
    /// Of then.
    Exactly(u64),
    /// Of when the list began that it goes on with.
    Place(Place),
}

/// Where a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// With everything there is, which must not be before this.
    Everything {
        /// 0 is any.
        not_older_than: u64,
    },
    /// With the next change.
    Now,
    /// With the change after this.
    After(u64),
}

const NOT_OLDER_THAN: &str = "NotOlderThan";
const EXACT: &str = "Exact";
const MATCH: &str = "resourceVersionMatch";
const SEND: &str = "sendInitialEvents";

/// Of which moment a list is to be.
pub(super) fn at(pairs: &Pairs<'_>, is_limited: bool) -> Result<At, Unfit> {
    let (version, r#match, r#continue) =
        (pairs.text("resourceVersion"), pairs.text(MATCH), pairs.text("continue"));
    let mut faults = Vec::new();
    if !r#match.is_empty() {
        if version.is_empty() {
            faults.push(Fault::forbidden(MATCH, "it may only stand beside a resourceVersion"));
        }
        if !r#continue.is_empty() {
            faults.push(Fault::forbidden(MATCH, "it may not stand beside continue"));
        }
        if ![EXACT, NOT_OLDER_THAN].contains(&r#match) {
            faults.push(Fault::not_supported(MATCH, r#match, &[EXACT, NOT_OLDER_THAN, ""]));
        }
        if r#match == EXACT && version == "0" {
            faults.push(Fault::forbidden(MATCH, "resourceVersion 0 is any, there is no exact one"));
        }
    }
    if pairs.choice(SEND).is_some() {
        faults.push(Fault::forbidden(SEND, "it belongs to a watch"));
    }
    if !faults.is_empty() {
        return Err(Unfit::Invalid(faults));
    }
    if !r#continue.is_empty() {
        if !matches!(version, "" | "0") {
            let told = "resourceVersion may not stand beside continue, which says it already";
            return Err(Unfit::Malformed(told.to_owned()));
        }
        return Place::decode(r#continue).map(At::Place);
    }
    let number = parse(version)
        .ok_or_else(|| Unfit::malformed("resourceVersion", version, "one that we have given is"))?;
    Ok(match number {
        0 => At::Newest,
        _ if r#match == EXACT || (r#match.is_empty() && is_limited) => At::Exactly(number),
        _ => At::NotOlderThan(number),
    })
}

/// Where a watch is to begin.
pub(super) fn start(pairs: &Pairs<'_>) -> Result<Start, Unfit> {
    let version = pairs.text("resourceVersion");
    let (mut r#match, mut send) = (pairs.text(MATCH), pairs.choice(SEND));
    // What watches were like before they could say it.
    if r#match.is_empty() && send.is_none() && matches!(version, "" | "0") {
        (r#match, send) = (NOT_OLDER_THAN, Some(true));
    }
    let mut faults = Vec::new();
    if send.is_some() && r#match != NOT_OLDER_THAN {
        faults.push(Fault::forbidden(MATCH, format!("{SEND} wants it to be {NOT_OLDER_THAN}")));
    }
    if send.is_none() && !r#match.is_empty() {
        faults.push(Fault::forbidden(MATCH, format!("in a watch it may only stand beside {SEND}")));
    }
    if !["", NOT_OLDER_THAN].contains(&r#match) {
        faults.push(Fault::not_supported(MATCH, r#match, &[NOT_OLDER_THAN]));
    }
    if !pairs.text("continue").is_empty() {
        faults.push(Fault::forbidden("continue", "it belongs to a list"));
    }
    let number = parse(version);
    if number.is_none() {
        faults.push(Fault::invalid("resourceVersion", version, "it is none that we have given"));
    }
    let (true, Some(number)) = (faults.is_empty(), number) else { return Err(Unfit::Invalid(faults)) };
    Ok(match (send, number) {
        (Some(true), _) => Start::Everything { not_older_than: number },
        (_, 0) => Start::Now,
        (_, _) => Start::After(number),
    })
}

/// The version that one object must not be older than; 0 is any.
pub(super) fn of_one(pairs: &Pairs<'_>) -> Result<u64, Unfit> {
    let version = pairs.text("resourceVersion");
    parse(version)
        .ok_or_else(|| Fault::invalid("resourceVersion", version, "it is none that we have given").into())
}

fn parse(version: &str) -> Option<u64> {
    let is_digits = version.bytes().all(|byte| byte.is_ascii_digit());
    if version.is_empty() { Some(0) } else { version.parse().ok().filter(|_| is_digits) }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::tests::pairs;
    use super::*;

    fn list(text: &str) -> Result<At, Unfit> {
        let pairs = pairs(text);
        let pairs = Pairs::new(&pairs);
        at(&pairs, pairs.number("limit").unwrap().is_some())
    }

    fn watch(text: &str) -> Result<Start, Unfit> {
        start(&Pairs::new(&pairs(text)))
    }

    /// The fields that are at fault.
    fn fields<T: std::fmt::Debug>(outcome: Result<T, Unfit>) -> Vec<String> {
        match outcome {
            Err(Unfit::Invalid(faults)) => faults.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_is_of_the_moment_it_asks_for() {
        let place = Place::new(Some(5), "a");
        let r#continue = format!("continue={}", place.encode());
        for (text, expected) in [
            ("", At::Newest),
            ("resourceVersion=", At::Newest),
            ("resourceVersion=0", At::Newest),
            ("resourceVersion=0&resourceVersionMatch=NotOlderThan", At::Newest),
            ("resourceVersion=5", At::NotOlderThan(5)),
            ("resourceVersion=5&resourceVersionMatch=NotOlderThan&limit=2", At::NotOlderThan(5)),
            ("resourceVersion=5&resourceVersionMatch=Exact", At::Exactly(5)),
            ("resourceVersion=5&limit=2", At::Exactly(5)),
            ("resourceVersion=0&limit=2", At::Newest),
            (&r#continue, At::Place(place.clone())),
            (&format!("{}&resourceVersion=0&limit=1", r#continue), At::Place(place.clone())),
        ] {
            assert_eq!(list(text), Ok(expected), "{text}");
        }
        let told = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: ";
        for (text, count) in [
            ("resourceVersionMatch=Exact", 1),
            ("resourceVersionMatch=Exact&resourceVersion=0", 1),
            (&format!("resourceVersionMatch=Exact&resourceVersion=1&{}", r#continue), 1),
            (&format!("resourceVersionMatch=Exact&{}", r#continue), 2),
        ] {
            let faults = fields(list(text));
            assert_eq!(faults.len(), count, "{text}: {faults:?}");
            assert!(count > 1 || list(text).unwrap_err().to_string().starts_with(told), "{text}");
        }
        let best = fields(list("resourceVersion=1&resourceVersionMatch=Best"));
        let supported = "supported values: \"Exact\", \"NotOlderThan\", \"\"";
        assert_eq!(best, [format!("resourceVersionMatch: Unsupported value: \"Best\": {supported}")]);
        for text in ["sendInitialEvents=true", "sendInitialEvents=false"] {
            assert_eq!(fields(list(text)), ["sendInitialEvents: Forbidden: it belongs to a watch"]);
        }
        for text in [
            "resourceVersion=x",
            "resourceVersion=-1",
            "resourceVersion=%2B1",
            "resourceVersion=99999999999999999999",
            "continue=x",
            &format!("resourceVersion=5&{}", r#continue),
        ] {
            assert!(matches!(list(text), Err(Unfit::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_watch_begins_where_it_asks_for() {
        let everything = |not_older_than| Start::Everything { not_older_than };
        for (text, expected) in [
            ("", everything(0)),
            ("resourceVersion=0", everything(0)),
            ("resourceVersion=5", Start::After(5)),
            ("resourceVersion=5&limit=7", Start::After(5)),
            ("sendInitialEvents=true&resourceVersionMatch=NotOlderThan", everything(0)),
            ("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=5", everything(5)),
            ("sendInitialEvents=false&resourceVersionMatch=NotOlderThan", Start::Now),
            ("sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=0", Start::Now),
            ("sendInitialEvents=0&resourceVersionMatch=NotOlderThan&resourceVersion=5", Start::After(5)),
        ] {
            assert_eq!(watch(text), Ok(expected), "{text}");
        }
        for (text, expected) in [
            (
                "sendInitialEvents=true",
                "resourceVersionMatch: Forbidden: sendInitialEvents wants it to be NotOlderThan",
            ),
            (
                "sendInitialEvents=false&resourceVersion=5",
                "resourceVersionMatch: Forbidden: sendInitialEvents wants it to be NotOlderThan",
            ),
            (
                "resourceVersion=5&resourceVersionMatch=NotOlderThan",
                "resourceVersionMatch: Forbidden: in a watch it may only stand beside sendInitialEvents",
            ),
            ("resourceVersion=x", "resourceVersion: Invalid value: \"x\": it is none that we have given"),
            ("resourceVersion=5&continue=a", "continue: Forbidden: it belongs to a list"),
        ] {
            assert_eq!(fields(watch(text)), [expected], "{text}");
        }
        let exact = fields(watch("sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=5"));
        assert_eq!(exact.len(), 2, "{exact:?}");
    }
}
