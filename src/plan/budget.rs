//! How much one round may send: how many peers fit, or what does not fit at all.
//!
//! The rate at each target is the user's and is never lowered. Pods are probed by as many agents as they probe
//! themselves, so the bound on an agent also bounds what arrives at a pod.

use netreach_wire::limits::TARGETS_PER_AGENT_MAX;
use netreach_wire::{Connection, Load};

use crate::limits::{
    AGENT_QPS_MAX, AGENTS_MAX, CELLS_PER_ROUND_MAX, CONNTRACK_ENTRIES_MAX, CONNTRACK_HELD_S,
    DESTINATION_QPS_MAX,
};

/// A load that no choice of peers makes fit. Each message holds the numbers and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverBudget {
    /// More agents than a round can have.
    #[error(
        "cannot plan a round of {agents} agents (at most {AGENTS_MAX}); restrict them by the affinity of spec.agentSpec"
    )]
    Agents {
        /// How many there are.
        agents: usize,
    },
    /// One agent would have to send too fast.
    #[error(
        "cannot let an agent probe {targets} targets at {rate_qps} qps each ({asked_qps} probes/s, at most {max_qps}); \
         lower spec.request.qps or choose fewer target families"
    )]
    AgentRate {
        /// The fewest targets it must probe.
        targets: u64,
        /// Asked at each.
        rate_qps: u64,
        /// Probes per second of the agent.
        asked_qps: u64,
        /// The ceiling.
        max_qps: u64,
    },
    /// All agents together would hit one address too hard.
    #[error(
        "cannot let {agents} agents probe {address} at {rate_qps} qps each ({asked_qps} probes/s at one destination, at \
         most {max_qps}); lower spec.request.qps or run fewer agents"
    )]
    DestinationRate {
        /// How many agents send there.
        agents: u64,
        /// Where to.
        address: std::net::IpAddr,
        /// Asked at each target.
        rate_qps: u64,
        /// Probes per second of all agents.
        asked_qps: u64,
        /// The ceiling.
        max_qps: u64,
    },
    /// Fresh connections would fill the nodes' connection tracking.
    #[error(
        "cannot open {rate_qps} connections/s to each of {targets} targets for {duration_s} s ({asked} connection-tracking \
         entries on a node, at most {CONNTRACK_ENTRIES_MAX}); set spec.request.connection to reuse, or lower \
         spec.request.qps or spec.request.durationInSecond"
    )]
    Conntrack {
        /// The fewest targets an agent must probe.
        targets: u64,
        /// Asked at each.
        rate_qps: u64,
        /// For so long.
        duration_s: u32,
        /// Entries it takes.
        asked: u64,
    },
    /// One assignment would be too long.
    #[error(
        "cannot give an agent {targets} targets (at most {TARGETS_PER_AGENT_MAX}); choose fewer target families"
    )]
    TargetsPerAgent {
        /// The fewest targets it must probe.
        targets: u64,
    },
    /// The round as a whole would be too large to hold.
    #[error(
        "cannot give {agents} agents {targets} targets each (at most {CELLS_PER_ROUND_MAX} pairs of agent and target in a \
         round); choose fewer target families or run fewer agents"
    )]
    Cells {
        /// How many agents.
        agents: u64,
        /// The fewest targets each must probe.
        targets: u64,
    },
}

/// What a round would have to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    pub(crate) load: Load,
    pub(crate) agents: u64,
    /// Peers of an agent, and how many of them the user wants probed in a round (0: all).
    pub(crate) peers: u64,
    pub(crate) peers_wanted: u64,
    /// Targets of one pod, and targets that every agent probes.
    pub(crate) targets_per_pod: u64,
    pub(crate) shared: u64,
}

// === impl Demand ===

impl Demand {
    /// How many peers each agent can probe in one round: what the user wants, or fewer where more do not fit.
    ///
    /// # Errors
    /// When not even one of them fits beside the agent's own pod and the shared targets.
    pub(crate) fn peers_that_fit(&self) -> Result<u64, OverBudget> {
        let has_peers = self.peers > 0 && self.targets_per_pod > 0;
        let own = self.shared + self.targets_per_pod;
        let least = own + if has_peers { self.targets_per_pod } else { 0 };
        let most = self.targets_that_fit(least)?;
        let wanted = if self.peers_wanted == 0 { self.peers } else { self.peers.min(self.peers_wanted) };
        if has_peers { Ok(wanted.min((most - own) / self.targets_per_pod)) } else { Ok(self.peers) }
    }

    /// Most targets one agent may have, if that is at least `least`.
    fn targets_that_fit(&self, least: u64) -> Result<u64, OverBudget> {
        let Self { load, agents, .. } = *self;
        let rate_qps = u64::from(load.rate_qps).max(1);
        let max_qps = AGENT_QPS_MAX.max(rate_qps);
        let entries = self.entries_per_target();
        let bounds = [
            (
                max_qps / rate_qps,
                OverBudget::AgentRate { targets: least, rate_qps, asked_qps: least * rate_qps, max_qps },
            ),
            (
                CONNTRACK_ENTRIES_MAX.checked_div(entries).unwrap_or(u64::MAX),
                OverBudget::Conntrack {
                    targets: least,
                    rate_qps,
                    duration_s: load.duration_s,
                    asked: least * entries,
                },
            ),
            (TARGETS_PER_AGENT_MAX as u64, OverBudget::TargetsPerAgent { targets: least }),
            (CELLS_PER_ROUND_MAX as u64 / agents.max(1), OverBudget::Cells { agents, targets: least }),
        ];
        let mut most = u64::MAX;
        for (bound, over) in bounds {
            if least > bound {
                return Err(over);
            }
            most = most.min(bound);
        }
        Ok(most)
    }

