//! What a cluster keeps of a NetReach's rounds: asked of the aggregated API, shown.
//!
//! Rounds are judged and documents are made by the manager in the cluster: here they are only asked for and laid out.
//! How a round went changes no exit code.

mod absent;
mod limits;
mod list;
mod paths;
mod reader;
mod spans;
mod trouble;

use async_std::task::block_on;
use netreach_report::KdoctorReport;

use crate::args::{Output, ReportArgs};
use crate::connect::Cluster;
use crate::ending::{Ending, Trouble};
use crate::refusal::Refusal;
use crate::show;
use list::{List, ListTrouble};
use reader::{JSON, ReadTrouble, Reader};
use trouble::Wanted;

pub(crate) use limits::LAST_MAX;
pub(crate) use trouble::ReportTrouble;

/// Shows what was asked for.
pub(crate) fn run(args: &ReportArgs, verbose: u8) -> Result<Ending, Trouble> {
    block_on(async {
        let cluster = Cluster::asked_once(args.context.as_deref()).await.map_err(ReportTrouble::from)?;
        let reader = Reader { client: cluster.client, is_quiet: verbose == 0 };
        let what = what(args);
        let wanted = Wanted { what: &what, place: &cluster.place };
        match args.last {
            Some(count) => rounds(&reader, args, count, wanted).await,
            None => round(&reader, args, wanted).await,
        }
    })
}

fn what(ReportArgs { task, round, last, .. }: &ReportArgs) -> String {
    match (last, round) {
        (Some(_), _) => format!("the rounds of NetReach {task}"),
        (None, Some(number)) => format!("round {number} of NetReach {task}"),
        (None, None) => format!("the last round of NetReach {task}"),
    }
}

async fn round(reader: &Reader, args: &ReportArgs, wanted: Wanted<'_>) -> Result<Ending, Trouble> {
    let path = paths::round(args);
    if args.output == Output::Json {
        return match reader.pass(&path).await {
            Ok(()) => Ok(Ending::Succeeded),
            Err(trouble) => Err(unread(reader, args, wanted, trouble).await.into()),
        };
    }
    let text = match reader.hold(&path, JSON).await {
        Ok(text) => text,
        Err(trouble) => return Err(unread(reader, args, wanted, trouble).await.into()),
    };
    if args.output == Output::Yaml {
        return as_yaml(&text, wanted);
    }
    let document: KdoctorReport =
        serde_json::from_str(&text).map_err(|error| wanted.not_understood(error))?;
    show::print(&show::round(&document, &asked(args)))
}

async fn rounds(
    reader: &Reader,
    args: &ReportArgs,
    count: u32,
    wanted: Wanted<'_>,
) -> Result<Ending, Trouble> {
    let path = |part: paths::Part<'_>| paths::rounds(&args.task, args.uid.as_deref(), args.failed, part);
    let list = match List::read(reader, count, JSON, path).await {
        Ok(list) => list,
        Err(ListTrouble::Read(trouble)) => return Err(unread(reader, args, wanted, trouble).await.into()),
        Err(trouble) => return Err(wanted.unlisted(trouble).into()),
    };
    match args.output {
        Output::Json => show::print(&show::json(&list)),
        Output::Yaml => as_yaml(&show::json(&list), wanted),
        Output::Table | Output::Wide => {
            let lines = list.of().map_err(|trouble| wanted.unlisted(trouble))?;
            show::print(&show::rounds(&args.task, &lines, args.failed, args.output == Output::Wide))
        }
    }
}

async fn unread(
    reader: &Reader,
    args: &ReportArgs,
    wanted: Wanted<'_>,
    trouble: ReadTrouble,
) -> ReportTrouble {
    match trouble {
        ReadTrouble::Refused(refusal @ (Refusal::Absent(_) | Refusal::NotInstalled)) => {
            absent::why(reader, args, wanted, refusal).await
        }
        trouble => wanted.unread(trouble),
    }
}

/// A JSON document as YAML, with its fields in their order.
fn as_yaml(json: &str, wanted: Wanted<'_>) -> Result<Ending, Trouble> {
    let yaml = show::transcoded(json).map_err(|why| wanted.not_understood(why))?;
    show::print(&yaml)
}

/// What the table should show of a round, as far as the cluster has not seen to it.
fn asked(args: &ReportArgs) -> show::Asked<'_> {
    show::Asked {
        wide: args.output == Output::Wide,
        node: args.node.as_deref(),
        family: args.family.map(Into::into),
        failed: args.failed,
    }
}
