//! Every name users and machines look for, in one place: what is written here is a promise.

/// API group of NetReach.
pub const GROUP: &str = "kdoctor.io";
/// Its version.
pub const VERSION: &str = "v1beta1";
/// Group and version, as a manifest's `apiVersion` has them.
pub const API_VERSION: &str = "kdoctor.io/v1beta1";
/// The kind.
pub const KIND: &str = "NetReach";
/// API group of the reports, which the aggregated API serves.
pub const REPORT_GROUP: &str = "system.kdoctor.io";
/// Group and version of the reports.
pub const REPORT_API_VERSION: &str = "system.kdoctor.io/v1beta1";
/// The reports' kind.
pub const REPORT_KIND: &str = "KdoctorReport";
/// A report is called this and the name of its NetReach.
pub const REPORT_NAME_PREFIX: &str = "netreach-";
/// Who we are when we apply objects from the server's side.
pub const FIELD_MANAGER: &str = "netreach";

/// Labels on what we create.
pub mod label {
    /// Says that an object is ours.
    pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
    /// Says what it is for: agent, manager, webhook.
    pub const COMPONENT: &str = "app.kubernetes.io/component";
    /// The uid of the NetReach an object serves.
    pub const NET_REACH_UID: &str = "kdoctor.io/netreach-uid";
    /// Which of several managers a pod's is, where one of them leads: agents and API servers are sent to that one.
    pub const ROLE: &str = "kdoctor.io/role";
}

/// Values of [`label::ROLE`].
pub mod role {
    /// The one that leads. The others' pods have no such label.
    pub const LEADER: &str = "leader";
}

/// What a thing is for: values of [`label::COMPONENT`], and a label of their own for the agents of everybody.
pub mod component {
    /// Agents, and what stands in front of them.
    pub const AGENT: &str = "agent";
    /// Managers: what runs rounds and serves reports.
    pub const MANAGER: &str = "manager";
    /// `"true"` on the agents that serve every NetReach without an `agentSpec`: a Service's selector cannot say "without".
    pub const DEFAULT_AGENTS: &str = "kdoctor.io/default-agents";
}

/// Annotations on what we create and on what users write.
pub mod annotation {
    /// The whole name of the NetReach an object serves: a name may be longer than a label.
    pub const NET_REACH: &str = "kdoctor.io/netreach";
    /// On a NetReach: `"true"` keeps its reports when it is deleted.
    pub const RETAIN_REPORTS: &str = "kdoctor.io/retain-reports";
    /// How every key of ours begins.
    pub const OURS: &str = "kdoctor.io/";
    /// Where users ask Multus for networks.
    pub const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";
    /// Where Multus writes down the NICs a pod has got: the key of today, and the one before it.
    pub const NETWORK_STATUS: [&str; 2] =
        ["k8s.v1.cni.cncf.io/network-status", "k8s.v1.cni.cncf.io/networks-status"];
}

/// Condition types of a NetReach's status.
pub mod condition {
    /// Its agents are there and its spec makes sense.
    pub const READY: &str = "Ready";
    /// A round is on its way.
    pub const PROGRESSING: &str = "Progressing";
    /// Every round it asked for is done.
    pub const COMPLETE: &str = "Complete";
    /// The newest round done succeeded.
    pub const HEALTHY: &str = "Healthy";
}

/// Why a round ended as it did and why a condition holds: the first word of a failureReason, the reason of a condition.
pub mod reason {
    /// An agent that was given work handed nothing in by the deadline.
    pub const AGENTS_MISSING: &str = "AgentsMissing";
    /// A family or IP version that was asked for has no address.
    pub const TARGET_MISSING: &str = "TargetMissing";
    /// The agent was too busy to probe on time: says nothing about the network.
    pub const AGENT_STARVED: &str = "AgentStarved";
    /// The round would send more than the budget allows.
    pub const OVER_BUDGET: &str = "OverBudget";
    /// Fewer probes succeeded than `expect.successRate` asks.
    pub const SUCCESS_RATE: &str = "SuccessRate";
    /// The mean delay is above `expect.meanAccessDelayInMs`.
    pub const MEAN_DELAY: &str = "MeanDelay";
    /// The manager could not judge.
    pub const UNKNOWN: &str = "Unknown";
    /// The round's time passed while nobody could start it.
    pub const MISSED: &str = "Missed";
    /// The round was ended by hand.
    pub const INTERRUPTED: &str = "Interrupted";
    /// The stored spec does not pass the checks.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// Every target met what was expected.
    pub const SUCCEEDED: &str = "Succeeded";
    /// It failed, and what is known of it does not say why in one of these words.
    pub const FAILED: &str = "Failed";
    /// No round is done yet.
    pub const NO_ROUND_YET: &str = "NoRoundYet";
    /// A round is on its way.
    pub const ROUND_ONGOING: &str = "RoundOngoing";
    /// The next round is not due yet.
    pub const WAITING: &str = "Waiting";
    /// The spec lets no new round start.
    pub const SUSPENDED: &str = "Suspended";
    /// No round is left to do.
    pub const FINISHED: &str = "Finished";
    /// Every round asked for is done.
    pub const ROUNDS_DONE: &str = "RoundsDone";
    /// A round has begun.
    pub const ROUND_STARTED: &str = "RoundStarted";
    /// A round has succeeded.
    pub const ROUND_SUCCEEDED: &str = "RoundSucceeded";
    /// A round has failed, or could not be judged.
    pub const ROUND_FAILED: &str = "RoundFailed";
    /// Rounds were due and not begun in time.
    pub const ROUND_MISSED: &str = "RoundMissed";
    /// Agents or addresses are not there yet.
    pub const PREPARING: &str = "Preparing";
    /// Agents and addresses are there.
    pub const PREPARED: &str = "Prepared";
    /// Some rounds asked for are still to come.
    pub const ROUNDS_LEFT: &str = "RoundsLeft";
}

#[cfg(test)]
mod tests {
    use kube::Resource;

    use super::*;
    use crate::NetReach;

    #[test]
    fn the_type_has_the_promised_names() {
        assert_eq!(NetReach::api_version(&()), API_VERSION);
        assert_eq!(NetReach::kind(&()), KIND);
        let column = format!(".status.conditions[?(@.type==\"{}\")].reason", condition::HEALTHY);
        assert!(crate::crd_yaml().contains(&column));
    }

    #[test]
    fn group_and_version_make_the_api_version() {
        assert_eq!(API_VERSION, format!("{GROUP}/{VERSION}"));
        assert_eq!(REPORT_API_VERSION, format!("{REPORT_GROUP}/{VERSION}"));
        assert_eq!(annotation::OURS, format!("{GROUP}/"));
    }
}
