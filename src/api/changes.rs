//! What of a NetReach may not change: how its agents are run, and which addresses are probed. A default that is
//! written out is no change, nor is one that is left out again.

use crate::field_error::FieldError;
use crate::{AgentKind, AgentSpec, NetReachSpec, TargetSpec};

const WAY_OUT: &str = "cannot change: delete the NetReach and create it anew, or create another one";

/// Every change that is not allowed. Both specs have their defaults.
pub(crate) fn forbidden(old: &NetReachSpec, new: &NetReachSpec) -> Vec<FieldError> {
    let mut paths = match (&old.agent_spec, &new.agent_spec) {
        (None, None) => vec![],
        (Some(old), Some(new)) => of_agents(old, new),
        _ => vec!["spec.agentSpec"],
    };
    if let (Some(old), Some(new)) = (&old.target, &new.target) {
        paths.extend(of_targets(old, new));
    }
    paths.into_iter().map(|path| FieldError::new(path, WAY_OUT)).collect()
}

fn of_agents(old: &AgentSpec, new: &AgentSpec) -> Vec<&'static str> {
    // Another kind has its number of agents with it: one fault, not two.
    let is_fewer = old.kind == new.kind && old.deployment_replicas != new.deployment_replicas;
    let differs = [
        ("spec.agentSpec.annotation", old.annotation != new.annotation),
        ("spec.agentSpec.kind", old.kind != new.kind),
        ("spec.agentSpec.deploymentReplicas", is_fewer && old.kind == Some(AgentKind::Deployment)),
        ("spec.agentSpec.affinity", old.affinity != new.affinity),
        ("spec.agentSpec.env", old.env != new.env),
        ("spec.agentSpec.hostNetwork", old.host_network != new.host_network),
        ("spec.agentSpec.resources", old.resources != new.resources),
        (
            "spec.agentSpec.terminationGracePeriodMinutes",
            old.termination_grace_period_min != new.termination_grace_period_min,
        ),
    ];
    paths_of(&differs)
}

fn of_targets(old: &TargetSpec, new: &TargetSpec) -> Vec<&'static str> {
    let differs = [
        ("spec.target.clusterIP", old.cluster_ip != new.cluster_ip),
        ("spec.target.endpoint", old.endpoint != new.endpoint),
        ("spec.target.ingress", old.ingress != new.ingress),
        ("spec.target.ipv4", old.ipv4 != new.ipv4),
        ("spec.target.ipv6", old.ipv6 != new.ipv6),
        ("spec.target.loadBalancer", old.load_balancer != new.load_balancer),
        ("spec.target.multusInterface", old.multus_interface != new.multus_interface),
        ("spec.target.nodePort", old.node_port != new.node_port),
    ];
    paths_of(&differs)
}

fn paths_of(differs: &[(&'static str, bool)]) -> Vec<&'static str> {
    differs.iter().filter(|(_, differs)| *differs).map(|(path, _)| *path).collect()
}
