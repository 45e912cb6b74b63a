//! What the desk tells the composer.

use std::net::SocketAddr;

use async_channel::{Receiver, Sender, bounded};
use netreach_wire::{AgentId, AgentResult, Receipt};

/// Something an agent has said.
#[derive(Debug)]
pub enum DeskEvent {
    /// An agent has come, or answers probes elsewhere than before.
    Present {
        /// Who.
        agent: AgentId,
        /// Where it answers probes.
        listening: Vec<SocketAddr>,
        /// What is to be added to its clock to get ours, microseconds.
        clock_offset_us: i64,
    },
    /// An agent has submitted its result, and waits for the receipt until it has been kept.
    Submitted {
        /// Who.
        agent: AgentId,
        /// What the agent will be told: never a duplicate, those do not come here.
        receipt: Receipt,
        /// The result: checked in itself and against its assignment, its timestamps by the agent's clock.
        result: Box<AgentResult>,
        /// What is to be added to its clock to get ours, microseconds; none when it has not polled here yet.
        clock_offset_us: Option<i64>,
        /// To be confirmed once the result is safe.
        keeping: Keeping,
    },
}

/// The composer's word for a result. Dropped without it, the agent is told to submit again.
#[derive(Debug)]
#[must_use = "the agent gets its receipt only when this is confirmed"]
pub struct Keeping(Sender<()>);

impl Keeping {
    pub(crate) fn new() -> (Self, Receiver<()>) {
        let (sender, receiver) = bounded(1);
        (Self(sender), receiver)
    }

    /// The result is safe: its agent may get the receipt.
    pub fn confirm(self) {
        // An agent that no longer waits submits again and hears that it is a duplicate.
        let _ = self.0.try_send(());
    }
}
