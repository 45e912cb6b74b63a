//! `fieldSelector`: conditions on a few fields, all together. Pure.

use std::borrow::Cow;

use crate::Head;

/// Conditions on fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<Condition>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    field: Field,
    value: String,
    is_equal: bool,
}

/// A field that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    TaskName,
    Status,
    RoundNumber,
    ReportRoundNumber,
    Verdict,
}

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoSelector {
    #[error("could not read fieldSelector ({0:?} is no FIELD=VALUE, FIELD==VALUE or FIELD!=VALUE)")]
    Term(String),
    #[error(
        "could not read fieldSelector ({0:?} holds a comma, an equals sign or a backslash without a backslash before it)"
    )]
    Escape(String),
    #[error("could not select by field {0:?} ({known} can be selected by)", known = Field::known())]
    Field(String),
}

impl Fields {
    pub(super) fn parse(text: &str) -> Result<Self, NoSelector> {
        terms(text)
            .into_iter()
            .filter(|term| !term.is_empty())
            .map(condition)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn matches(&self, head: &Head) -> bool {
        let passes =
            |Condition { field, value, is_equal }: &Condition| (field.of(head) == *value) == *is_equal;
        self.0.iter().all(passes)
    }

    /// The name that is asked for, where one is.
    pub(super) fn only_name(&self) -> Option<&str> {
        let named = |condition: &&Condition| condition.field == Field::Name && condition.is_equal;
        self.0.iter().find(named).map(|condition| condition.value.as_str())
    }
}

/// What stands between commas, unless a backslash stands before them.
fn terms(text: &str) -> Vec<&str> {
    let mut is_escaped = false;
    text.split(|char| {
        let is_end = char == ',' && !is_escaped;
        is_escaped = char == '\\' && !is_escaped;
        is_end
    })
    .collect()
}

fn condition(term: &str) -> Result<Condition, NoSelector> {
    let sign = term.find(['=', '!']).ok_or_else(|| NoSelector::Term(term.to_owned()))?;
    let (name, rest) = term.split_at(sign);
    let (is_equal, value) = if let Some(value) = rest.strip_prefix("!=") {
        (false, value)
    } else if let Some(value) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
        (true, value)
    } else {
        return Err(NoSelector::Term(term.to_owned()));
    };
    let field = Field::ALL
        .into_iter()
        .find(|field| field.name() == name)
        .ok_or_else(|| NoSelector::Field(name.to_owned()))?;
    Ok(Condition { field, value: unescape(value)?, is_equal })
}

fn unescape(value: &str) -> Result<String, NoSelector> {
    let mut unescaped = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        let is_special = |char: char| matches!(char, '\\' | ',' | '=');
        unescaped.push(match char {
            '\\' => chars
                .next()
                .filter(|char| is_special(*char))
                .ok_or_else(|| NoSelector::Escape(value.to_owned()))?,
            ',' | '=' => return Err(NoSelector::Escape(value.to_owned())),
            other => other,
        });
    }
    Ok(unescaped)
}

impl Field {
    const ALL: [Self; 6] =
        [Self::Name, Self::TaskName, Self::Status, Self::RoundNumber, Self::ReportRoundNumber, Self::Verdict];

    fn name(self) -> &'static str {
        match self {
            Self::Name => "metadata.name",
            Self::TaskName => "spec.TaskName",
            Self::Status => "spec.Status",
            Self::RoundNumber => "spec.RoundNumber",
            Self::ReportRoundNumber => "spec.ReportRoundNumber",
            Self::Verdict => "spec.Verdict",
        }
    }

    fn known() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    fn of(self, head: &Head) -> Cow<'_, str> {
        match self {
            Self::Name => Cow::from(&head.name),
            Self::TaskName => Cow::from(&head.task),
            Self::Status => Cow::from(head.status()),
            Self::RoundNumber => Cow::from(head.rounds_wanted.to_string()),
            Self::ReportRoundNumber => Cow::from(head.round.to_string()),
            Self::Verdict => Cow::from(&*head.verdict),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::head::tests::head;

    #[test]
    fn reports_are_selected_by_their_fields() {
        let one = Head { rounds_wanted: -1, is_finished: true, ..head("netreach-a") };
        for (selector, expected) in [
            ("", true),
            (",,", true),
            ("metadata.name=netreach-a", true),
            ("metadata.name==netreach-a", true),
            ("metadata.name!=netreach-a", false),
            ("metadata.name=a", false),
            ("metadata.name=", false),
            ("spec.TaskName=a,spec.Status=Finished", true),
            ("spec.TaskName=a,spec.Status=NotFinished", false),
            ("spec.RoundNumber=-1", true),
            ("spec.RoundNumber!=3,spec.ReportRoundNumber=7", true),
            ("spec.ReportRoundNumber=07", false),
            ("spec.Verdict!=succeed", false),
        ] {
            assert_eq!(Fields::parse(selector).unwrap().matches(&one), expected, "{selector}");
        }
        let only = |selector: &str| Fields::parse(selector).unwrap().only_name().map(str::to_owned);
        assert_eq!(only("spec.TaskName=a,metadata.name==b"), Some("b".to_owned()));
        assert_eq!(only("metadata.name!=b"), None);
    }

    #[test]
    fn what_is_no_selector_is_told() {
        let told = |selector: &str| Fields::parse(selector).unwrap_err().to_string();
        assert_eq!(
            told("spec.Report=a"),
            "could not select by field \"spec.Report\" (metadata.name, spec.TaskName, spec.Status, spec.RoundNumber, \
             spec.ReportRoundNumber, spec.Verdict can be selected by)"
        );
        for term in ["metadata.name", "metadata.name>a", "metadata.name!a"] {
            let told = told(term);
            assert!(told.contains("FIELD=VALUE"), "{term}: {told}");
        }
        for value in ["a=b", "a\\b", "a\\"] {
            assert!(told(&format!("metadata.name={value}")).contains("backslash"), "{value}");
        }
        assert_eq!(Fields::parse("metadata.name=a\\,b\\=c\\\\").unwrap().only_name(), Some("a,b=c\\"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_value_can_be_asked_for(value in "[a,=!\\\\é]{0,8}", other in "[a,=!\\\\é]{0,8}") {
            let mut escaped = String::new();
            for char in value.chars() {
                if matches!(char, '\\' | ',' | '=') {
                    escaped.push('\\');
                }
                escaped.push(char);
            }
            let fields = Fields::parse(&format!("spec.TaskName={escaped},metadata.name!={escaped}")).unwrap();
            let named = |task: &str, name: &str| Head { task: task.to_owned(), ..head(name) };
            prop_assert!(fields.matches(&named(&value, "-")));
            prop_assert!(!fields.matches(&named(&value, &value)));
            prop_assert_eq!(fields.matches(&named(&other, "-")), other == value);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[a=!,.\\\\]{0,20}|\\PC{0,20}") {
            let _ = Fields::parse(&text);
        }
    }
}
