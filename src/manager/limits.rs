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

/// How long a Lease is its holder's after it was renewed, seconds: for so long the others leave it alone.
pub const LEASE_S: u64 = 10;
/// How long a leader leads after it began the last renewal that it knows to have succeeded, seconds.
pub const LEASE_RENEW_WITHIN_S: u64 = 7;
/// From one renewal to the next, and from a failure to the next try, seconds.
pub const LEASE_RETRY_S: u64 = 2;
/// From losing to somebody quicker to the next try, milliseconds.
pub const LEASE_AGAIN_MS: u64 = 100;
/// How long an API server may take to answer about a Lease, milliseconds.
pub const LEASE_ANSWER_MS: u64 = 2_500;
/// How many times as fast as a leader's clock another's may run at most, in percent. What a Lease has left when its leader ends is
/// for that alone: no two clocks are compared anywhere.
pub const CLOCK_RATES_PERCENT_MAX: u64 = 140;
/// How long an API server may take to answer about pods of managers, milliseconds.
pub const LABEL_ANSWER_MS: u64 = 2_500;
/// From a failure to label a pod to the next try, milliseconds.
pub const LABEL_RETRY_MS: u64 = 500;
/// How long a leader that ends waits at most until its pod is not called the leader's any more, milliseconds.
pub const LABEL_OFF_MS: u64 = 500;
/// How long answers of the desk may take that are in progress when a leader ends, milliseconds: agents hand in again to the next.
pub const DESK_DRAIN_MS: u64 = 800;
/// How long a leader that ends tries to give up its Lease, milliseconds: after that the others wait until it has run out.
pub const GIVE_UP_MS: u64 = 3_000;
/// How long a leader waits for the reports' API to know whom to believe before agents may come, milliseconds.
pub const API_READY_MS: u64 = 5_000;

// A leaf by a CA that is about to be replaced ends before the CA does.
const _: () = assert!(CA_RENEW_DAYS >= LEAF_VALID_DAYS);
const _: () = assert!(LEAF_RENEW_DAYS < LEAF_VALID_DAYS);
const _: () = assert!(2 * OVERLAP_S_MAX as i64 <= LEAF_RENEW_DAYS * 86_400);
const _: () = assert!(LEASE_RENEW_WITHIN_S * CLOCK_RATES_PERCENT_MAX <= LEASE_S * 100);
// An answer that does not come leaves time for another try.
const _: () =
    assert!(LEASE_RETRY_S * 1_000 + LEASE_ANSWER_MS + LEASE_AGAIN_MS < LEASE_RENEW_WITHIN_S * 1_000);
// Hand-over at a clean stop takes two seconds at most, of which the next leader has the rest.
const _: () = assert!(LABEL_OFF_MS + DESK_DRAIN_MS < 1_500);
