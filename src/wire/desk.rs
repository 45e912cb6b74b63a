//! The long poll between an agent and the desk, and the receipt for a result.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Assignment, EchoKey, KeyId, RoundId};

/// Where an agent posts its [`Poll`].
pub const POLL_PATH: &str = "/v1/poll";
/// Where an agent posts its [`crate::AgentResult`].
pub const RESULTS_PATH: &str = "/v1/results";

/// An agent asks for work. Who it is comes from its token, never from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    /// See [`crate::VERSION`].
    pub version: u16,
    /// The agent's wall clock when it asked, microseconds since 1970: for the desk's offset estimate.
    pub clock_us: i64,
    /// How long it will wait for news, milliseconds.
    pub wait_ms: u64,
    /// Where it answers probes.
    pub listening: Vec<SocketAddr>,
    /// Rounds it is probing now, of as many NetReaches.
    #[serde(default)]
    pub probing: Vec<RoundId>,
    /// Rounds whose results it keeps until it hears that they are closed.
    #[serde(default)]
    pub held: Vec<RoundId>,
    /// The keys by which it answers probes, newest first.
    #[serde(default)]
    pub keys: Vec<KeyId>,
}

/// The desk's news: at least one part is set, unless the wait ran out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PollReply {
    /// See [`crate::VERSION`].
    pub version: u16,
    /// A new round to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Assignment>,
    /// Rounds being probed that must end now and be submitted as far as they got.
    #[serde(default)]
    pub cancel: Vec<RoundId>,
    /// Held rounds whose results may be forgotten.
    #[serde(default)]
    pub closed: Vec<RoundId>,
    /// Rounds whose probes it is to answer: those it will have a part in, and those that others had begun before it came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer: Vec<RoundKey>,
}

/// What it takes to answer a round's probes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundKey {
    /// Which round.
    pub round: RoundId,
    /// Its key.
    pub key: EchoKey,
}

impl PollReply {
    /// Whether there is no news in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.assignment.is_none()
            && self.cancel.is_empty()
            && self.closed.is_empty()
            && self.answer.is_empty()
    }
}

/// What became of a submitted result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Receipt {
    /// Taken into the open round.
    OnTime,
    /// Kept beside the round: it came after the deadline.
    Late,
    /// Was there already; results are idempotent by (round, agent).
    Duplicate,
}

/// Why the desk refused, in words for the agent's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// One sentence.
    pub error: String,
}
