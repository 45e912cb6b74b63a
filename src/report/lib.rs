//! Takes what a closed round left behind, makes the round's report, the verdict on it and the document users read.
//!
//! Does not know Kubernetes, the store, the agents' connections, or what time it is.

mod api_object;
mod closed_round;
mod document;
mod go_duration;
pub mod limits;
mod merge;
mod reason;
mod round_report;
mod units;
mod verdict;

pub use api_object::{Standing, api_object};
pub use closed_round::{ClosedRound, Submitted};
pub use document::{
    AgentRound, Detail, DetectionPower, FailureReason, KdoctorReport, Latencies, Metadata, Metrics,
    NamedAgent, NamedGap, NetReachTask, Phases, ReportSpec,
};
pub use go_duration::go_duration;
pub use merge::{Refused, merge};
pub use reason::Reason;
pub use round_report::{AgentReport, Figures, MissingAgent, RoundReport, TargetReport, VERSION};
pub use units::Number;
pub use verdict::{Verdict, errors, faults, is_starved, judge, successes};
