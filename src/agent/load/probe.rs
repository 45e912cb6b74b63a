//! One HTTP request → one sample.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_types::{Method, Request, Url};
use netreach_measure::{Failure, Outcome, Sample};
use netreach_wire::{Connection, Load, ProbeTag, Signer, Target};

use crate::micros;

use super::LoadError;
use super::client::{Backend, Flight, Prepared};
use super::pace::Slot;

/// A target with its request ready.
#[derive(Debug)]
pub(super) struct Aim {
    url: Url,
    prepared: Arc<Prepared>,
    /// Of probes that are over, to be used again.
    requests: RefCell<Vec<Request>>,
    /// The pod that must answer.
    backend: Option<String>,
    timeout_us: u64,
}

/// A probe that is over, and what is needed to make a sample of it.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) slot: Slot,
    tag: ProbeTag,
    response: Result<surf::Response, surf::Error>,
}

impl Aim {
    pub(super) fn new(target: &Target, load: &Load) -> Result<Self, LoadError> {
        let bad_url =
            |why: String| LoadError::Target { name: target.name.clone(), url: target.url.clone(), why };
        let url = Url::parse(&target.url).map_err(|error| bad_url(error.to_string()))?;
        if url.scheme() != "http" {
            return Err(bad_url("only http can be probed".to_owned()));
        }
        let timeout = Duration::from_millis(load.timeout_ms.into());
        let keep = load.connection == Connection::Reuse;
        let prepared = Arc::new(Prepared::new(&url, target.address, timeout, keep));
        let requests = RefCell::default();
        Ok(Self {
            url,
            prepared,
            requests,
            backend: target.backend.clone(),
            timeout_us: u64::from(load.timeout_ms) * 1000,
        })
    }

    /// Sends the slot's probe through surf.
    pub(super) fn fire(
        &self,
        client: &Arc<surf::Client>,
        slot: Slot,
        tag: ProbeTag,
    ) -> impl Future<Output = Landed> + use<> {
        let kept = self.requests.borrow_mut().pop();
        let mut request = kept.unwrap_or_else(|| Request::new(Method::Get, self.url.clone()));
        self.prepared.load(&mut request, tag);
        let client = Arc::clone(client);
        async move { Landed { slot, tag, response: client.send(request).await } }
    }

    /// Takes back what a probe was sent with, when all has been told of it.
    pub(super) fn clear_away(&self, landed: Landed, backend: &Backend) {
        let response = landed.response.ok().map(Into::into);
        self.requests.borrow_mut().extend(response.and_then(|response| backend.reuse(response)));
    }

    /// Tells what a probe says about this target; `due` is its slot's instant.
    pub(super) fn sample<'a>(&self, landed: &'a Landed, signer: &Signer, due: Instant) -> Sample<'a> {
        let Some(flight) = landed.flight() else {
            // surf itself refused: nothing reached the network.
            return unanswered(Failure::LocalResource, micros(due.elapsed()));
        };
        let between = |from: Instant, to: Instant| micros(to.saturating_duration_since(from));
        let latency_us = between(flight.began, flight.ended);
        let pod = flight
            .echo()
            .and_then(|(mac, body)| signer.verify_echo(&landed.tag, mac, body).ok())
            .map(|echo| echo.pod);
        let right = match &self.backend {
            Some(backend) => pod == Some(backend.as_str()),
            None => pod.is_some(),
        };
        let outcome = match flight.outcome {
            // The answer may have lain in the kernel while this process was stopped; late is late all the same.
            Outcome::Answered(_) if latency_us > self.timeout_us => Outcome::Failed(Failure::TimeoutResponse),
            // A proxy's own error page is nobody's echo, but its status is the finding.
            Outcome::Answered(status) if !right && (200..300).contains(&status) => {
                Outcome::Failed(Failure::WrongBackend)
            }
            outcome => outcome,
        };
        Sample {
            outcome,
            latency_us,
            lateness_us: between(due, flight.began),
            phases: flight.phases,
            body_bytes: flight.body_bytes(),
            backend: pod,
        }
    }
}

impl Landed {
    fn flight(&self) -> Option<&Flight> {
        Flight::of(self.response.as_ref().ok()?.as_ref())
    }
}

/// A probe without an answer, of whose way nothing is known.
pub(super) fn unanswered(failure: Failure, lateness_us: u64) -> Sample<'static> {
    Sample {
        outcome: Outcome::Failed(failure),
        latency_us: 0,
        lateness_us,
        phases: Default::default(),
        body_bytes: 0,
        backend: None,
    }
}
