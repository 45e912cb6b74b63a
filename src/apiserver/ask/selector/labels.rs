//! `labelSelector`: what it says, and which labels it means. Pure.

use std::collections::BTreeMap;

use super::grammar::{NoSelector, parse};

/// Conditions on labels, all together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Labels(Vec<Condition>);

/// A condition on one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) key: String,
    pub(super) test: Test,
}

/// What is asked of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// It is there.
    Exists,
    /// It is not.
    Absent,
    /// It is there and one of these.
    In(Vec<String>),
    /// It is none of these; that it may not be there at all is part of it.
    NotIn(Vec<String>),
    /// It is a number, and above this.
    Above(i64),
    /// It is a number, and below this.
    Below(i64),
}

impl Labels {
    pub(super) fn parse(text: &str) -> Result<Self, NoSelector> {
        parse(text).map(Self)
    }

    pub(super) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|condition| condition.test.passes(labels.get(&condition.key)))
    }
}

impl Test {
    fn passes(&self, label: Option<&String>) -> bool {
        let number = || label.and_then(|label| label.parse::<i64>().ok());
        match self {
            Self::Exists => label.is_some(),
            Self::Absent => label.is_none(),
            Self::In(values) => label.is_some_and(|label| values.contains(label)),
            Self::NotIn(values) => label.is_none_or(|label| !values.contains(label)),
            Self::Above(bound) => number().is_some_and(|number| number > *bound),
            Self::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_selected_as_kubernetes_selects_them() {
        let labels = [("a", "1"), ("b", ""), ("in", "x")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        for (selector, expected) in [
            ("", true),
            ("a=1", true),
            ("a==1,b", true),
            ("a=2", false),
            ("a!=2", true),
            ("a!=1", false),
            ("c!=1", true),
            ("a in (1,2)", true),
            ("a notin (1,2)", false),
            ("c notin (1,2)", true),
            ("c in (1)", false),
            ("b=", true),
            ("b in ()", true),
            ("a=", false),
            ("b!=", false),
            ("c=", false),
            ("!c", true),
            ("!a", false),
            ("c", false),
            ("a>0", true),
            ("a>1", false),
            ("a<2", true),
            ("b<2", false),
            ("c<2", false),
            ("in in (x)", true),
            ("a,!c,in!=y", true),
            ("a,c", false),
        ] {
            assert_eq!(Labels::parse(selector).unwrap().matches(&labels), expected, "{selector}");
        }
    }
}
