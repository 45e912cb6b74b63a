//! Whatever is written, the answer is bounded and harmless, and what is admitted keeps its bounds.
#![allow(clippy::unwrap_used)]

use netreach_api::{
    AgentKind, AgentSpec, ClusterFacts, ExpectSpec, NetReachSpec, RequestSpec, Rounds, ScheduleSpec, admit,
    check, limits,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::{Map, Value, json};

fn seeded(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() }
}

/// Names of fields, near misses and rubbish.
fn field() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "agentSpec",
        "affinity",
        "annotation",
        "deploymentReplicas",
        "env",
        "kind",
        "resources",
        "expect",
        "statusCode",
        "successRate",
        "request",
        "qps",
        "qpss",
        "schedule",
        "roundNumber",
        "timeZone",
        "target",
        "endpoint",
        "ipv4",
        "suspend",
        "0",
        "",
        "a/b~c",
        "limits",
        "name",
        "valueFrom",
    ];
    prop_oneof![9 => prop::sample::select(KNOWN).prop_map(str::to_owned), 1 => ".{0,80}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3..20_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,80}".prop_map(Value::from),
        prop::sample::select(vec!["Deployment", "0 60", "* * * * *", "UTC", "new", "10", "true"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((field(), inner), 0..8).prop_map(map),
        ]
    })
}

fn map(fields: Vec<(String, Value)>) -> Value {
    fields.into_iter().collect::<Map<_, _>>().into()
}

/// A spec whose parts have the right names and mostly the right shape, so that what is inside them is
/// reached.
fn spec() -> impl Strategy<Value = Value> {
    const PARTS: &[&str] = &["agentSpec", "expect", "request", "schedule", "target", "suspend"];
    let part = prop_oneof![
        9 => prop::collection::vec((field(), value()), 0..4).prop_map(map),
        1 => value(),
    ];
    let parts = prop::collection::vec((prop::sample::select(PARTS).prop_map(str::to_owned), part), 0..4);
    prop_oneof![9 => parts.prop_map(map), 1 => value()]
}

/// Mostly a number within bounds, or none.
fn number(fine: std::ops::RangeInclusive<i64>) -> impl Strategy<Value = Option<i64>> {
    let edges = [*fine.start() - 1, *fine.start(), *fine.end(), fine.end().saturating_add(1)];
    prop_oneof![
        10 => Just(None),
        30 => fine.prop_map(Some),
        1 => any::<i64>().prop_map(Some),
        2 => prop::sample::select(edges.to_vec()).prop_map(Some),
    ]
}

proptest! {
    #![proptest_config(seeded(3_000))]

    #[test]
    fn any_document_gets_a_bounded_harmless_answer(
        (metadata, spec, whole) in (value(), spec(), value()),
        ours in 0..9,
    ) {
        let raw = if ours == 0 { whole } else {
            let metadata = if ours < 5 { json!({"name": "task"}) } else { metadata };
            json!({"apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach", "metadata": metadata, "spec": spec})
        };
        if let Err(errors) = admit(raw, &ClusterFacts::default()) {
            prop_assert!(!errors.is_empty() && errors.len() <= limits::ERRORS_MAX + 1);
            prop_assert!(errors.windows(2).all(|pair| pair[0] != pair[1]), "{errors:?}");
            for error in errors {
                let text = error.to_string();
                prop_assert!(text.len() < 4_000, "{}", text.len());
                prop_assert!(!text.chars().any(char::is_control), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_checked_keeps_its_bounds(
        (qps, duration_s) in (number(1..=10_000), number(1..=3_600)),
        (timeout_ms, peers_per_round) in (number(1..=600_000), number(0..=5_000)),
        (round_number, round_timeout_min) in (number(-1..=i64::MAX), number(1..=10_080)),
        (mean_access_delay_ms, status_code) in (number(1..=i64::MAX), number(100..=599)),
        success_rate in prop_oneof![9 => prop::option::of(0.0..=1.0), 1 => any::<f64>().prop_map(Some)],
        kind in prop::option::of(prop_oneof![Just(AgentKind::DaemonSet), Just(AgentKind::Deployment)]),
        replicas in number(1..=5_000).prop_map(|number| number.and_then(|number| i32::try_from(number).ok())),
    ) {
        let spec = NetReachSpec {
            agent_spec: Some(AgentSpec { kind, deployment_replicas: replicas, ..Default::default() }),
            expect: Some(ExpectSpec { mean_access_delay_ms, status_code, success_rate }),
            request: Some(RequestSpec { duration_s, timeout_ms, qps, peers_per_round, connection: None }),
            schedule: Some(ScheduleSpec { round_number, round_timeout_min, ..Default::default() }),
            ..Default::default()
        };
        let within = |value: Option<i64>, least, most| value.is_none_or(|value| (least..=most).contains(&value));
        let round_min = round_timeout_min.unwrap_or(60);
        let fine = within(qps, 1, 10_000)
            && within(duration_s, 1, 3_600)
            && within(timeout_ms, 1, i64::MAX)
            && within(peers_per_round, 0, 5_000)
            && within(round_number, -1, i64::MAX)
            && round_number != Some(0)
            && within(round_timeout_min, 1, 10_080)
            && within(mean_access_delay_ms, 1, i64::MAX)
            && within(status_code, 100, 599)
            && success_rate.is_none_or(|rate| (0.0..=1.0).contains(&rate))
            && (replicas.is_none() || kind == Some(AgentKind::Deployment))
            && within(replicas.map(i64::from), 1, 5_000)
            && i128::from(duration_s.unwrap_or(2)) * 1_000 + 2_000 <= i128::from(round_min) * 60_000
            && i128::from(timeout_ms.unwrap_or(500)) <= i128::from(round_min) * 60_000;
        match check(&spec) {
            Ok(checked) => {
                prop_assert!(fine, "{spec:?}");
                let load = checked.load();
                prop_assert_eq!(i64::from(load.qps), qps.unwrap_or(5));
                prop_assert_eq!(i64::from(load.duration_s), duration_s.unwrap_or(2));
                prop_assert_eq!(i64::from(load.timeout_ms), timeout_ms.unwrap_or(500));
                prop_assert_eq!(i64::from(checked.peers_per_round()), peers_per_round.unwrap_or(0));
                prop_assert_eq!(checked.round_timeout_ms(), u64::try_from(round_min).unwrap() * 60_000);
                prop_assert_eq!(checked.expect().status_code.map(i64::from), status_code);
                let rounds = round_number.unwrap_or(1);
                prop_assert_eq!(checked.rounds(), u64::try_from(rounds).map_or(Rounds::Forever, Rounds::Count));
            }
            Err(errors) => prop_assert!(!fine, "{spec:?} {errors:?}"),
        }
    }
}
