//! Why there is nothing to show, and the way out.

use netreach_api::names::REPORT_GROUP;

use super::list::ListTrouble;
use super::reader::ReadTrouble;
use crate::connect::ConnectTrouble;
use crate::refusal::Refusal;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportTrouble {
    /// No way to a cluster.
    #[error(transparent)]
    Connect(#[from] ConnectTrouble),
    /// No such NetReach, and no report of one.
    #[error("there is no report of a NetReach {task}, and no such NetReach: {others}")]
    NoTask { task: String, others: String },
    /// No report, and it is not known whether there is such a NetReach.
    #[error("there is no report of a NetReach {task}: {others}")]
    NoReport { task: String, others: String },
    /// It has not come to a report yet.
    #[error(
        "NetReach {task} has no report yet: none of its rounds has ended; kubectl get netreach {task} tells more"
    )]
    NoReportYet { task: String },
    /// Nothing is kept under the uid.
    #[error("nothing is kept of a NetReach {task} with uid {uid}; without --uid it is that of today")]
    NoUid { task: String, uid: String },
    /// The round is not kept.
    #[error("there is no {what}: {kept}")]
    NoRound { what: String, kept: String },
    /// No right to.
    #[error(
        "may not read {what} in {place}: {why}; the right to get kdoctorreports/rounds in {REPORT_GROUP} is needed, which \
         the role netreach-viewer gives"
    )]
    Denied { what: String, place: String, why: String },
    /// An earlier release.
    #[error(
        "could not read {what}: the manager in {place} is of a release that shows the last round alone; kubectl get \
         kdoctorreport {report} -o yaml prints it"
    )]
    NoRounds { what: String, place: String, report: String },
    /// Anything else about the answer.
    #[error("could not read {what} in {place}")]
    Read { what: String, place: String, source: ReadTrouble },
    /// A document that is none.
    #[error(
        "could not understand {what}: it is none that this release can read ({why}); a newer one may, and -o json prints \
         it as it is"
    )]
    NotUnderstood { what: String, why: String },
}

/// What was asked for, in words, and of whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// E.g. `round 7 of NetReach task`.
    pub(super) what: &'a str,
    /// The cluster, as users know it.
    pub(super) place: &'a str,
}

impl Wanted<'_> {
    /// Why it could not be read.
    pub(super) fn unread(self, trouble: ReadTrouble) -> ReportTrouble {
        let (what, place) = (self.what.to_owned(), self.place.to_owned());
        match trouble {
            ReadTrouble::Refused(Refusal::Denied(why)) => ReportTrouble::Denied { what, place, why },
            source => ReportTrouble::Read { what, place, source },
        }
    }

    /// Why a list of it could not be.
    pub(super) fn unlisted(self, trouble: ListTrouble) -> ReportTrouble {
        match trouble {
            ListTrouble::Read(trouble) => self.unread(trouble),
            ListTrouble::NoList(error) => self.not_understood(error),
        }
    }

    /// Why it could not be shown.
    pub(super) fn not_understood(self, why: impl ToString) -> ReportTrouble {
        ReportTrouble::NotUnderstood { what: self.what.to_owned(), why: why.to_string() }
    }
}
