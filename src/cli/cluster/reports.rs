//! The report of a round, from the aggregated API.

use std::time::Duration;

use async_io::Timer;
use futures_lite::FutureExt;
use kube::Error;
use kube::api::GetParams;
use kube::core::Request;
use netreach_api::names::REPORT_API_VERSION;
use netreach_report::KdoctorReport;

use super::target::Target;
use crate::refusal::Refusal;

/// How long a report may take to be there once its round has ended.
const THERE_WITHIN: Duration = Duration::from_secs(10);
/// How soon it is asked for again.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(300);

/// What an answer is worth.
#[derive(Debug)]
enum Weighed {
    /// It is the report.
    Report(Box<KdoctorReport>),
    /// It may be there a moment later.
    NotYet(String),
    /// It will not be.
    Never(String),
}

/// The report of this round, or why there is none to be had.
pub(super) async fn fetch(target: &Target, round: u64) -> Result<Box<KdoctorReport>, String> {
    let mut last = format!("no answer within {} s", THERE_WITHIN.as_secs());
    let asking = async {
        loop {
            match weigh(ask(target).await, round) {
                Weighed::Report(report) => return Some(Ok(report)),
                Weighed::Never(why) => return Some(Err(why)),
                Weighed::NotYet(why) => last = why,
            }
            Timer::after(ASK_AGAIN_AFTER).await;
        }
    };
    let too_long = async {
        Timer::after(THERE_WITHIN).await;
        None
    };
    asking.or(too_long).await.unwrap_or(Err(last))
}

async fn ask(target: &Target) -> Result<String, Error> {
    let all = Request::new(format!("/apis/{REPORT_API_VERSION}/kdoctorreports"));
    let request = all.get(&format!("netreach-{}", target.name), &GetParams::default());
    target.client.request_text(request.map_err(Error::BuildRequest)?).await
}

fn weigh(answer: Result<String, Error>, round: u64) -> Weighed {
    match answer {
        Ok(text) => weigh_document(&text, round),
        Err(error) => match Refusal::of(&error) {
            refusal @ (Refusal::Absent(_) | Refusal::Away(_) | Refusal::Unreached(_)) => {
                Weighed::NotYet(refusal.to_string())
            }
            refusal => Weighed::Never(refusal.to_string()),
        },
    }
}

fn weigh_document(text: &str, round: u64) -> Weighed {
    let report: KdoctorReport = match serde_json::from_str(text) {
        Ok(report) => report,
        Err(error) => {
            let why = format!("it is none that this release can read ({error}); a newer one may");
            return Weighed::Never(why);
        }
    };
    match report.spec.report_round_number {
        number if number == round => Weighed::Report(Box::new(report)),
        number if number < round => Weighed::NotYet(format!("what is there is of round {number}")),
        number => Weighed::Never(format!("that of round {number} has taken its place")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::refusal;

    fn document(round: u64) -> String {
        let object = json!({
            "apiVersion": "system.kdoctor.io/v1beta1",
            "kind": "KdoctorReport",
            "metadata": {"name": "netreach-task", "uid": "0c5e", "creationTimestamp": "2023-08-01T08:37:07Z"},
            "spec": {
                "TaskName": "task", "TaskType": "NetReach", "RoundNumber": 3, "ReportRoundNumber": round,
                "FinishedRoundNumber": round, "FailedRoundNumber": null, "Status": "NotFinished",
                "Verdict": "succeed", "FailureReasons": [], "AgentsMissing": [], "AgentsLate": [], "Gaps": [],
                "Interrupted": false, "Report": [],
            },
        });
        object.to_string()
    }

    fn refused(code: u16, reason: &str, name: &str) -> Result<String, Error> {
        Err(refusal::tests::refused(code, reason, name))
    }

    #[track_caller]
    fn check(answer: Result<String, Error>, expected: &str) {
        let said = match weigh(answer, 2) {
            Weighed::Report(report) => format!("report of {}", report.spec.report_round_number),
            Weighed::NotYet(why) => format!("not yet: {why}"),
            Weighed::Never(why) => format!("never: {why}"),
        };
        assert!(said.starts_with(expected), "{said}");
    }

    #[test]
    fn the_report_of_the_very_round_is_waited_for() {
        check(Ok(document(2)), "report of 2");
        check(Ok(document(1)), "not yet: what is there is of round 1");
        check(Ok(document(3)), "never: that of round 3 has taken its place");
        check(Ok("{}".to_owned()), "never: it is none that this release can read");
    }

    #[test]
    fn an_api_that_is_not_there_is_not_waited_for() {
        check(refused(404, "NotFound", "netreach-task"), "not yet: so it is");
        check(refused(404, "NotFound", ""), "never: the aggregated API of reports is not installed");
        check(refused(404, "Failed to parse error data", ""), "never: the aggregated API");
        check(refused(403, "Forbidden", ""), "never: so it is; the role netreach-viewer");
        check(
            refused(503, "ServiceUnavailable", ""),
            "not yet: the aggregated API of reports does not answer: so it is",
        );
    }
}
