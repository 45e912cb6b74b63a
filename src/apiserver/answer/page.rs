//! All reports of one moment → those of one page of a list. Pure.
//!
//! Pages go by name and are all of the moment that the first of them was of, so that they make one list together.

use std::sync::Arc;

use crate::ask::options::ListAsk;
use crate::ask::token::Place;
use crate::log::{Shown, Snapshot};
use crate::tell::object::ListMetadata;

/// What one answer tells of.
#[derive(Debug)]
pub(super) struct Page {
    /// By name.
    pub(super) shown: Vec<Arc<Shown>>,
    version: u64,
    /// Those after it.
    left: usize,
    /// Whether it is of all reports: of some, Kubernetes does not say how many are left.
    is_of_all: bool,
}

impl Page {
    /// The page of what is asked for that begins after this name.
    pub(super) fn new(all: Snapshot, ask: &ListAsk, after: Option<&str>) -> Self {
        let Snapshot { version, mut shown } = all;
        shown.retain(|one| {
            after.is_none_or(|after| one.head.name.as_str() > after) && ask.selection.matches(&one.head)
        });
        let first = ask.limit.unwrap_or(usize::MAX);
        let left = shown.len().saturating_sub(first);
        shown.truncate(first);
        Self { shown, version, left, is_of_all: ask.selection.is_all() }
    }

    /// What is said of the list.
    pub(super) fn metadata(&self) -> ListMetadata {
        let last = self.shown.last().filter(|_| self.left > 0);
        ListMetadata {
            resource_version: self.version.to_string(),
            r#continue: last.map(|shown| Place::new(Some(self.version), &shown.head.name).encode()),
            remaining_item_count: last.filter(|_| self.is_of_all).map(|_| self.left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::selector::Selection;
    use crate::ask::versions::At;
    use crate::head::tests::head;

    fn page(selection: Selection, limit: Option<usize>, after: Option<&str>) -> Page {
        let shown =
            ["a", "b", "c", "d"].map(|name| Arc::new(Shown { head: head(name), version: 1 })).to_vec();
        Page::new(Snapshot { version: 9, shown }, &ListAsk { selection, limit, at: At::Newest }, after)
    }

    fn check(page: &Page, names: &str, next: Option<&str>, left: Option<usize>) {
        let found: Vec<&str> = page.shown.iter().map(|shown| shown.head.name.as_str()).collect();
        assert_eq!(found.concat(), names);
        let metadata = page.metadata();
        assert_eq!(metadata.resource_version, "9");
        let token = next.map(|after| Place::new(Some(9), after).encode());
        assert_eq!((metadata.r#continue, metadata.remaining_item_count), (token, left));
    }

    #[test]
    fn pages_go_by_name_and_say_where_they_go_on() {
        let all = Selection::default;
        check(&page(all(), None, None), "abcd", None, None);
        check(&page(all(), Some(4), None), "abcd", None, None);
        check(&page(all(), Some(3), None), "abc", Some("c"), Some(1));
        check(&page(all(), Some(3), Some("c")), "d", None, None);
        check(&page(all(), Some(1), Some("aa")), "b", Some("b"), Some(2));
        check(&page(all(), Some(1), Some("d")), "", None, None);
    }

    #[test]
    fn one_name_is_one_report_or_none() {
        let named = |name: &str| Selection::parse("", &format!("metadata.name={name}")).unwrap();
        check(&page(named("b"), Some(500), None), "b", None, None);
        check(&page(named("e"), Some(500), None), "", None, None);
    }
}
