//! The words manager and agents say to each other, as versioned JSON, and the echo by which agents prove to
//! each other who answered.
//!
//! Takes and makes plain values. Does not know sockets, Kubernetes, or what time it is.

mod assignment;
mod desk;
mod echo;
mod identity;
pub mod limits;
mod result;
mod spread;
mod steps;
mod target;
mod version;

pub use assignment::{Assignment, Connection, Load, Unsound};
pub use desk::{POLL_PATH, Poll, PollReply, RESULTS_PATH, Receipt, Refusal, RoundKey};
pub use echo::{Echo, EchoError, EchoKey, KeyId, ProbeTag, Signer};
pub use identity::{AgentId, RoundId};
pub use result::{AgentResult, TargetResult, Usage, WireTally};
pub use spread::{Malformed, WireSpread};
pub use target::{Gap, GapClass, IpFamily, Target, TargetFamily, Via};
pub use version::{VERSION, VersionError, understood};
