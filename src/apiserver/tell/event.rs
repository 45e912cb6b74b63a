//! What has become of a report → what a watcher hears of it. Pure.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::Opening;
use super::object::{ListMetadata, Metadata, View, partial, whole};
use super::status::Status;
use super::table::{Cells, Row, row, table};
use crate::ask::accept::Form;
use crate::ask::options::Include;
use crate::ask::selector::Selection;
use crate::log::{Change, Shown};

/// What kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// What is told of a change: to a watcher of some reports, one that has become one of them is new, and one that no longer is
/// one of them is gone. Nothing where it was none of them and is none.
pub(crate) fn told<'a>(selection: &Selection, change: &'a Change) -> Option<(Kind, View<'a>)> {
    fn of<'a>(shown: &'a Option<Arc<Shown>>, selection: &Selection) -> Option<&'a Shown> {
        shown.as_deref().filter(|shown| selection.matches(&shown.head))
    }
    let Change { version, before, after } = change;
    let (kind, shown) = match (of(before, selection), of(after, selection)) {
        (None, Some(after)) => (Kind::Added, after),
        (Some(_), Some(after)) => (Kind::Modified, after),
        (Some(before), None) => (Kind::Deleted, before),
        (None, None) => return None,
    };
    // The version is the change's, also of what was there before it: whoever goes on from here has heard of it.
    Some((kind, View { head: &shown.head, version: *version }))
}

/// An event that says no more than where the watcher is.
pub(crate) fn bookmark(form: Form, include: Include, version: u64, is_end: bool, is_first: bool) -> Vec<u8> {
    let metadata = || Metadata::of_bookmark(version, is_end);
    let written = match form {
        Form::Table => {
            // The annotation is what the bookmark is there for.
            let with_metadata = include != Include::None || is_end;
            let row = row(Cells::of_none(), with_metadata.then(metadata));
            event_of_table(of_one(version), is_first, &row)
        }
        Form::Metadata => event(Kind::Bookmark, &partial(metadata())),
        Form::Whole | Form::Aggregated(_) => event(Kind::Bookmark, &whole(metadata())),
    };
    written.expect("texts and numbers are always JSON")
}

/// The event that a watch ends with when it cannot go on.
pub(crate) fn error(status: &Status) -> Vec<u8> {
    event(Kind::Error, status).expect("texts and numbers are always JSON")
}

/// What is said of a table of one report.
pub(crate) fn of_one(version: u64) -> ListMetadata {
    ListMetadata { resource_version: version.to_string(), r#continue: None, remaining_item_count: None }
}

fn event(kind: Kind, object: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut written = kind.opening().into_bytes();
    serde_json::to_writer(&mut written, object)?;
    written.extend_from_slice(END);
    Ok(written)
}

fn event_of_table(metadata: ListMetadata, with_columns: bool, row: &Row<'_>) -> serde_json::Result<Vec<u8>> {
    let mut written = Kind::Bookmark.opening().into_bytes();
    written.extend_from_slice(Opening::of_list(&table(metadata, with_columns))?.bytes());
    serde_json::to_writer(&mut written, row)?;
    written.extend_from_slice(b"]}");
    written.extend_from_slice(END);
    Ok(written)
}

/// What stands after an event's object.
pub(crate) const END: &[u8] = b"}\n";

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Added, Self::Modified, Self::Deleted, Self::Bookmark, Self::Error];

    /// What stands before an event's object.
    pub(crate) fn opening(self) -> String {
        format!("{{\"type\":\"{self}\",\"object\":")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
            Self::Bookmark => "BOOKMARK",
            Self::Error => "ERROR",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Head;
    use crate::head::tests::head;

    fn shown(name: &str, version: u64) -> Option<Arc<Shown>> {
        Some(Arc::new(Shown { head: head(name), version }))
    }

    fn check(change: &Change, selection: &Selection, expected: Option<(Kind, &str)>) {
        let told = told(selection, change).map(|(kind, view)| {
            assert_eq!(view.version, change.version);
            (kind, view.head.task.as_str())
        });
        assert_eq!(told, expected, "{change:?}");
    }

    #[test]
    fn a_watcher_hears_what_comes_and_what_goes_for_him() {
        let all = Selection::default();
        let added = Change { version: 5, before: None, after: shown("a", 5) };
        let modified = Change { version: 6, before: shown("a", 5), after: shown("a", 6) };
        let deleted = Change { version: 7, before: shown("a", 6), after: None };
        check(&added, &all, Some((Kind::Added, "a")));
        check(&modified, &all, Some((Kind::Modified, "a")));
        check(&deleted, &all, Some((Kind::Deleted, "a")));
        let other = Selection::parse("", "metadata.name=b").unwrap();
        for change in [&added, &modified, &deleted] {
            check(change, &other, None);
        }
        let of_task = |task: &str| {
            Some(Arc::new(Shown { head: Head { name: "b".to_owned(), ..head(task) }, version: 1 }))
        };
        let renamed = Change { version: 8, before: of_task("x"), after: shown("c", 8) };
        check(&renamed, &other, Some((Kind::Deleted, "x")));
        let back = Change { version: 9, before: shown("c", 8), after: of_task("y") };
        check(&back, &other, Some((Kind::Added, "y")));
    }

    #[test]
    fn a_bookmark_is_an_object_with_nothing_but_a_version() {
        let parsed = |form, include, is_end, is_first| -> Value {
            let line = bookmark(form, include, 9, is_end, is_first);
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            serde_json::from_slice(&line).unwrap()
        };
        let end = json!({"k8s.io/initial-events-end": "true"});
        let plain = parsed(Form::Whole, Include::Metadata, false, true);
        assert_eq!(
            plain,
            json!({"type": "BOOKMARK", "object": {
                "apiVersion": "system.kdoctor.io/v1beta1", "kind": "KdoctorReport",
                "metadata": {"resourceVersion": "9", "creationTimestamp": null},
            }})
        );
        let partial = parsed(Form::Metadata, Include::Metadata, true, true);
        assert_eq!(partial["object"]["kind"], "PartialObjectMetadata");
        assert_eq!(partial["object"]["metadata"]["annotations"], end);
        let table = parsed(Form::Table, Include::None, true, true);
        assert_eq!(table["object"]["metadata"], json!({"resourceVersion": "9"}));
        let row = &table["object"]["rows"][0];
        assert_eq!(row["object"]["metadata"]["annotations"], end);
        assert_eq!(
            row["cells"].as_array().unwrap().len(),
            table["object"]["columnDefinitions"].as_array().unwrap().len()
        );
        let later = parsed(Form::Table, Include::None, false, false);
        assert_eq!(later["object"]["columnDefinitions"], Value::Null);
        assert_eq!(later["object"]["rows"][0]["object"], Value::Null);
    }
}
