//! Every bound of the manager, checked against each other.

/// How long a leaf certificate is valid, days.
pub const LEAF_VALID_DAYS: i64 = 90;
/// Left of it when the next one is signed, days.
pub const LEAF_RENEW_DAYS: i64 = 30;
/// How long a CA certificate is valid, days.
pub const CA_VALID_DAYS: i64 = 730;
/// Left of it when the next one is made, days.
pub const CA_RENEW_DAYS: i64 = 120;
/// How far the clock of whoever verifies may be behind ours, minutes.
pub const CLOCK_BEHIND_MINUTES: i64 = 60;
/// How long a CA certificate is published before the first leaf is signed by it, seconds: nothing tells when each of those
/// who have to believe it has learned of it. API servers do from a watch, at once; agents from a mounted ConfigMap, which a
/// kubelet brings up to date within 60 to 90 seconds, and later on a busy node.
pub const PUBLISH_AHEAD_S: u64 = 180;
/// How long a CA certificate is believed after the last leaf by it was replaced, seconds.
pub const KEEP_OLD_S: u64 = 3_600;
/// Longest of both that may be asked for, seconds.
pub const OVERLAP_S_MAX: u64 = 7 * 86_400;
/// How long a replica may take to show its certificate, seconds.
pub const SHOWN_WITHIN_S: u64 = 5;
/// From a failure to the next try, seconds: the first, and the longest.
pub const RETRY_S: (u64, u64) = (1, 60);
/// Replicas that are asked for their certificate at the same time.
pub const REPLICAS_ASKED_MAX: usize = 16;

// A leaf by a CA that is about to be replaced ends before the CA does.
const _: () = assert!(CA_RENEW_DAYS >= LEAF_VALID_DAYS);
const _: () = assert!(LEAF_RENEW_DAYS < LEAF_VALID_DAYS);
const _: () = assert!(2 * OVERLAP_S_MAX as i64 <= LEAF_RENEW_DAYS * 86_400);
