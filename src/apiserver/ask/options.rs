//! What is asked for of reports, apart from the path. Pure.

use std::time::Duration;

use super::pairs::Pairs;
use super::selector::Selection;
use super::versions::{At, Start, at, of_one, start};
use super::{Fault, Unfit};
use crate::limits::{ANSWER_WITHIN, WATCH_FOR_MAX};

/// How an answer is to be written, and within what time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Whether a person will read it as it is.
    pub(crate) pretty: bool,
    /// What a table's rows carry.
    pub(crate) include: Include,
    /// From the request to the last byte.
    pub(crate) within: Duration,
}

/// What a table's row carries beside its cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Include {
    /// Nothing.
    None,
    /// The object's metadata.
    #[default]
    Metadata,
    /// The object.
    Object,
}

/// What of all reports.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OfAll {
    /// Those there are.
    List(ListAsk),
    /// What becomes of them.
    Watch(WatchAsk),
}

/// A list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ListAsk {
    pub(crate) selection: Selection,
    /// Most reports at once.
    pub(crate) limit: Option<usize>,
    pub(crate) at: At,
}

/// A watch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WatchAsk {
    pub(crate) selection: Selection,
    pub(crate) start: Start,
    /// Whether the watcher takes events that only say where it is.
    pub(crate) bookmarks: bool,
    /// How long; none where that is left to us.
    pub(crate) lasting: Option<Duration>,
}

/// Reads what is asked for of all reports. What nobody knows is passed over, as in any API server.
pub(crate) fn of_all(pairs: &[(String, String)]) -> Result<(OfAll, Manner), Unfit> {
    let pairs = Pairs::new(pairs);
    let selection = Selection::parse(pairs.text("labelSelector"), pairs.text("fieldSelector"))?;
    // Read in any case: what is no number is told to watchers, too.
    let limit = pairs.number("limit")?.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let manner = manner(&pairs)?;
    let asked = if pairs.flag("watch") {
        let lasting = pairs.timeout_seconds()?.map(|lasting| lasting.min(WATCH_FOR_MAX));
        let bookmarks = pairs.flag("allowWatchBookmarks");
        OfAll::Watch(WatchAsk { selection, start: start(&pairs)?, bookmarks, lasting })
    } else {
        OfAll::List(ListAsk { selection, limit, at: at(&pairs, limit.is_some())? })
    };
    Ok((asked, manner))
}

/// Whether it is a watch that is asked for, however badly.
pub(crate) fn is_watch(pairs: &[(String, String)]) -> bool {
    Pairs::new(pairs).flag("watch")
}

/// Reads what is asked for of one report, and which version it must not be older than.
pub(crate) fn of_name(pairs: &[(String, String)]) -> Result<(u64, Manner), Unfit> {
    let pairs = Pairs::new(pairs);
    if pairs.flag("watch") {
        let told = "one report is watched among all, by fieldSelector=metadata.name=NAME";
        return Err(Fault::forbidden("watch", told).into());
    }
    Ok((of_one(&pairs)?, manner(&pairs)?))
}

pub(super) fn manner(pairs: &Pairs<'_>) -> Result<Manner, Unfit> {
    let bounds = [pairs.timeout()?, pairs.timeout_seconds()?];
    let within = bounds.into_iter().flatten().fold(ANSWER_WITHIN, Duration::min);
    Ok(Manner { pretty: pairs.pretty(), include: include(pairs.text("includeObject"))?, within })
}

fn include(value: &str) -> Result<Include, Unfit> {
    match value {
        "" | "Metadata" => Ok(Include::Metadata),
        "None" => Ok(Include::None),
        "Object" => Ok(Include::Object),
        other => Err(Unfit::malformed("includeObject", other, "None, Metadata and Object are")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::tests::pairs;
    use super::*;

    fn list(text: &str) -> Result<(ListAsk, Manner), Unfit> {
        match of_all(&pairs(text))? {
            (OfAll::List(list), manner) => Ok((list, manner)),
            (OfAll::Watch(watch), _) => panic!("{watch:?}"),
        }
    }

    fn watch(text: &str) -> WatchAsk {
        match of_all(&pairs(&format!("watch=true&{text}"))) {
            Ok((OfAll::Watch(watch), _)) => watch,
            other => panic!("{other:?}"),
        }
    }

    fn everything() -> ListAsk {
        ListAsk { selection: Selection::default(), limit: None, at: At::Newest }
    }

    #[test]
    fn what_is_known_is_taken_and_what_nobody_knows_is_passed_over() {
        let manner = Manner { pretty: false, include: Include::Metadata, within: ANSWER_WITHIN };
        for nothing in [
            "",
            "limit=0&continue=",
            "watch=false",
            "watch=False&watch=true",
            "fieldSelector=&labelSelector=",
            "allowWatchBookmarks=true&whatever=1&includeObject=&pretty=",
            "timeoutSeconds=500&timeout=5m",
        ] {
            assert_eq!(list(nothing), Ok((everything(), manner)), "{nothing}");
        }
        let (asked, manner) =
            list("pretty=true&limit=500&fieldSelector=metadata.name%3Db&includeObject=Object&timeout=5s")
                .unwrap();
        assert_eq!((asked.limit, asked.selection.only_name()), (Some(500), Some("b")));
        let expected = Manner { pretty: true, include: Include::Object, within: Duration::from_secs(5) };
        assert_eq!(manner, expected);
        assert_eq!(list("includeObject=None&timeoutSeconds=7").unwrap().1.within, Duration::from_secs(7));
    }

    #[test]
    fn a_watch_lasts_as_long_as_it_says_within_bounds() {
        let secs = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(watch("timeoutSeconds=7").lasting, secs(7));
        assert_eq!(watch("timeoutSeconds=70000").lasting, Some(WATCH_FOR_MAX));
        // What a client waits for an answer's beginning is no bound on a watch.
        assert_eq!(watch("timeout=5s").lasting, None);
        assert!(watch("allowWatchBookmarks=true").bookmarks);
        assert!(!watch("allowWatchBookmarks=false").bookmarks);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (query, expected) in [
            ("limit=many", "limit=\"many\" cannot be understood (a number from 0 is)"),
            ("watch=1&limit=-1", "limit=\"-1\" cannot be understood (a number from 0 is)"),
            (
                "includeObject=Some",
                "includeObject=\"Some\" cannot be understood (None, Metadata and Object are)",
            ),
            ("timeout=x", "timeout=\"x\" cannot be understood (a duration such as 30s is)"),
        ] {
            assert_eq!(of_all(&pairs(query)).unwrap_err(), Unfit::Malformed(expected.to_owned()), "{query}");
        }
        assert_eq!(of_name(&pairs("resourceVersion=7&limit=x")).unwrap().0, 7);
        assert_eq!(of_name(&pairs("resourceVersion=")).unwrap().0, 0);
        for query in ["watch=true", "resourceVersion=x"] {
            assert!(matches!(of_name(&pairs(query)), Err(Unfit::Invalid(_))), "{query}");
        }
    }
}
