//! What is allowed and yet probably not what was meant.

use crate::limits::ROUND_MARGIN_MS;
use crate::{CheckedSpec, ClusterFacts, Rounds, Schedule, forecast};

/// Every warning about a spec, as one sentence each.
pub(crate) fn warnings(checked: &CheckedSpec, facts: &ClusterFacts) -> Vec<String> {
    let each = [slow_requests, cut_requests, close_rounds, latency_metric, endless_grace];
    let of_spec = each.into_iter().filter_map(|warning| warning(checked));
    of_spec.chain(forecast::load(checked, facts)).chain(unserved(checked, facts)).collect()
}

/// What is asked for and is not there now. It may come: the spec is taken, and rounds tell what they miss.
fn unserved(checked: &CheckedSpec, facts: &ClusterFacts) -> Vec<String> {
    let target = checked.target();
    // Of a cluster that nobody has looked at nothing is missing.
    let looked_at = facts.nodes.is_some();
    let asked = [
        (target.ipv4, looked_at && !facts.ipv4, "ipv4", "pods of this cluster have no IPv4 addresses"),
        (target.ipv6, looked_at && !facts.ipv6, "ipv6", "pods of this cluster have no IPv6 addresses"),
        (
            target.load_balancer,
            facts.load_balancer == Some(false),
            "loadBalancer",
            "nothing gives Services of type LoadBalancer an address here",
        ),
        (
            target.ingress,
            facts.ingress == Some(false),
            "ingress",
            "there is no default Ingress class here, and none was set for NetReach",
        ),
        (
            target.multus_interface,
            facts.multus == Some(false),
            "multusInterface",
            "nothing gives pods further NICs here",
        ),
    ];
    let missing = asked.into_iter().filter(|(asked, missing, ..)| *asked && *missing);
    missing
        .map(|(_, _, field, why)| {
            format!("spec.target.{field} is true, and {why}: until that changes rounds will fail")
        })
        .collect()
}

fn slow_requests(checked: &CheckedSpec) -> Option<String> {
    let load = checked.load();
    (u64::from(load.timeout_ms) > u64::from(load.duration_s) * 1_000).then(|| {
        format!(
            "spec.request.perRequestTimeoutInMS ({} ms) is longer than durationInSecond ({} s): a round waits for \
             its last requests and may take up to {} s",
            load.timeout_ms,
            load.duration_s,
            busy_s(checked)
        )
    })
}

fn cut_requests(checked: &CheckedSpec) -> Option<String> {
    let round_s = checked.round_timeout_ms() / 1_000;
    (busy_s(checked) + ROUND_MARGIN_MS.unsigned_abs() / 1_000 > round_s).then(|| {
        format!(
            "spec.schedule.roundTimeoutMinute ends the round after {round_s} s, and its requests may take {} s: the last ones \
             count as timed out when the round ends them",
            busy_s(checked)
        )
    })
}

fn close_rounds(checked: &CheckedSpec) -> Option<String> {
    let Schedule::Interval { every_min, .. } = *checked.schedule() else { return None };
    let due_again = checked.rounds() != Rounds::Count(1) && busy_s(checked) > every_min.saturating_mul(60);
    due_again.then(|| {
        format!(
            "spec.schedule.schedule starts a round every {every_min} min, and one may take {} s: rounds never \
             overlap, so some will be missed",
            busy_s(checked)
        )
    })
}

fn latency_metric(checked: &CheckedSpec) -> Option<String> {
    let asked =
        checked.spec().target.as_ref().is_some_and(|target| target.enable_latency_metric == Some(true));
    asked
        .then(|| "spec.target.enableLatencyMetric is no longer needed: delays are always measured".to_owned())
}

fn endless_grace(checked: &CheckedSpec) -> Option<String> {
    let none = checked.agent_spec().is_some_and(|agents| agents.termination_grace_period_min == Some(0));
    (none && checked.rounds() == Rounds::Forever).then(|| {
        "spec.agentSpec.terminationGracePeriodMinutes has no effect with roundNumber -1: the last round never comes, \
         so the agents stay until the NetReach is deleted"
            .to_owned()
    })
}

/// How long the probes of one round may take, seconds.
fn busy_s(checked: &CheckedSpec) -> u64 {
    let load = checked.load();
    u64::from(load.duration_s) + u64::from(load.timeout_ms).div_ceil(1_000)
}
