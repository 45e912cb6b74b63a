//! Takes what a closed round left behind, makes the round's report, the verdict on it, the
//! document users read and the status of their NetReach.
//!
//! Does not know the cluster, the store, the agents' connections, or what time it is.

mod agent_round;
mod api_object;
mod closed_round;
mod conditions;
mod document;
mod entry;
mod failure_reason;
mod fit;
mod go_duration;
mod history;
pub mod limits;
mod merge;
mod pieces;
mod reason;
mod round_head;
mod round_report;
mod round_summary;
mod selection;
mod status;
mod units;
mod verdict;

pub use agent_round::agent_round;
pub use api_object::{Standing, api_object, report_object};
pub use closed_round::{ClosedRound, Submitted};
pub use document::{
    AgentRound, Detail, DetectionPower, FailureReason, KdoctorReport, Latencies, Metadata, Metrics,
    NamedAgent, NamedGap, NetReachTask, Phases, ReportSpec, ReportStatus, Truncated,
};
pub use go_duration::go_duration;
pub use history::History;
pub use merge::{Merging, Refused, merge};
pub use pieces::{around, around_contents};
pub use reason::Reason;
pub use round_head::{AgentLine, RoundHead};
pub use round_report::{AgentReport, Figures, MissingAgent, NotBegun, RoundReport, TargetReport, VERSION};
pub use round_summary::RoundSummary;
pub use selection::{Filter, Selection};
pub use status::{Next, OpenFacts, Readiness, StatusFacts, status};
pub use units::Number;
pub use verdict::{Verdict, errors, faults, is_starved, judge, successes};
