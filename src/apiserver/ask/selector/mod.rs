//! `labelSelector` and `fieldSelector` → which reports. Pure.

mod fields;
mod grammar;
mod labels;
mod words;

use self::fields::Fields;
use self::labels::Labels;
use super::Unfit;
use crate::Head;

/// Which reports; by default all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    labels: Labels,
    fields: Fields,
}

impl Selection {
    /// Reads both selectors; an empty one selects all.
    pub(crate) fn parse(labels: &str, fields: &str) -> Result<Self, Unfit> {
        let malformed = |error: &dyn ToString| Unfit::Malformed(error.to_string());
        Ok(Self {
            labels: Labels::parse(labels).map_err(|error| malformed(&error))?,
            fields: Fields::parse(fields).map_err(|error| malformed(&error))?,
        })
    }

    /// Whether the report is one of them.
    pub(crate) fn matches(&self, head: &Head) -> bool {
        self.labels.matches(&head.labels) && self.fields.matches(head)
    }

    /// Whether they are all there are.
    pub(crate) fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// The name that all of them must have, where there is one: rights may hang on it.
    pub(crate) fn only_name(&self) -> Option<&str> {
        self.fields.only_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::tests::head;

    #[test]
    fn both_selectors_count() {
        let mut one = head("netreach-a");
        one.labels.insert("team".to_owned(), "net".to_owned());
        let matches = |labels: &str, fields: &str| Selection::parse(labels, fields).unwrap().matches(&one);
        assert!(matches("", ""));
        assert!(matches("team=net", "spec.TaskName=a"));
        assert!(!matches("team=net", "spec.TaskName=b"));
        assert!(!matches("team!=net", "spec.TaskName=a"));
        assert!(Selection::parse(" ", "").unwrap().is_all());
        assert!(!Selection::parse("team", "").unwrap().is_all());
        assert_eq!(Selection::parse("a=b", "metadata.name=a").unwrap().only_name(), Some("a"));
        for (labels, fields) in [("a=b=c", ""), ("", "spec.Report=a"), ("a in b", "metadata.name")] {
            assert!(
                matches!(Selection::parse(labels, fields), Err(Unfit::Malformed(_))),
                "{labels} {fields}"
            );
        }
    }
}
