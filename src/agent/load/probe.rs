//! One HTTP request → one sample.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_types::{Method, Request, Url};
use netreach_measure::{Failure, Outcome, Sample};
use netreach_wire::{Connection, Load, ProbeTag, Signer, Target};

use crate::micros;

use super::LoadError;
use super::client::{Flight, Prepared, Shot};
use super::pace::Slot;

/// A target with its request ready.
#[derive(Debug)]
pub(super) struct Aim {
    url: Url,
    prepared: Arc<Prepared>,
    /// The pod that must answer.
    backend: Option<String>,
    timeout_us: u64,
}

/// A probe that is over, and what is needed to make a sample of it.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) slot: Slot,
    tag: ProbeTag,
    flight: Result<Flight, surf::Error>,
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
        Ok(Self {
            url,
            prepared,
            backend: target.backend.clone(),
            timeout_us: u64::from(load.timeout_ms) * 1000,
        })
    }

    /// Sends the slot's probe through surf.
    pub(super) fn fire(
        &self,
        client: &surf::Client,
        slot: Slot,
        tag: ProbeTag,
    ) -> impl Future<Output = Landed> + use<> {
        let mut request = Request::new(Method::Get, self.url.clone());
        request.ext_mut().insert(Shot { prepared: Arc::clone(&self.prepared), tag });
        let client = client.clone();
        async move {
            let response = client.send(surf::Request::from(request)).await;
            let flight = response.map(|mut response| {
                let response: &mut http_types::Response = response.as_mut();
                response.ext_mut().remove::<Flight>().expect("a shot always comes back as a flight")
            });
            Landed { slot, tag, flight }
        }
    }

    /// Tells what a probe says about this target; `due` is its slot's instant.
    pub(super) fn sample<'a>(&self, landed: &'a Landed, signer: &Signer, due: Instant) -> Sample<'a> {
        let flight = match &landed.flight {
            Ok(flight) => flight,
            // surf itself refused: nothing reached the network.
            Err(_) => return unanswered(Failure::LocalResource, micros(due.elapsed())),
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
