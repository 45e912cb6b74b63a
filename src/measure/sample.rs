//! What one probe has to say.

use crate::Outcome;

/// One probe, measured. Times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample<'a> {
    /// How it ended.
    pub outcome: Outcome,
    /// From the probe's first system call to the last byte of the answer (or to the failure).
    pub latency_us: u64,
    /// From the slot (the planned instant) to that first system call.
    pub lateness_us: u64,
    /// Parts of the latency, where they were passed.
    pub phases: Phases,
    /// Bytes of the answer's body.
    pub body_bytes: u64,
    /// The pod that signed the echo, when one did.
    pub backend: Option<&'a str>,
}

/// Parts of a probe's way and what the kernel knows of its connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// First system call to established connection; none on a reused connection.
    pub connect_us: Option<u64>,
    /// First system call to the first byte of the answer.
    pub first_byte_us: Option<u64>,
    /// The kernel's smoothed round-trip estimate (TCP_INFO) when the answer was whole, if it was asked for.
    pub rtt_us: Option<u64>,
    /// Segments the kernel sent again for this probe (TCP_INFO).
    pub retransmits: u64,
}
