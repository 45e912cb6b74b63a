//! What is asked for and cannot be done. Nothing of it may be passed over: who asks for some would get all.

use std::fmt;

use crate::tell::status::Cause;

/// Why a query is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It cannot be read.
    Malformed(String),
    /// It can be read, and asks for what there is not, or for what does not go together.
    Invalid(Vec<Fault>),
}

/// One thing that does not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    field: &'static str,
    kind: Kind,
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Forbidden,
    NotSupported,
    Invalid,
}

impl Unfit {
    pub(crate) fn malformed(name: &str, value: &str, rule: &str) -> Self {
        Self::Malformed(format!("{name}={value:?} cannot be understood ({rule})"))
    }
}

impl Fault {
    /// It may not be there.
    pub(crate) fn forbidden(field: &'static str, rule: impl Into<String>) -> Self {
        Self { field, kind: Kind::Forbidden, detail: rule.into() }
    }

    /// It is not one of those there are.
    pub(crate) fn not_supported(field: &'static str, value: &str, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|value| format!("{value:?}")).collect();
        let detail = format!("{value:?}: supported values: {}", supported.join(", "));
        Self { field, kind: Kind::NotSupported, detail }
    }

    /// It means nothing.
    pub(crate) fn invalid(field: &'static str, value: &str, rule: &str) -> Self {
        Self { field, kind: Kind::Invalid, detail: format!("{value:?}: {rule}") }
    }
}

impl From<Fault> for Unfit {
    fn from(fault: Fault) -> Self {
        Self::Invalid(vec![fault])
    }
}

impl std::error::Error for Unfit {}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(text) => f.write_str(text),
            Self::Invalid(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                let told = faults.join(", ");
                f.write_str("ListOptions.meta.k8s.io \"\" is invalid: ")?;
                if faults.len() == 1 { f.write_str(&told) } else { write!(f, "[{told}]") }
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, kind, detail } = self;
        write!(f, "{field}: {}: {detail}", kind.words())
    }
}

impl From<&Fault> for Cause {
    fn from(fault: &Fault) -> Self {
        let Fault { field, kind, detail } = fault;
        let reason = match kind {
            Kind::Forbidden => "FieldValueForbidden",
            Kind::NotSupported => "FieldValueNotSupported",
            Kind::Invalid => "FieldValueInvalid",
        };
        Self { reason: Some(reason), message: format!("{}: {detail}", kind.words()), field: Some(field) }
    }
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Forbidden => "Forbidden",
            Self::NotSupported => "Unsupported value",
            Self::Invalid => "Invalid value",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_as_kubernetes_tells_those_of_fields() {
        let forbidden = Fault::forbidden("continue", "not here");
        let unsupported = Fault::not_supported("resourceVersionMatch", "Best", &["Exact", ""]);
        let one = Unfit::from(forbidden.clone());
        assert_eq!(one.to_string(), "ListOptions.meta.k8s.io \"\" is invalid: continue: Forbidden: not here");
        let both = Unfit::Invalid(vec![forbidden, unsupported.clone()]);
        assert_eq!(
            both.to_string(),
            "ListOptions.meta.k8s.io \"\" is invalid: [continue: Forbidden: not here, resourceVersionMatch: \
             Unsupported value: \"Best\": supported values: \"Exact\", \"\"]"
        );
        let cause = Cause::from(&unsupported);
        assert_eq!(cause.reason, Some("FieldValueNotSupported"));
        assert_eq!(cause.message, "Unsupported value: \"Best\": supported values: \"Exact\", \"\"");
    }
}
