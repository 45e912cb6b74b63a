//! Something is not there: what is?

use netreach_api::names::REPORT_NAME_PREFIX;
use netreach_api::nearest;
use serde::Deserialize;

use super::limits::{LAST_MAX, NAMES_MAX};
use super::list::{List, ListTrouble};
use super::paths;
use super::reader::{JSON, NAMES, ReadTrouble, Reader};
use super::spans::spans;
use super::trouble::{ReportTrouble, Wanted};
use crate::args::ReportArgs;
use crate::refusal::Refusal;

/// A round that is kept.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    round_number: u64,
}

/// An object by its name.
#[derive(Deserialize)]
struct Named {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

/// Why there is no such round, or rounds; the refusal is what is told where nothing better can be found out.
pub(super) async fn why(
    reader: &Reader,
    args: &ReportArgs,
    wanted: Wanted<'_>,
    refusal: Refusal,
) -> ReportTrouble {
    let (task, uid) = (&args.task, args.uid.as_deref());
    // Who has asked for a list has heard already that there is none.
    if args.last.is_none() {
        match List::read(reader, LAST_MAX, JSON, |part| paths::rounds(task, uid, false, part)).await {
            Ok(list) => match list.of::<Kept>() {
                Ok(kept) if kept.is_empty() => {}
                Ok(kept) => return no_round(wanted, &kept),
                Err(trouble) => return wanted.unlisted(trouble),
            },
            Err(ListTrouble::Read(ReadTrouble::Refused(Refusal::Absent(_) | Refusal::NotInstalled))) => {}
            Err(trouble) => return wanted.unlisted(trouble),
        }
    }
    let names = List::read(reader, LAST_MAX, NAMES, paths::reports).await.and_then(|list| {
        let named = list.of::<Named>()?;
        Ok(named.into_iter().map(|named| named.metadata.name).collect::<Vec<_>>())
    });
    let Ok(names) = names else { return wanted.unread(refusal.into()) };
    let report = format!("{REPORT_NAME_PREFIX}{task}");
    if refusal == Refusal::NotInstalled {
        let (what, place) = (wanted.what.to_owned(), wanted.place.to_owned());
        return ReportTrouble::NoRounds { what, place, report };
    }
    if let Some(uid) = uid {
        return ReportTrouble::NoUid { task: task.clone(), uid: uid.to_owned() };
    }
    if names.contains(&report) {
        return wanted.unread(refusal.into());
    }
    let others = others(task, &names);
    match reader.hold(&paths::net_reach(task), JSON).await {
        Ok(_) => ReportTrouble::NoReportYet { task: task.clone() },
        Err(ReadTrouble::Refused(Refusal::Absent(_))) => ReportTrouble::NoTask { task: task.clone(), others },
        // Whether there is such a NetReach is not for everybody to know.
        Err(_) => ReportTrouble::NoReport { task: task.clone(), others },
    }
}

fn no_round(wanted: Wanted<'_>, kept: &[Kept]) -> ReportTrouble {
    let numbers: Vec<u64> = kept.iter().map(|kept| kept.round_number).collect();
    let word = if numbers.len() == 1 { "round" } else { "rounds" };
    let kept = format!("{word} {} can be shown", spans(&numbers));
    ReportTrouble::NoRound { what: wanted.what.to_owned(), kept }
}

/// Which ones there are instead, the likeliest first.
fn others(task: &str, reports: &[String]) -> String {
    let tasks: Vec<&str> = reports.iter().filter_map(|name| name.strip_prefix(REPORT_NAME_PREFIX)).collect();
    // The name of the report is a likely slip: kubectl takes that one.
    let bare = task.strip_prefix(REPORT_NAME_PREFIX).filter(|bare| tasks.contains(bare));
    if let Some(meant) = bare.or_else(|| nearest(task, tasks.iter().copied())) {
        return format!("did you mean {meant}?");
    }
    match tasks.len() {
        0 => "there are no reports at all".to_owned(),
        count if count > NAMES_MAX => {
            format!("there are reports of {} and {} more", tasks[..NAMES_MAX].join(", "), count - NAMES_MAX)
        }
        _ => format!("there are reports of {}", tasks.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_given_a_wrong_name_is_told_others() {
        let check = |task: &str, reports: &[&str], expected: &str| {
            let reports: Vec<String> = reports.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(others(task, &reports), expected);
        };
        check("task", &[], "there are no reports at all");
        check("tusk", &["netreach-other", "netreach-task"], "did you mean task?");
        check("netreach-task", &["netreach-task"], "did you mean task?");
        check("mesh", &["netreach-a.b", "netreach-task"], "there are reports of a.b, task");
        let many: Vec<String> = (100..112).map(|number| format!("netreach-n{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(
            "mesh",
            &many,
            "there are reports of n100, n101, n102, n103, n104, n105, n106, n107, n108, n109 and 2 more",
        );
    }
}
