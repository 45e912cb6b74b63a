//! What has been asked for and told, in counts, and as a page for Prometheus.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::State;
use crate::tell::event::Kind;

/// Counts of one API.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By verb and status code.
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// Of all answers, as they went out.
    pub(crate) bytes: Count,
    /// Answers that were given up after they had begun.
    pub(crate) cut: Count,
    /// Now.
    pub(crate) watchers: Count,
    events: [Count; Kind::ALL.len()],
}

/// A number that many count at.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Tally {
    pub(crate) fn answered(&self, verb: &'static str, code: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((verb, code)).or_default() += 1;
    }

    pub(crate) fn told(&self, event: Kind) {
        self.events[event as usize].add(1);
    }

    fn requests(&self) -> Vec<((&'static str, u16), u64)> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|(key, count)| (*key, *count)).collect()
    }
}

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Adds one unless there would be more than this.
    pub(crate) fn add_below(&self, most: u64) -> bool {
        let more = |count: u64| (count < most).then_some(count + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    pub(crate) fn subtract_one(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Registers what has been asked of this API and what it has told: `netreach_api_requests_total` by verb and code,
/// `netreach_api_answer_bytes_total`, `netreach_api_answers_cut_total`, `netreach_api_watchers`,
/// `netreach_api_watch_events_total` by type. Nothing is shown before there is a state.
pub fn register(registry: &mut Registry, state: &Arc<OnceLock<State>>) {
    registry.register_collector(Box::new(Page(Arc::clone(state))));
}

#[derive(Debug)]
struct Page(Arc<OnceLock<State>>);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(tally) = self.0.get().map(State::tally) else { return Ok(()) };
        let help = "Requests by verb and status code";
        let mut family =
            encoder.encode_descriptor("netreach_api_requests", help, None, MetricType::Counter)?;
        for ((verb, code), count) in tally.requests() {
            let labels = [("verb", verb.to_owned()), ("code", code.to_string())];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        let help = "Events told to watchers by type";
        let mut family =
            encoder.encode_descriptor("netreach_api_watch_events", help, None, MetricType::Counter)?;
        for (kind, count) in Kind::ALL.into_iter().zip(&tally.events) {
            let labels = [("type", kind.to_string())];
            ConstCounter::new(count.get()).encode(family.encode_family(&labels)?)?;
        }
        for (name, help, count) in [
            ("netreach_api_answer_bytes", "Bytes of all answers, as they went out", &tally.bytes),
            ("netreach_api_answers_cut", "Answers given up after they had begun", &tally.cut),
        ] {
            let encoder = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count.get()).encode(encoder)?;
        }
        let encoder =
            encoder.encode_descriptor("netreach_api_watchers", "Watchers", None, MetricType::Gauge)?;
        ConstGauge::new(tally.watchers.get()).encode(encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_stays_below_its_bound() {
        let count = Count::default();
        assert!(count.add_below(2) && count.add_below(2) && !count.add_below(2));
        count.subtract_one();
        assert!(count.add_below(2));
        assert_eq!(count.get(), 2);
    }
}
