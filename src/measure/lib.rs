//! Takes the samples of one target, makes a tally: counts and histograms whose size does not depend on
//! how many probes were sent.
//!
//! Does not know HTTP, the wire, Kubernetes, or what time it is.

mod counts;
mod outcome;
mod sample;
mod spread;
mod tally;

pub use outcome::{Failure, Outcome};
pub use sample::{Phases, Sample};
pub use spread::{Digits, LATENCY_US_MAX, Spread};
pub use tally::{BACKENDS_MAX, Tally, TallyError, TallyParts};
