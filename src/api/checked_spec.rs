//! A spec that has been proven to make sense: the only one the rest of the house works on.

use jiff::tz::TimeZone;

use crate::{AgentSpec, NetReachSpec, RequestConnection, Schedule};

/// A spec without a fault, every default filled in. Made by [`crate::check`] alone.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedSpec {
    pub(crate) schedule: Schedule,
    pub(crate) time_zone: TimeZone,
    pub(crate) rounds: Rounds,
    pub(crate) round_timeout_ms: u64,
    pub(crate) load: Load,
    pub(crate) peers_per_round: u32,
    pub(crate) expect: Expect,
    pub(crate) target: TargetChoice,
    pub(crate) spec: NetReachSpec,
}

/// How many rounds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// No end.
    Forever,
    /// So many, at least 1.
    Count(u64),
}

/// How hard each target is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Requests per second, 1 to [`crate::limits::QPS_MAX`].
    pub qps: u32,
    /// How long, seconds, 1 to [`crate::limits::DURATION_S_MAX`].
    pub duration_s: u32,
    /// How long one request may take, milliseconds; never longer than the round.
    pub timeout_ms: u32,
    /// Whether a request opens its own connection.
    pub connection: RequestConnection,
}

/// What counts as success at each target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expect {
    /// Smallest share of probes that must succeed, 0 to 1.
    pub success_rate: f64,
    /// Largest mean delay, milliseconds.
    pub mean_access_delay_ms: u64,
    /// The status code of a good answer; any 2xx when none.
    pub status_code: Option<u16>,
}

/// Which addresses are probed: at least one family, over at least one IP version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetChoice {
    /// The pods' own addresses.
    pub endpoint: bool,
    /// The addresses of the pods' further NICs.
    pub multus_interface: bool,
    /// The Service's cluster addresses.
    pub cluster_ip: bool,
    /// The node port on every node.
    pub node_port: bool,
    /// The load balancer's addresses.
    pub load_balancer: bool,
    /// The Ingress controller's addresses.
    pub ingress: bool,
    /// Over IPv4.
    pub ipv4: bool,
    /// Over IPv6.
    pub ipv6: bool,
}

impl CheckedSpec {
    /// When rounds are due.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The time zone a crontab is read in.
    #[must_use]
    pub fn time_zone(&self) -> &TimeZone {
        &self.time_zone
    }

    /// Its name in the time zone database, in that database's spelling.
    #[must_use]
    pub fn time_zone_name(&self) -> &str {
        self.time_zone.iana_name().unwrap_or(crate::defaults::TIME_ZONE)
    }

    /// How many rounds there are.
    #[must_use]
    pub fn rounds(&self) -> Rounds {
        self.rounds
    }

    /// From a round's start to its deadline, milliseconds.
    #[must_use]
    pub fn round_timeout_ms(&self) -> u64 {
        self.round_timeout_ms
    }

    /// How hard each target is probed.
    #[must_use]
    pub fn load(&self) -> Load {
        self.load
    }

    /// How many peers each agent probes in a round; 0 means all.
    #[must_use]
    pub fn peers_per_round(&self) -> u32 {
        self.peers_per_round
    }

    /// What counts as success.
    #[must_use]
    pub fn expect(&self) -> Expect {
        self.expect
    }

    /// Which addresses are probed.
    #[must_use]
    pub fn target(&self) -> TargetChoice {
        self.target
    }

    /// Whether no new round starts.
    #[must_use]
    pub fn suspend(&self) -> bool {
        self.spec.suspend.unwrap_or(crate::defaults::SUSPEND)
    }

    /// The spec with its defaults, as reports show it.
    #[must_use]
    pub fn spec(&self) -> &NetReachSpec {
        &self.spec
    }

    /// How agents of its own are run, if it asks for some.
    #[must_use]
    pub fn agent_spec(&self) -> Option<&AgentSpec> {
        self.spec.agent_spec.as_ref()
    }
}
