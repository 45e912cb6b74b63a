//! A term of office.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

use async_channel::{Receiver, bounded};
use async_std::task::block_on;
use netreach_serve::Stop;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{LeadError, Leader};

/// A Lease that is renewed on a thread of its own, so that nothing a leader is busy with keeps it from that, until it is given up or
/// lost.
pub struct Term {
    lease: String,
    number: u32,
    give_up: Stop,
    ended: Receiver<Result<(), LeadError>>,
}

/// What health endpoints and metrics tell of one who stands for a Lease, and leads by it. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    is_known: Arc<AtomicBool>,
    leads: Gauge<i64, AtomicI64>,
}

impl Term {
    /// Begins.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn begin(leader: Leader) -> std::io::Result<Self> {
        let (lease, number) = (leader.lease().to_owned(), leader.number());
        let (tell, ended) = bounded(1);
        let give_up = Stop::new();
        let until = give_up.clone();
        thread::Builder::new().name("lease".to_owned()).spawn(move || {
            let outcome = block_on(leader.keep(&until));
            // Told once: there is room for it. Nobody listens any more only when everything ends.
            let _ = tell.try_send(outcome);
        })?;
        Ok(Self { lease, number, give_up, ended })
    }

    /// Which one it is: see [`Leader::number`].
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Ends when the Lease is lost. Then nothing that only a leader may do is to be done any more.
    pub async fn lost(&self) -> LeadError {
        match self.ended.recv().await {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => LeadError::Unkept(self.lease.clone()),
        }
    }

    /// Gives the Lease up, so that the next one need not wait. What only a leader may do has ended.
    pub async fn give_up(self) {
        self.give_up.stop();
        // Lost in the meantime is as good.
        let _ = self.ended.recv().await;
    }
}

// === impl Standing ===

impl Standing {
    /// Whether the Lease could be read: then it is known whose turn it is. Says nothing about who leads.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }

    /// Shows it on the page of this registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Whether this manager leads: 1 where it does";
        registry.register("netreach_manager_leading", help, self.leads.clone());
    }

    pub(super) fn set_known(&self) {
        self.is_known.store(true, Ordering::Relaxed);
    }

    pub(super) fn set_leads(&self, leads: bool) {
        self.leads.set(leads.into());
    }
}
