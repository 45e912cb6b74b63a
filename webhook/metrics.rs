//! What has been answered, as counts.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::decide::Phase;

/// Counts of reviews. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Counts(Family<Labels, Counter>);

/// How a review ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Verdict {
    Allowed,
    Refused,
    Unreadable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    phase: PhaseLabel,
    verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
enum PhaseLabel {
    Mutate,
    Validate,
}

impl Counts {
    /// Shows them on the page of this registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("netreach_webhook_reviews", "Admission reviews by how they ended", self.0.clone());
    }

    pub(crate) fn reviewed(&self, phase: Phase, verdict: Verdict) {
        let phase = match phase {
            Phase::Mutate => PhaseLabel::Mutate,
            Phase::Validate => PhaseLabel::Validate,
        };
        self.0.get_or_create(&Labels { phase, verdict }).inc();
    }
}
