//! What stands behind the `?` of a path. Pure.

use std::collections::HashSet;

use netreach_api::names::REPORT_GROUP;

use crate::PLURAL;

/// What is asked for, apart from the path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// Whether a person will read it as it is.
    pub(crate) pretty: bool,
    /// The report of this name alone.
    pub(crate) only: Option<String>,
    /// Most reports at once.
    pub(crate) limit: Option<usize>,
    /// The reports after the one of this name: what the list before gave as `continue`.
    pub(crate) after: Option<String>,
    /// What a table's rows carry.
    pub(crate) include: Include,
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

/// What is asked for and cannot be done. Nothing of it may be passed over: who asks for some would get all.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unfit {
    #[error("watch is not supported on resources of kind \"{PLURAL}.{REPORT_GROUP}\"")]
    Watch,
    #[error("{name}={value:?} is not supported ({instead})")]
    Unsupported { name: &'static str, value: String, instead: &'static str },
    #[error("limit must be a number from 0, got {0:?}")]
    Limit(String),
    #[error("includeObject must be None, Metadata or Object, got {0:?}")]
    Include(String),
}

/// Reads it. Of what is said twice the first counts, and what nobody knows is passed over, as in any API server.
pub(crate) fn read(pairs: &[(String, String)]) -> Result<Query, Unfit> {
    // Before all else: whatever a watch asks for beside, that there is none is what its user should hear.
    if pairs.iter().find(|(name, _)| name == "watch").is_some_and(|(_, value)| is_yes(value)) {
        return Err(Unfit::Watch);
    }
    let (mut query, mut seen) = (Query::default(), HashSet::new());
    for (name, value) in pairs {
        if seen.insert(name.as_str()) {
            query.take(name, value)?;
        }
    }
    Ok(query)
}

impl Query {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Unfit> {
        match name {
            "pretty" => self.pretty = matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True"),
            "limit" => self.limit = limit(value)?,
            "continue" => self.after = Some(value.to_owned()).filter(|value| !value.is_empty()),
            "fieldSelector" => self.only = field(value)?,
            "includeObject" => self.include = include(value)?,
            _ => return refuse_unsupported(name, value),
        }
        Ok(())
    }
}

/// As Kubernetes reads a flag in a query: whatever is not no is yes.
fn is_yes(value: &str) -> bool {
    value != "0" && !value.eq_ignore_ascii_case("false")
}

fn limit(value: &str) -> Result<Option<usize>, Unfit> {
    match value {
        "" => Ok(None),
        _ => value
            .parse()
            .map(|limit| Some(limit).filter(|limit| *limit > 0))
            .map_err(|_| Unfit::Limit(value.to_owned())),
    }
}

fn field(selector: &str) -> Result<Option<String>, Unfit> {
    if selector.is_empty() {
        return Ok(None);
    }
    selector
        .strip_prefix("metadata.name=")
        .map(|name| name.strip_prefix('=').unwrap_or(name))
        .filter(|name| !name.is_empty() && !name.contains([',', '=', '!', '\\']))
        .map(|name| Some(name.to_owned()))
        .ok_or_else(|| Unfit::Unsupported {
            name: "fieldSelector",
            value: selector.to_owned(),
            instead: "metadata.name=NAME is",
        })
}

fn include(value: &str) -> Result<Include, Unfit> {
    match value {
        "" | "Metadata" => Ok(Include::Metadata),
        "None" => Ok(Include::None),
        "Object" => Ok(Include::Object),
        other => Err(Unfit::Include(other.to_owned())),
    }
}

/// What would change the answer if we knew how.
fn refuse_unsupported(name: &str, value: &str) -> Result<(), Unfit> {
    let (name, instead) = match name {
        "labelSelector" => ("labelSelector", "reports have no labels"),
        // 0 is any, and the newest is one.
        "resourceVersion" if value != "0" => ("resourceVersion", "the newest is always told"),
        "resourceVersionMatch" => ("resourceVersionMatch", "the newest is always told"),
        "sendInitialEvents" if is_yes(value) => ("sendInitialEvents", "there is no watch"),
        _ => return Ok(()),
    };
    if value.is_empty() { Ok(()) } else { Err(Unfit::Unsupported { name, value: value.to_owned(), instead }) }
}

#[cfg(test)]
mod tests {
    use tide::http::Url;

    use super::*;

    fn parsed(text: &str) -> Result<Query, Unfit> {
        let url = Url::parse(&format!("http://localhost/?{text}")).unwrap();
        read(&url.query_pairs().into_owned().collect::<Vec<_>>())
    }

    #[test]
    fn what_is_known_is_taken() {
        let query =
            parsed("pretty=true&limit=500&continue=a&fieldSelector=metadata.name%3Db&includeObject=Object");
        let expected = Query {
            pretty: true,
            only: Some("b".to_owned()),
            limit: Some(500),
            after: Some("a".to_owned()),
            include: Include::Object,
        };
        assert_eq!(query, Ok(expected));
        for nothing in [
            "",
            "limit=0",
            "limit=",
            "watch=false",
            "watch=0",
            "watch=False&watch=true",
            "fieldSelector=&labelSelector=",
            "resourceVersion=0&timeoutSeconds=5&timeout=5s&allowWatchBookmarks=true&whatever=1",
            "resourceVersion=&continue=&includeObject=&pretty=",
        ] {
            assert_eq!(parsed(nothing), Ok(Query::default()), "{nothing}");
        }
        assert_eq!(parsed("fieldSelector=metadata.name==b").unwrap().only.as_deref(), Some("b"));
        assert_eq!(parsed("includeObject=None").unwrap().include, Include::None);
    }

    #[test]
    fn what_cannot_be_done_is_told() {
        for (query, expected) in [
            (
                "watch=true",
                "watch is not supported on resources of kind \"kdoctorreports.system.kdoctor.io\"",
            ),
            (
                "resourceVersion=7&limit=x&watch",
                "watch is not supported on resources of kind \"kdoctorreports.system.kdoctor.io\"",
            ),
            ("labelSelector=a%3Db", "labelSelector=\"a=b\" is not supported (reports have no labels)"),
            ("resourceVersion=7", "resourceVersion=\"7\" is not supported (the newest is always told)"),
            (
                "resourceVersionMatch=Exact",
                "resourceVersionMatch=\"Exact\" is not supported (the newest is always told)",
            ),
            ("sendInitialEvents=true", "sendInitialEvents=\"true\" is not supported (there is no watch)"),
            ("limit=-1", "limit must be a number from 0, got \"-1\""),
            ("limit=many", "limit must be a number from 0, got \"many\""),
            ("includeObject=Some", "includeObject must be None, Metadata or Object, got \"Some\""),
        ] {
            assert_eq!(parsed(query).unwrap_err().to_string(), expected, "{query}");
        }
        for selector in [
            "metadata.name!=a",
            "metadata.name=a,metadata.name=b",
            "metadata.name=",
            "spec.TaskName=a",
            "metadata.namespace=a",
        ] {
            let refused = parsed(&format!("fieldSelector={selector}")).unwrap_err();
            let told = format!("fieldSelector={selector:?} is not supported (metadata.name=NAME is)");
            assert_eq!(refused.to_string(), told);
        }
    }
}
