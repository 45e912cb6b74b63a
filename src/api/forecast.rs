//! How much a round will send, as far as it can be told from a spec and the number of nodes. Planning knows better, when
//! the addresses are there; this is to say beforehand what it will not like.

use crate::limits::AGENT_QPS_MAX;
use crate::{AgentKind, CheckedSpec, ClusterFacts, Rounds};

/// What an agent would have to probe.
struct Forecast {
    qps: u64,
    /// Other agents.
    peers: u64,
    /// How many of them the user wants probed in a round.
    peers_wanted: u64,
    /// Targets of each pod, and those that every agent probes.
    targets_per_pod: u64,
    shared: u64,
}

/// A round that will be refused, or that covers fewer pairs than one would think.
pub(crate) fn load(checked: &CheckedSpec, facts: &ClusterFacts) -> Option<String> {
    let forecast = Forecast::of(checked, u64::from(facts.nodes?));
    let Forecast { qps, peers, peers_wanted, .. } = forecast;
    let Some(peers_that_fit) = forecast.peers_that_fit() else {
        let (least, most) = (forecast.least(), AGENT_QPS_MAX.max(qps));
        return Some(format!(
            "spec.request.qps is too high for this cluster: {qps}/s at {least} targets or more are {} probes/s of each agent, \
             and {most} are allowed: its rounds will fail as OverBudget",
            least.saturating_mul(qps)
        ));
    };
    let covered = peers_that_fit.min(peers_wanted);
    if covered == 0 || covered >= peers {
        return None;
    }
    let rounds = peers.div_ceil(covered);
    let Rounds::Count(asked) = checked.rounds() else { return None };
    let because =
        if peers_wanted <= peers_that_fit { "spec.request.peersPerRound" } else { "spec.request.qps" };
    (asked < rounds).then(|| {
        format!(
            "{because} lets an agent probe {covered} of {peers} others in a round: all pairs are covered after {rounds} \
             rounds, and spec.schedule.roundNumber is {asked}"
        )
    })
}

// === impl Forecast ===

impl Forecast {
    fn of(checked: &CheckedSpec, nodes: u64) -> Self {
        let (load, target) = (checked.load(), checked.target());
        let versions = u64::from(target.ipv4) + u64::from(target.ipv6);
        let agents = match checked.agent_spec() {
            Some(agents) if agents.kind == Some(AgentKind::Deployment) => {
                u64::try_from(agents.deployment_replicas.unwrap_or_default()).unwrap_or_default()
            }
            _ => nodes,
        };
        let peers = agents.saturating_sub(1);
        let peers_wanted = match u64::from(checked.peers_per_round()) {
            0 => peers,
            some => some.min(peers),
        };
        let count = |chosen: &[bool]| chosen.iter().map(|chosen| u64::from(*chosen)).sum::<u64>() * versions;
        Self {
            qps: u64::from(load.qps),
            peers,
            peers_wanted,
            targets_per_pod: count(&[target.endpoint, target.multus_interface]),
            shared: count(&[target.cluster_ip, target.load_balancer, target.ingress])
                + count(&[target.node_port]) * nodes,
        }
    }

    /// The fewest targets an agent has: its own pod, what all share, and one peer.
    fn least(&self) -> u64 {
        self.shared + self.targets_per_pod * if self.peers > 0 { 2 } else { 1 }
    }

    /// None when not even the least fits.
    fn peers_that_fit(&self) -> Option<u64> {
        let most = AGENT_QPS_MAX.max(self.qps) / self.qps.max(1);
        let left = most.checked_sub(self.least())?;
        let extra = left.checked_div(self.targets_per_pod).map_or(self.peers, |extra| extra + 1);
        Some(extra.min(self.peers))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{ClusterFacts, admit};

    fn check(nodes: u32, spec: Value, expected: &str) {
        let metadata = json!({"name": "task"});
        let raw = json!({"apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach", "metadata": metadata, "spec": spec});
        let facts = ClusterFacts { nodes: Some(nodes), ..ClusterFacts::default() };
        let warnings = admit(raw, &facts).unwrap().warnings;
        assert_eq!(warnings.join("\n"), expected, "{nodes} nodes, {spec}");
    }

    #[test]
    fn what_fits_is_not_spoken_of() {
        check(3, json!({}), "");
        check(1, json!({"request": {"qps": 600}}), "");
        check(198, json!({"request": {"qps": 5}}), "");
        check(
            5_000,
            json!({"request": {"qps": 1}, "schedule": {"roundNumber": -1}, "target": {"nodePort": false}}),
            "",
        );
        check(
            3,
            json!({"request": {"qps": 600}, "agentSpec": {"kind": "Deployment"}, "target": {"nodePort": false}}),
            "",
        );
    }

    #[test]
    fn too_much_is_told_with_its_numbers() {
        // ClusterIP, the node port of three nodes, the agent's own pod and one peer.
        check(
            3,
            json!({"request": {"qps": 400}}),
            "spec.request.qps is too high for this cluster: 400/s at 6 targets or more are 2400 probes/s of each agent, and \
             2000 are allowed: its rounds will fail as OverBudget",
        );
    }

    #[test]
    fn pairs_that_are_left_out_are_told_with_their_rounds() {
        check(
            5,
            json!({"request": {"peersPerRound": 2}, "schedule": {"roundNumber": 1}}),
            "spec.request.peersPerRound lets an agent probe 2 of 4 others in a round: all pairs are covered after 2 rounds, and \
             spec.schedule.roundNumber is 1",
        );
        check(5, json!({"request": {"peersPerRound": 2}, "schedule": {"roundNumber": 2}}), "");
        check(
            301,
            json!({"request": {"qps": 5}, "schedule": {"roundNumber": 3}}),
            "spec.request.qps lets an agent probe 97 of 300 others in a round: all pairs are covered after 4 rounds, and \
             spec.schedule.roundNumber is 3",
        );
    }
}
