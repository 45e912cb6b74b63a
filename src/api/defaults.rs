//! The only home of default values. Those of the schema are applied by the API server, before any webhook;
//! the others depend on the cluster or on other fields, and are filled in by [`apply`].

use crate::{AgentKind, ClusterFacts, NetReachSpec, RequestConnection};

/// `expect.meanAccessDelayInMs`, milliseconds.
pub const MEAN_ACCESS_DELAY_MS: i64 = 5_000;
/// `expect.successRate`.
pub const SUCCESS_RATE: f64 = 1.0;
/// `request.durationInSecond`, seconds.
pub const DURATION_S: i64 = 2;
/// `request.perRequestTimeoutInMS`, milliseconds.
pub const TIMEOUT_MS: i64 = 500;
/// `request.qps`.
pub const QPS: i64 = 5;
/// `request.connection`.
pub const CONNECTION: RequestConnection = RequestConnection::New;
/// `request.peersPerRound`: all.
pub const PEERS_PER_ROUND: i64 = 0;
/// `schedule.roundNumber`.
pub const ROUND_NUMBER: i64 = 1;
/// `schedule.roundTimeoutMinute`, minutes.
pub const ROUND_TIMEOUT_MIN: i64 = 60;
/// `schedule.schedule`: at once, then every hour.
pub const SCHEDULE: &str = "0 60";
/// `schedule.timeZone`.
pub const TIME_ZONE: &str = "UTC";
/// `target.clusterIP`.
pub const CLUSTER_IP: bool = true;
/// `target.enableLatencyMetric`.
pub const ENABLE_LATENCY_METRIC: bool = false;
/// `target.endpoint`.
pub const ENDPOINT: bool = true;
/// `target.ingress`.
pub const INGRESS: bool = false;
/// `target.loadBalancer`.
pub const LOAD_BALANCER: bool = false;
/// `target.multusInterface`.
pub const MULTUS_INTERFACE: bool = false;
/// `target.nodePort`.
pub const NODE_PORT: bool = true;
/// `suspend`.
pub const SUSPEND: bool = false;
/// `agentSpec.kind`.
pub const AGENT_KIND: AgentKind = AgentKind::DaemonSet;
/// `agentSpec.hostNetwork`.
pub const HOST_NETWORK: bool = false;
/// `agentSpec.deploymentReplicas`, for kind Deployment alone.
pub const REPLICAS: i32 = 1;

