//! All heads → those of one page of a list. Pure.
//!
//! Pages go by name, and each is of its own moment: a report that comes or goes between two of them may be missed or told, but
//! none is told twice and none that was there all the time is missed.

use crate::object::ListMetadata;
use crate::query::Query;
use crate::reports::{Head, Heads};

/// What one answer tells of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// By name.
    pub(crate) heads: Vec<Head>,
    resource_version: u64,
    /// Those after it.
    left: usize,
    /// Whether it is of all reports: of some, Kubernetes does not say how many are left.
    is_of_all: bool,
}

impl Page {
    /// The page that is asked for.
    pub(crate) fn new(all: Heads, query: &Query) -> Self {
        let Heads { resource_version, mut heads } = all;
        heads.retain(|head| {
            query.only.as_ref().is_none_or(|name| head.name == *name)
                && query.after.as_ref().is_none_or(|name| head.name > *name)
        });
        heads.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let mut page = Self { heads, resource_version, left: 0, is_of_all: query.only.is_none() };
        page.cut(query.limit.unwrap_or(usize::MAX));
        page
    }

    /// Leaves all but the first of them to the next page.
    pub(crate) fn cut(&mut self, first: usize) {
        self.left += self.heads.len().saturating_sub(first);
        self.heads.truncate(first);
    }

    /// What is said of the list.
    pub(crate) fn metadata(&self) -> ListMetadata {
        let last = self.heads.last().filter(|_| self.left > 0);
        ListMetadata {
            resource_version: self.resource_version.to_string(),
            r#continue: last.map(|head| head.name.clone()),
            remaining_item_count: last.filter(|_| self.is_of_all).map(|_| self.left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::tests::head;

    fn page(query: Query) -> Page {
        let heads = ["c", "a", "d", "b"].map(head).to_vec();
        Page::new(Heads { resource_version: 9, heads }, &query)
    }

    fn check(page: &Page, names: &str, next: Option<&str>, left: Option<usize>) {
        let found: Vec<&str> = page.heads.iter().map(|head| head.name.as_str()).collect();
        assert_eq!(found.concat(), names);
        let metadata = page.metadata();
        assert_eq!(metadata.resource_version, "9");
        assert_eq!((metadata.r#continue.as_deref(), metadata.remaining_item_count), (next, left));
    }

    #[test]
    fn pages_go_by_name_and_say_where_they_go_on() {
        let query = |limit: usize, after: Option<&str>| Query {
            limit: Some(limit),
            after: after.map(str::to_owned),
            ..Query::default()
        };
        check(&page(Query::default()), "abcd", None, None);
        check(&page(query(4, None)), "abcd", None, None);
        check(&page(query(3, None)), "abc", Some("c"), Some(1));
        check(&page(query(3, Some("c"))), "d", None, None);
        check(&page(query(1, Some("aa"))), "b", Some("b"), Some(2));
        check(&page(query(1, Some("d"))), "", None, None);
        let mut short = page(query(3, None));
        short.cut(1);
        check(&short, "a", Some("a"), Some(3));
    }

    #[test]
    fn one_name_is_one_report_or_none() {
        let only = |name: &str| Query { only: Some(name.to_owned()), limit: Some(500), ..Query::default() };
        check(&page(only("b")), "b", None, None);
        check(&page(only("e")), "", None, None);
    }
}