    /// Entries that fresh connections to one target fill on a node, which is the source of some and, on the
    /// average over a mesh, the destination of as many.
    fn entries_per_target(&self) -> u64 {
        let Load { rate_qps, duration_s, connection, .. } = self.load;
        match connection {
            Connection::New => 2 * u64::from(rate_qps) * u64::from(duration_s).min(CONNTRACK_HELD_S),
            Connection::Reuse => 0,
        }
    }
}

/// Checks what `agents` send together to an address at which `targets` of them lie.
pub(crate) fn check_destination(
    load: &Load,
    agents: u64,
    address: std::net::IpAddr,
    targets: u64,
) -> Result<(), OverBudget> {
    let rate_qps = u64::from(load.rate_qps);
    let max_qps = DESTINATION_QPS_MAX.max(rate_qps);
    let asked_qps = agents * targets * rate_qps;
    if asked_qps <= max_qps {
        return Ok(());
    }
    Err(OverBudget::DestinationRate { agents, address, rate_qps, asked_qps, max_qps })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Agents of a mesh with one target per pod, at that rate for 10 s: how many peers, or the error.
    fn check(agents: u64, rate_qps: u32, change: impl FnOnce(&mut Demand), expected: &str) {
        let load = Load { rate_qps, duration_s: 10, timeout_ms: 500, connection: Connection::New };
        let peers = agents - 1;
        let mut demand = Demand { load, agents, peers, peers_wanted: 0, targets_per_pod: 1, shared: 0 };
        change(&mut demand);
        let seen = demand.peers_that_fit().map_or_else(|over| over.to_string(), |peers| peers.to_string());
        assert_eq!(seen, expected);
    }

    #[test]
    fn all_peers_are_probed_while_they_fit() {
        check(3, 10, |_| (), "2");
        check(200, 10, |_| (), "199");
        check(201, 10, |_| (), "199");
        check(100, 10, |demand| demand.targets_per_pod = 2, "99");
        check(101, 10, |demand| demand.targets_per_pod = 2, "99");
        check(200, 10, |demand| demand.shared = 50, "149");
        check(1, 2_000, |_| (), "0");
    }

    #[test]
    fn the_users_number_of_peers_is_kept_unless_it_does_not_fit() {
        check(500, 1, |demand| demand.peers_wanted = 64, "64");
        check(500, 10, |demand| demand.peers_wanted = 300, "199");
        check(3, 10, |demand| demand.peers_wanted = 300, "2");
    }

    #[test]
    fn a_single_target_may_have_any_rate() {
        check(1, 5_000, |_| (), "0");
        check(
            2,
            5_000,
            |_| (),
            "cannot let an agent probe 2 targets at 5000 qps each (10000 probes/s, at most 5000); lower spec.request.qps or \
             choose fewer target families",
        );
    }

    #[test]
    fn fresh_connections_must_fit_the_nodes_tables() {
        check(100, 10, |demand| demand.load.duration_s = 3_600, "53");
        let kept = |demand: &mut Demand| {
            demand.load.duration_s = 3_600;
            demand.load.connection = Connection::Reuse;
        };
        check(100, 10, kept, "99");
        check(
            1,
            10_000,
            |_| (),
            "cannot open 10000 connections/s to each of 1 targets for 10 s (200000 connection-tracking entries on a node, at \
             most 131072); set spec.request.connection to reuse, or lower spec.request.qps or spec.request.durationInSecond",
        );
    }

    #[test]
    fn large_rounds_stay_within_what_can_be_held() {
        check(5_000, 1, |_| (), "208");
        check(
            5_000,
            1,
            |demand| demand.shared = 208,
            "cannot give 5000 agents 210 targets each (at most 1048576 pairs of \
            agent and target in a round); choose fewer target families or run fewer agents",
        );
        check(
            1,
            1,
            |demand| demand.shared = 2_000,
            "cannot let an agent probe 2001 targets at 1 qps each (2001 probes/s, at \
            most 2000); lower spec.request.qps or choose fewer target families",
        );
    }

    #[test]
    fn one_destination_is_not_flooded_by_many_agents() {
        let load = Load { rate_qps: 10, duration_s: 10, timeout_ms: 500, connection: Connection::New };
        let address = std::net::IpAddr::from([10, 96, 0, 7]);
        assert_eq!(check_destination(&load, 500, address, 1), Ok(()));
        assert_eq!(
            check_destination(&load, 500, address, 2).map_err(|over| over.to_string()),
            Err("cannot let 500 agents probe 10.96.0.7 at 10 qps each (10000 probes/s at one destination, at most 5000); \
                 lower spec.request.qps or run fewer agents"
                .to_owned())
        );
    }
}
