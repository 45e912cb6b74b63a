//! A term of office.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

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
    standing: Standing,
    number: u32,
    give_up: Stop,
    ended: Receiver<Result<(), LeadError>>,
}

/// What health endpoints and metrics tell of one who stands for a Lease, and leads by it. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    is_known: Arc<AtomicBool>,
    /// Until when it leads, as far as it has renewed the Lease; none while it does not.
    until: Arc<Mutex<Option<Instant>>>,
    leads: Gauge<i64, AtomicI64>,
}

impl Term {
    /// Begins.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn begin(leader: Leader) -> std::io::Result<Self> {
        let (lease, number) = (leader.lease().to_owned(), leader.number());
        let standing = leader.standing().clone();
        let (tell, ended) = bounded(1);
        let give_up = Stop::new();
        let until = give_up.clone();
        thread::Builder::new().name("lease".to_owned()).spawn(move || {
            let outcome = block_on(leader.keep(&until));
            // Told once: there is room for it. Nobody listens any more only when everything ends.
            let _ = tell.try_send(outcome);
        })?;
        Ok(Self { lease, standing, number, give_up, ended })
    }

    /// Which one it is: see [`Leader::number`].
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Says, whenever it is asked, whether no other can have begun to lead yet.
    pub fn leads(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let standing = self.standing.clone();
        move || standing.leads(Instant::now())
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

    /// Whether it leads at that instant. It may have been asleep since it was last at work.
    #[must_use]
    pub(super) fn leads(&self, now: Instant) -> bool {
        self.until().is_some_and(|until| now < until)
    }

    pub(super) fn set_leads_until(&self, until: Option<Instant>) {
        self.leads.set(until.is_some().into());
        *self.until() = until;
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        // An instant is whole whatever has become of whoever wrote it.
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_that_was_asleep_does_not_lead_until_it_has_renewed() {
        let (standing, now) = (Standing::default(), Instant::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        assert!(!standing.leads(now));
        standing.set_leads_until(Some(after(7)));
        assert_eq!([0, 6, 7, 60].map(|at| standing.leads(after(at))), [true, true, false, false]);
        standing.set_leads_until(Some(after(67)));
        assert!(standing.leads(after(60)));
        standing.set_leads_until(None);
        assert!(!standing.leads(after(60)));
    }
}
