//! Every bound of the controller, checked against each other.

use std::time::Duration;

/// How long a round waits until all of its agents have shown that they answer its probes: one that had lost its desk asks for it again within
/// 5 s and has 5 s to reach it. Whoever shows it later is a wrong backend to the others until then.
pub(crate) const PREPARED_WITHIN: Duration = Duration::from_secs(10);
/// From laying down a round to its first slot: every agent has its part by then, also where it is given several at once and its node is busy.
/// Who has it later misses slots.
pub(crate) const LEAD: Duration = Duration::from_millis(800);
/// The same for each agent: assignments are written out one after another.
pub(crate) const LEAD_PER_AGENT: Duration = Duration::from_micros(500);
/// How long a round that is due is held back at most until agents and addresses are there.
pub(crate) const PREPARE_MAX: Duration = Duration::from_secs(60);
/// For how long they must have been there before a round relies on them: rules for a new Service reach every node, and a
/// load balancer's address every neighbour, a moment after the API server shows them.
pub(crate) const SETTLE: Duration = Duration::from_secs(3);
/// Longest time without a look at the wall clock: it may have been set.
pub(crate) const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(600);
/// For how long what a round waits for may change before users are told.
pub(crate) const TELL_AFTER: Duration = Duration::from_secs(10);
/// How long agents that waited for a manager may take to come to the next one, and rules and addresses to settle then.
pub(crate) const AGENTS_RETURN: Duration = Duration::from_secs(15);
/// How long a round that goes on after its manager was away is open at least: longer than the longest pause of an agent that waits for
/// its desk.
pub(crate) const RESUME_GRACE: Duration = Duration::from_secs(20);
/// How long what was refused stays as it is before it is tried again.
pub(crate) const REFUSED_FOR: Duration = Duration::from_secs(60);
/// How long addresses of a host's name are good.
pub(crate) const RESOLVED_FOR: Duration = Duration::from_secs(30);
/// From a failure to the next try.
pub(crate) const RETRY: Duration = Duration::from_secs(5);
/// How long a host's name may take to resolve.
pub(crate) const RESOLVE_WITHIN: Duration = Duration::from_secs(2);
/// Most addresses taken of one host.
pub(crate) const HOST_ADDRESSES_MAX: usize = 16;
/// How often it is tried to read what was before, until agents are told that nobody knows it.
pub(crate) const CATCH_UP_TRIES: usize = 12;
/// How long a round that ends waits for results that came in time and are still being written down.
pub(crate) const KEPT_WITHIN: Duration = Duration::from_secs(30);
/// How long a round that ends waits for a store that is away.
pub(crate) const STORE_AWAY_MAX: Duration = Duration::from_secs(600);
/// How often it is looked for what is too old to be kept.
pub(crate) const TIDY_EVERY: Duration = Duration::from_secs(3_600);
/// Results that are kept at the same time: each is synced to the disk.
pub(crate) const KEEPING_AT_ONCE_MAX: usize = 16;
/// How long a token is taken for its owner's without asking again.
pub(crate) const TOKEN_TRUSTED_FOR: Duration = Duration::from_secs(300);
/// How long a token that was refused stays refused without asking again.
pub(crate) const TOKEN_REFUSED_FOR: Duration = Duration::from_secs(5);
/// Tokens that are remembered.
pub(crate) const TOKENS_MAX: usize = 16_384;
/// Reviews of tokens under way at the same time.
pub(crate) const REVIEWS_AT_ONCE_MAX: usize = 16;
/// Ports of agents in their node's network: one for each NetReach.
pub(crate) const HOST_PORTS: std::ops::Range<u16> = 23_000..24_000;
/// How long agents made for one NetReach stay after its last round, minutes, where it does not say.
pub(crate) const GRACE_MIN: i64 = 60;
/// Most characters of the name of what we make, before the NetReach's own digits.
pub(crate) const SLUG_CHARS_MAX: usize = 40;
/// Most characters of what somebody else's words take in ours.
pub(crate) const QUOTE_CHARS_MAX: usize = 300;

const _: () =
    assert!(SLUG_CHARS_MAX + "nr-".len() + 1 + 8 + "-v4".len() <= 63, "names of Services have 63 characters");