/// Fills in what is unset and leaves alone what is set, so that a second time changes nothing.
pub fn apply(spec: &mut NetReachSpec, facts: &ClusterFacts) {
    let expect = spec.expect.get_or_insert_default();
    expect.mean_access_delay_ms.get_or_insert(MEAN_ACCESS_DELAY_MS);
    expect.success_rate.get_or_insert(SUCCESS_RATE);

    let request = spec.request.get_or_insert_default();
    request.duration_s.get_or_insert(DURATION_S);
    request.timeout_ms.get_or_insert(TIMEOUT_MS);
    request.qps.get_or_insert(QPS);
    request.connection.get_or_insert(CONNECTION);
    request.peers_per_round.get_or_insert(PEERS_PER_ROUND);

    let schedule = spec.schedule.get_or_insert_default();
    schedule.round_number.get_or_insert(ROUND_NUMBER);
    schedule.round_timeout_min.get_or_insert(ROUND_TIMEOUT_MIN);
    schedule.schedule.get_or_insert_with(|| SCHEDULE.to_owned());
    schedule.time_zone.get_or_insert_with(|| TIME_ZONE.to_owned());

    let target = spec.target.get_or_insert_default();
    target.cluster_ip.get_or_insert(CLUSTER_IP);
    target.enable_latency_metric.get_or_insert(ENABLE_LATENCY_METRIC);
    target.endpoint.get_or_insert(ENDPOINT);
    target.ingress.get_or_insert(INGRESS);
    target.ipv4.get_or_insert(facts.ipv4);
    target.ipv6.get_or_insert(facts.ipv6);
    target.load_balancer.get_or_insert(LOAD_BALANCER);
    target.multus_interface.get_or_insert(MULTUS_INTERFACE);
    target.node_port.get_or_insert(NODE_PORT);

    spec.suspend.get_or_insert(SUSPEND);

    if let Some(agents) = &mut spec.agent_spec {
        agents.host_network.get_or_insert(HOST_NETWORK);
        if *agents.kind.get_or_insert(AGENT_KIND) == AgentKind::Deployment {
            agents.deployment_replicas.get_or_insert(REPLICAS);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn filled(spec: &Value, facts: ClusterFacts) -> Value {
        let mut spec: NetReachSpec = serde_json::from_value(spec.clone()).unwrap();
        apply(&mut spec, &facts);
        serde_json::to_value(spec).unwrap()
    }

    #[test]
    fn an_empty_spec_gets_every_default() {
        let expected = json!({
            "expect": {"meanAccessDelayInMs": 5000, "successRate": 1},
            "request": {
                "durationInSecond": 2, "perRequestTimeoutInMS": 500, "qps": 5,
                "connection": "new", "peersPerRound": 0,
            },
            "schedule": {"roundNumber": 1, "roundTimeoutMinute": 60, "schedule": "0 60", "timeZone": "UTC"},
            "target": {
                "clusterIP": true, "enableLatencyMetric": false, "endpoint": true, "ingress": false,
                "ipv4": true, "ipv6": false, "loadBalancer": false, "multusInterface": false, "nodePort": true,
            },
            "suspend": false,
        });
        assert_eq!(filled(&json!({}), ClusterFacts::default()), expected);
    }

    #[test]
    fn ip_versions_follow_the_cluster() {
        let spec = filled(
            &json!({"target": {"ipv4": true}}),
            ClusterFacts { ipv4: false, ipv6: true, ..ClusterFacts::default() },
        );
        assert_eq!((&spec["target"]["ipv4"], &spec["target"]["ipv6"]), (&json!(true), &json!(true)));
    }

    #[test]
    fn agents_get_defaults_only_when_asked_for() {
        let check = |given: Value, expected: Value| {
            assert_eq!(filled(&json!({"agentSpec": given}), ClusterFacts::default())["agentSpec"], expected);
        };
        check(json!({}), json!({"kind": "DaemonSet", "hostNetwork": false}));
        check(
            json!({"kind": "Deployment"}),
            json!({"kind": "Deployment", "hostNetwork": false, "deploymentReplicas": 1}),
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_set_stays_and_a_second_time_changes_nothing(
            qps in proptest::option::of(1..100_i64),
            rounds in proptest::option::of(-1..9_i64),
            ipv6 in proptest::option::of(any::<bool>()),
            kind in proptest::option::of(prop_oneof![Just("Deployment"), Just("DaemonSet")]),
            facts in (any::<bool>(), any::<bool>()).prop_map(|(ipv4, ipv6)| ClusterFacts { ipv4, ipv6, ..ClusterFacts::default() }),
        ) {
            let mut given = json!({"request": {}, "schedule": {}, "target": {}});
            for (part, field, value) in [
                ("request", "qps", qps.map(Value::from)),
                ("schedule", "roundNumber", rounds.map(Value::from)),
                ("target", "ipv6", ipv6.map(Value::from)),
                ("agentSpec", "kind", kind.map(Value::from)),
            ] {
                if let Some(value) = value {
                    given[part][field] = value;
                }
            }
            let once = filled(&given, facts);
            prop_assert_eq!(&filled(&once, ClusterFacts { ipv4: !facts.ipv4, ipv6: !facts.ipv6, ..facts }), &once);
            for (part, fields) in given.as_object().unwrap() {
                for (field, value) in fields.as_object().unwrap() {
                    prop_assert_eq!(&once[part][field], value);
                }
            }
        }
    }
}
