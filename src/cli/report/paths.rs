//! What is asked for → the path to ask at. Pure.

use form_urlencoded::Serializer;
use netreach_api::names::{API_VERSION, REPORT_API_VERSION, REPORT_NAME_PREFIX};
use netreach_wire::TargetFamily;

use crate::args::{Output, ReportArgs};

/// The reports there are.
const REPORTS: &str = "kdoctorreports";

/// Which part of a list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part<'a> {
    /// Most items.
    pub(super) limit: u32,
    /// What the list before gave as `continue`.
    pub(super) after: Option<&'a str>,
}

/// The report of one round: of this number or else of the last, and as much of it as was asked for.
pub(super) fn round(args: &ReportArgs) -> String {
    let ReportArgs { task, round, node, family, failed, uid, output, last: _, context: _ } = args;
    let which = round.map_or_else(|| "last".to_owned(), |number| number.to_string());
    // By the words of the documents.
    let family = family.map(|family| TargetFamily::from(family).to_string());
    let pairs = [
        ("node", node.as_deref()),
        ("family", family.as_deref()),
        ("failed", failed.then_some("true")),
        ("uid", uid.as_deref()),
        // That one is read as it comes.
        ("pretty", (*output == Output::Json).then_some("true")),
    ];
    with(&format!("{}/{which}", rounds_of(task)), &pairs)
}

/// The rounds that are kept, newest first; `failed` leaves out those that have succeeded.
pub(super) fn rounds(task: &str, uid: Option<&str>, failed: bool, part: Part<'_>) -> String {
    let limit = part.limit.to_string();
    let pairs = [
        ("uid", uid),
        ("failed", failed.then_some("true")),
        ("limit", Some(limit.as_str())),
        ("continue", part.after),
    ];
    with(&rounds_of(task), &pairs)
}

/// All reports.
pub(super) fn reports(part: Part<'_>) -> String {
    let limit = part.limit.to_string();
    let path = format!("/apis/{REPORT_API_VERSION}/{REPORTS}");
    with(&path, &[("limit", Some(&limit)), ("continue", part.after)])
}

/// The NetReach itself.
pub(super) fn net_reach(task: &str) -> String {
    format!("/apis/{API_VERSION}/netreaches/{task}")
}

fn rounds_of(task: &str) -> String {
    format!("/apis/{REPORT_API_VERSION}/{REPORTS}/{REPORT_NAME_PREFIX}{task}/rounds")
}

fn with(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    fn args(words: &str) -> ReportArgs {
        let words = ["netreach", "report"].into_iter().chain(words.split(' '));
        match Args::try_parse_from(words).unwrap().command {
            Command::Report(args) => args,
            other => panic!("{other:?}"),
        }
    }

    const TASK: &str = "/apis/system.kdoctor.io/v1beta1/kdoctorreports/netreach-task/rounds";

    #[test]
    fn a_round_is_asked_for_as_it_was_wanted() {
        for (words, expected) in [
            ("task", "/last"),
            ("task --round 7", "/7"),
            ("task --failed", "/last?failed=true"),
            ("task -o yaml", "/last"),
            ("task --round 7 -o json", "/7?pretty=true"),
            ("task --round 7 --node n-a.b --family nodeport", "/7?node=n-a.b&family=nodePort"),
            ("task --family pod --failed --uid 0c5e-1", "/last?family=podIp&failed=true&uid=0c5e-1"),
        ] {
            assert_eq!(round(&args(words)), format!("{TASK}{expected}"), "{words}");
        }
    }

    #[test]
    fn every_family_has_the_word_that_documents_have_for_it() {
        for (word, expected) in [
            ("pod", "podIp"),
            ("podIP", "podIp"),
            ("endpoint", "podIp"),
            ("multus", "multusIp"),
            ("multusInterface", "multusIp"),
            ("clusterIP", "clusterIp"),
            ("clusterIp", "clusterIp"),
            ("nodePort", "nodePort"),
            ("LoadBalancer", "loadBalancer"),
            ("ingress", "ingress"),
        ] {
            let path = round(&args(&format!("task --family {word}")));
            assert_eq!(path, format!("{TASK}/last?family={expected}"), "{word}");
        }
    }

    #[test]
    fn lists_are_asked_for_in_parts() {
        let first = Part { limit: 500, after: None };
        assert_eq!(rounds("task", None, false, first), format!("{TASK}?limit=500"));
        let next = Part { limit: 20, after: Some("a b&c") };
        assert_eq!(
            rounds("task", Some("0c5e"), true, next),
            format!("{TASK}?uid=0c5e&failed=true&limit=20&continue=a+b%26c")
        );
        assert_eq!(reports(first), "/apis/system.kdoctor.io/v1beta1/kdoctorreports?limit=500");
        assert_eq!(net_reach("a.b"), "/apis/kdoctor.io/v1beta1/netreaches/a.b");
    }
}
