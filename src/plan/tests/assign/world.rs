//! A cluster to plan rounds for.

use netreach_plan::{Assigned, Terms, assign};
use netreach_wire::{AgentId, Connection, EchoKey, Load, RoundId, Target, TargetFamily};

/// A cluster: how many agents, targets per pod, targets in front of all, and what is asked of them.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) agents: usize,
    pub(crate) per_pod: usize,
    pub(crate) shared: usize,
    pub(crate) rate_qps: u32,
    pub(crate) duration_s: u32,
    pub(crate) connection: Connection,
    pub(crate) peers_per_round: u32,
}

impl World {
    pub(crate) fn agents(&self) -> Vec<AgentId> {
        let agent = |n| AgentId { node: format!("node-{n:03}"), pod: format!("pod-{n:03}") };
        (0..self.agents).map(agent).collect()
    }

    pub(crate) fn targets(&self) -> Vec<Target> {
        let target = |name: String, address: [u8; 4], backend| Target {
            url: format!("http://{name}"),
            name,
            address: (address, 80).into(),
            family: if backend { TargetFamily::PodIp } else { TargetFamily::ClusterIp },
            backend: None,
            via: None,
            shift: 0,
        };
        let mut targets = Vec::new();
        for agent in 0..self.agents {
            for index in 0..self.per_pod {
                let bytes = u16::try_from(agent).expect("few agents").to_be_bytes();
                let name = format!("{agent}-{index}");
                let address = [10, u8::try_from(index).expect("few targets"), bytes[0], bytes[1]];
                targets
                    .push(Target { backend: Some(format!("pod-{agent:03}")), ..target(name, address, true) });
            }
        }
        // Two at each address.
        let shared = (0..self.shared).map(|n| target(format!("svc-{n}"), [11, 0, 0, n as u8 / 2], false));
        targets.extend(shared);
        targets
    }

    /// The round of that number, or none when it is over budget.
    pub(crate) fn round(&self, number: u64) -> Option<Assigned> {
        let Self { rate_qps, duration_s, connection, peers_per_round, .. } = *self;
        let load = Load { rate_qps, duration_s, timeout_ms: 500, connection };
        let key = EchoKey::new([7; 32]);
        let terms = Terms { load, peers_per_round, deadline_us: 60_000_000, key: &key };
        assign(&RoundId { uid: "u".to_owned(), number }, &terms, &self.targets(), &self.agents()).ok()
    }
}

/// Where a target's probes end: at the pod that must answer, or at an address in front of all.
pub(crate) fn destination(target: &Target) -> String {
    target.backend.clone().unwrap_or_else(|| target.address.ip().to_string())
}
