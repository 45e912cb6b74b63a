//! The command line.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use netreach_api::limits::NAME_CHARS_MAX;
use netreach_wire::TargetFamily;

use crate::input::Source;
use crate::report::LAST_MAX;

/// Tells whether a network is whole, and when it is not, which part is broken.
///
/// Exit codes: 0 every round succeeded, 1 a round failed or cannot be judged, 2 bad input or usage, 3 could not run (of
/// report: 0 shown, 2 bad usage, 3 could not be read).
#[derive(Debug, clap::Parser)]
#[command(name = "netreach", version, propagate_version = true, infer_subcommands = true)]
pub(crate) struct Args {
    /// Say more on standard error: -v what happens, -vv every step
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Run the rounds of a NetReach and print their reports
    ///
    /// Without --local the NetReach is created in the cluster of the current kubeconfig context, followed until its last
    /// round has ended, and deleted. Ctrl-C deletes it too; a second Ctrl-C ends the program at once.
    Run(RunArgs),
    /// Show what a cluster keeps of a NetReach's rounds
    ///
    /// Without --round and --last it is the report of the last round. Exit codes tell whether it is shown, not how the round
    /// went: 0 it is, 2 bad usage, 3 it could not be read.
    Report(ReportArgs),
    /// Fill in the defaults of a NetReach and tell every fault, without running anything
    Check(CheckArgs),
    /// Print the CustomResourceDefinition of NetReach
    Crd,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// The file with the NetReach.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct FileArg {
    /// File with one NetReach as YAML or JSON; - is standard input
    #[arg(value_name = "FILE")]
    file: Option<Source>,
    /// The same, as kubectl spells it
    #[arg(short, long, value_name = "FILE")]
    filename: Option<Source>,
}

/// How a round is run and shown.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) file: FileArg,
    /// Run on this machine, with agents on loopback: no cluster is needed
    #[arg(long)]
    pub(crate) local: bool,
    /// Run so many rounds, whatever spec.schedule.roundNumber says
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<NonZeroU64>,
    /// What to print on standard output
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    /// Keep each round's report (as YAML) in this directory, and with --local its record
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// Act on the cluster of this kubeconfig context, not of the current one
    #[arg(long, value_name = "NAME", conflicts_with = "local", help_heading = "In a cluster")]
    pub(crate) context: Option<String>,
    /// Create the NetReach under this name
    #[arg(long, value_name = "NAME", conflicts_with = "local", help_heading = "In a cluster")]
    pub(crate) name: Option<String>,
    /// Do not delete the NetReach when the run ends
    #[arg(long, conflicts_with = "local", help_heading = "In a cluster")]
    pub(crate) keep: bool,
    /// How many agents probe each other
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100), requires = "local",
        help_heading = "With --local")]
    pub(crate) agents: u8,
    /// Listen on these ports only, e.g. 24000-24010; free ones of the system's choice otherwise
    #[arg(long, value_name = "FROM-TO", value_parser = port_range, requires = "local", help_heading = "With --local")]
    pub(crate) ports: Option<RangeInclusive<u16>>,
}

/// Which rounds are shown, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// The NetReach, by its name
    #[arg(value_parser = name)]
    pub(crate) task: String,
    /// The report of this round
    #[arg(long, value_name = "N")]
    pub(crate) round: Option<NonZeroU64>,
    /// A line for each of the last K rounds, newest first
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=i64::from(LAST_MAX)),
        conflicts_with_all = ["round", "node", "family"])]
    pub(crate) last: Option<u32>,
    /// Only what the agents of this node have found
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) node: Option<String>,
    /// Only targets of this kind
    #[arg(long, value_name = "FAMILY", value_enum, ignore_case = true)]
    pub(crate) family: Option<Family>,
    /// Only targets that have failed; with --last only rounds that did not succeed
    #[arg(long)]
    pub(crate) failed: bool,
    /// The rounds of the NetReach with this uid, which may be one that is deleted
    #[arg(long, value_name = "UID")]
    pub(crate) uid: Option<String>,
    /// What to print on standard output; json and yaml are as the cluster tells them
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    /// Ask the cluster of this kubeconfig context, not of the current one
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// By which kind of address a target was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum Family {
    /// Addresses of pods
    #[value(aliases = ["podIp", "endpoint"])]
    Pod,
    /// Cluster addresses of Services
    #[value(name = "clusterIP")]
    ClusterIp,
    /// Ports of nodes
    NodePort,
    /// Addresses of load balancers
    LoadBalancer,
    /// Addresses of ingresses
    Ingress,
    /// Addresses of pods' further NICs
    #[value(aliases = ["multusIp", "multusInterface"])]
    Multus,
}

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) file: FileArg,
    /// Print the object with its defaults
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<Format>,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// A line per agent and target, and the verdict
    Table,
    /// The same with every figure
    Wide,
    /// The KdoctorReport as JSON
    Json,
    /// The KdoctorReport as YAML
    Yaml,
}

/// The form of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// As JSON
    Json,
    /// As YAML
    Yaml,
}

impl FileArg {
    pub(crate) fn source(&self) -> &Source {
        self.file.as_ref().or(self.filename.as_ref()).expect("the group requires one of the two")
    }
}

impl From<Family> for TargetFamily {
    fn from(family: Family) -> Self {
        match family {
            Family::Pod => Self::PodIp,
            Family::ClusterIp => Self::ClusterIp,
            Family::NodePort => Self::NodePort,
            Family::LoadBalancer => Self::LoadBalancer,
            Family::Ingress => Self::Ingress,
            Family::Multus => Self::MultusIp,
        }
    }
}

/// A name as Kubernetes' objects have it: whatever else was written cannot be one's, and has no place in a path.
fn name(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = text.len() <= NAME_CHARS_MAX
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(allowed));
    if is_name {
        return Ok(text.to_owned());
    }
    Err(format!("names have at most {NAME_CHARS_MAX} lower case letters, digits, - and ., e.g. task"))
}

fn port_range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    match (from.parse::<u16>(), to.parse::<u16>()) {
        (Ok(from), Ok(to)) if 0 < from && from <= to => Ok(from..=to),
        _ => Err("two ports from 1 to 65535 are wanted, the lower first, e.g. 24000-24010".to_owned()),
    }
}
