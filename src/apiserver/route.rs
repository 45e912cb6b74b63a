//! A path → what is asked for. Pure.

use netreach_api::names::{REPORT_GROUP, VERSION};

use crate::limits::NAME_CHARS_MAX;
use crate::{PLURAL, ROUNDS, Which};

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// The groups there are: ours.
    Groups,
    /// Our group.
    Group,
    /// What is in its version.
    Resources,
    /// What objects look like, in the old words.
    OpenApiV2,
    /// Where to read what objects look like.
    OpenApiV3,
    /// What objects look like.
    OpenApiV3OfGroup,
    /// Which version of us is running.
    Version,
    /// All reports.
    Reports,
    /// The report of this name, if that can be one.
    Report(&'a str),
    /// Its rounds.
    Rounds(&'a str),
    /// One of them.
    Round(&'a str, Which),
    /// Nothing.
    Nowhere,
}

/// Reads a path.
pub(crate) fn route(path: &str) -> Route<'_> {
    let parts: Vec<&str> = path.trim_matches('/').splitn(8, '/').collect();
    match parts[..] {
        ["apis"] => Route::Groups,
        ["apis", REPORT_GROUP] => Route::Group,
        ["apis", REPORT_GROUP, VERSION] => Route::Resources,
        ["apis", REPORT_GROUP, VERSION, PLURAL] => Route::Reports,
        ["apis", REPORT_GROUP, VERSION, PLURAL, name] => Route::Report(name),
        ["apis", REPORT_GROUP, VERSION, PLURAL, name, ROUNDS] => Route::Rounds(name),
        ["apis", REPORT_GROUP, VERSION, PLURAL, name, ROUNDS, round] => {
            which(round).map_or(Route::Nowhere, |which| Route::Round(name, which))
        }
        ["openapi", "v2"] => Route::OpenApiV2,
        ["openapi", "v3"] => Route::OpenApiV3,
        ["openapi", "v3", "apis", REPORT_GROUP, VERSION] => Route::OpenApiV3OfGroup,
        ["version"] => Route::Version,
        _ => Route::Nowhere,
    }
}

/// The round that is meant; none where it can be none.
fn which(round: &str) -> Option<Which> {
    let is_digits = round.bytes().all(|byte| byte.is_ascii_digit());
    match round {
        "last" => Some(Which::Last),
        _ => round.parse().ok().filter(|number| is_digits && *number > 0).map(Which::Number),
    }
}

impl Route<'_> {
    /// Whether somebody's reports are asked for, and not only what there is.
    pub(crate) fn is_about_reports(self) -> bool {
        matches!(self, Self::Reports | Self::Report(_) | Self::Rounds(_) | Self::Round(..))
    }
}

/// Whether a report can have this name; one that cannot need not be looked for.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= NAME_CHARS_MAX && name.split('.').all(|part| !part.is_empty() && part.bytes().all(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_one_thing_or_nowhere() {
        let base = "/apis/system.kdoctor.io/v1beta1";
        for (path, expected) in [
            ("/apis", Route::Groups),
            ("/apis/", Route::Groups),
            ("/apis/system.kdoctor.io", Route::Group),
            (base, Route::Resources),
            (&format!("{base}/kdoctorreports"), Route::Reports),
            (&format!("{base}/kdoctorreports/netreach-task"), Route::Report("netreach-task")),
            (&format!("{base}/kdoctorreports/%2e%2e"), Route::Report("%2e%2e")),
            (&format!("{base}/kdoctorreports/a/status"), Route::Nowhere),
            (&format!("{base}/kdoctorreports/a/rounds"), Route::Rounds("a")),
            (&format!("{base}/kdoctorreports/a/rounds/"), Route::Rounds("a")),
            (&format!("{base}/kdoctorreports/a/rounds/7"), Route::Round("a", Which::Number(7))),
            (&format!("{base}/kdoctorreports/a/rounds/last"), Route::Round("a", Which::Last)),
            (&format!("{base}/kdoctorreports/a/rounds/0"), Route::Nowhere),
            (&format!("{base}/kdoctorreports/a/rounds/+1"), Route::Nowhere),
            (&format!("{base}/kdoctorreports/a/rounds/first"), Route::Nowhere),
            (&format!("{base}/kdoctorreports/a/rounds/7/nodes"), Route::Nowhere),
            (&format!("{base}/watch/kdoctorreports"), Route::Nowhere),
            (&format!("{base}/namespaces/a/kdoctorreports"), Route::Nowhere),
            ("/apis/system.kdoctor.io/v1", Route::Nowhere),
            ("/apis/kdoctor.io", Route::Nowhere),
            ("/api", Route::Nowhere),
            ("/", Route::Nowhere),
            ("", Route::Nowhere),
            ("/openapi/v2", Route::OpenApiV2),
            ("/openapi/v3", Route::OpenApiV3),
            ("/openapi/v3/apis/system.kdoctor.io/v1beta1", Route::OpenApiV3OfGroup),
            ("/openapi/v3/apis/system.kdoctor.io", Route::Nowhere),
            ("/version", Route::Version),
        ] {
            assert_eq!(route(path), expected, "{path}");
        }
    }

    #[test]
    fn only_what_can_be_a_name_is_looked_for() {
        for good in ["netreach-task", "netreach-a.b", "a", &"a".repeat(262)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", ".", "..", "a..b", "A", "a_b", "%2e%2e", "a/b", "a b", &"a".repeat(263)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
