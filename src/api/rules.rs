//! What the definition itself holds, in the API server's own language (CEL), even while the webhook is away: the bounds
//! that kdoctor's schema does not have, fields that depend on each other, and what may not change.

use serde_json::{Map, Value, json};

use crate::limits::{
    DURATION_S_MAX, GRACE_MIN_MAX, MINUTE_MS, PEERS_PER_ROUND_MAX, QPS_MAX, REPLICAS_MAX, ROUND_MARGIN_MS,
    ROUND_TIMEOUT_MIN_MAX,
};
use crate::names::annotation;
use crate::{AgentKind, defaults};

/// Most of what a user's own lists and maps may hold: the API server must be able to tell what a rule costs.
const ENV_MAX: usize = 128;
const ANNOTATIONS_MAX: usize = 64;

/// The fields that choose what is probed, and their defaults.
const FAMILIES: [(&str, bool); 6] = [
    ("clusterIP", defaults::CLUSTER_IP),
    ("endpoint", defaults::ENDPOINT),
    ("ingress", defaults::INGRESS),
    ("loadBalancer", defaults::LOAD_BALANCER),
    ("multusInterface", defaults::MULTUS_INTERFACE),
    ("nodePort", defaults::NODE_PORT),
];

/// Writes the rules into the schema of a spec.
pub(crate) fn write_into(spec: &mut Value) {
    spec["properties"]["agentSpec"]["properties"]["env"]["maxItems"] = json!(ENV_MAX);
    spec["properties"]["agentSpec"]["properties"]["annotation"]["maxProperties"] = json!(ANNOTATIONS_MAX);
    spec["x-kubernetes-validations"] = Value::Array(of_spec());
    spec["properties"]["agentSpec"]["x-kubernetes-validations"] = Value::Array(of_agents());
    let variable = &mut spec["properties"]["agentSpec"]["properties"]["env"]["items"]["properties"];
    variable["valueFrom"]["x-kubernetes-validations"] = Value::Array(of_value_from());
    spec["properties"]["request"]["x-kubernetes-validations"] = Value::Array(of_request());
    spec["properties"]["schedule"]["x-kubernetes-validations"] = Value::Array(of_schedule());
    spec["properties"]["target"]["x-kubernetes-validations"] = Value::Array(of_target());
}

fn of_agents() -> Vec<Value> {
    let kind = format!("{:?}", AgentKind::Deployment);
    vec![
        rule(
            &format!("!has(self.deploymentReplicas) || (has(self.kind) && self.kind == '{kind}')"),
            &format!("is only for kind {kind}: remove it, or write kind: {kind}"),
            Some("deploymentReplicas"),
        ),
        at_least("deploymentReplicas", 1),
        at_most("deploymentReplicas", REPLICAS_MAX),
        at_least("terminationGracePeriodMinutes", 0),
        at_most("terminationGracePeriodMinutes", GRACE_MIN_MAX),
        rule(
            &format!(
                "!has(self.annotation) || self.annotation.all(key, !key.startsWith('{}'))",
                annotation::OURS
            ),
            &format!("must have no key that begins with {}: remove it", annotation::OURS),
            Some("annotation"),
        ),
        rule(
            &format!(
                "!has(self.annotation) || !self.annotation.exists(key, key in ['{}'])",
                annotation::NETWORK_STATUS.join("', '")
            ),
            &format!(
                "must have no {}, which Multus alone writes: remove it, and ask for networks in {}",
                annotation::NETWORK_STATUS.join(" and no "),
                annotation::NETWORKS
            ),
            Some("annotation"),
        ),
    ]
}

/// At the variable itself, so that the API server names the one that is wrong.
fn of_value_from() -> Vec<Value> {
    let refused = [("configMapKeyRef", "ConfigMaps"), ("secretKeyRef", "Secrets")];
    let rules = refused.into_iter().map(|(field, kind)| {
        let message = format!("agents get no {kind}: write the value itself, or use fieldRef");
        rule(&format!("!has(self.{field})"), &message, Some(field))
    });
    rules.collect()
}

fn of_request() -> Vec<Value> {
    vec![
        at_most("qps", QPS_MAX),
        at_most("durationInSecond", DURATION_S_MAX),
        at_most("peersPerRound", PEERS_PER_ROUND_MAX),
    ]
}

fn of_schedule() -> Vec<Value> {
    vec![
        at_most("roundTimeoutMinute", ROUND_TIMEOUT_MIN_MAX),
        rule(
            "!has(self.roundNumber) || self.roundNumber != 0",
            "must be at least 1, or -1 for rounds without end",
            Some("roundNumber"),
        ),
    ]
}

fn of_target() -> Vec<Value> {
    let any: Vec<_> =
        FAMILIES.iter().map(|(field, default)| or_default("self", &[field], &json!(default))).collect();
    vec![
        rule(
            &any.join(" || "),
            "chooses nothing to probe: set at least one of clusterIP, endpoint, ingress, loadBalancer, multusInterface and \
             nodePort to true",
            None,
        ),
        rule(
            "!has(self.ipv4) || self.ipv4 || !has(self.ipv6) || self.ipv6",
            "chooses no IP version: set at least one of ipv4 and ipv6 to true",
            None,
        ),
    ]
}

/// Rules over several parts, and those that look at what was there before.
fn of_spec() -> Vec<Value> {
    let round_min =
        or_default("self", &["schedule", "roundTimeoutMinute"], &json!(defaults::ROUND_TIMEOUT_MIN));
    let duration_s = or_default("self", &["request", "durationInSecond"], &json!(defaults::DURATION_S));
    let timeout_ms = or_default("self", &["request", "perRequestTimeoutInMS"], &json!(defaults::TIMEOUT_MS));
    let mut rules = vec![
        // Ceilings first: a product of what is within them cannot overflow.
        rule(
            &format!(
                "{duration_s} > {DURATION_S_MAX} || {round_min} > {ROUND_TIMEOUT_MIN_MAX} || {duration_s} * 1000 + \
                 {ROUND_MARGIN_MS} <= {round_min} * {MINUTE_MS}"
            ),
            &format!(
                "request.durationInSecond must leave the round (schedule.roundTimeoutMinute) {ROUND_MARGIN_MS} ms to end in: \
                 lower it or raise roundTimeoutMinute"
            ),
            None,
        ),
        rule(
            &format!("{round_min} > {ROUND_TIMEOUT_MIN_MAX} || {timeout_ms} <= {round_min} * {MINUTE_MS}"),
            "request.perRequestTimeoutInMS must not be longer than the round (schedule.roundTimeoutMinute): lower it or raise \
             roundTimeoutMinute",
            None,
        ),
        rule("has(self.agentSpec) == has(oldSelf.agentSpec)", CANNOT_CHANGE, Some("agentSpec")),
    ];
    rules.extend(unchanged_agents());
    rules.extend(unchanged_targets());
    rules
}

const CANNOT_CHANGE: &str = "cannot change: delete the NetReach and create it anew, or create another one";

fn unchanged_agents() -> Vec<Value> {
    let with_default = [
        ("kind", json!(format!("{:?}", defaults::AGENT_KIND))),
        ("hostNetwork", json!(defaults::HOST_NETWORK)),
        ("deploymentReplicas", json!(defaults::REPLICAS)),
    ];
    let kept = with_default.into_iter().map(|(field, default)| {
        let of = |whose: &str| or_default(whose, &["agentSpec", field], &default);
        format!("{} == {}", of("self"), of("oldSelf"))
    });
    let bare = ["annotation", "affinity", "env", "resources", "terminationGracePeriodMinutes"];
    let same = bare.into_iter().map(|field| {
        let has = |whose: &str| has(whose, &["agentSpec", field]);
        format!(
            "({}) == ({}) && (!({}) || self.agentSpec.{field} == oldSelf.agentSpec.{field})",
            has("self"),
            has("oldSelf"),
            has("self")
        )
    });
    // Told of the whole: a field that is gone has no path.
    kept.chain(same).map(|text| rule(&text, CANNOT_CHANGE, Some("agentSpec"))).collect()
}

fn unchanged_targets() -> Vec<Value> {
    let kept = FAMILIES.into_iter().map(|(field, default)| {
        let of = |whose: &str| or_default(whose, &["target", field], &json!(default));
        (field, format!("({}) == ({})", of("self"), of("oldSelf")))
    });
    // Their defaults are the cluster's, which a rule does not know.
    let versions = ["ipv4", "ipv6"].into_iter().map(|field| {
        let has = |whose: &str| has(whose, &["target", field]);
        let text = format!(
            "!({}) || !({}) || self.target.{field} == oldSelf.target.{field}",
            has("self"),
            has("oldSelf")
        );
        (field, text)
    });
    kept.chain(versions)
        .map(|(field, text)| rule(&text, CANNOT_CHANGE, Some(&format!("target.{field}"))))
        .collect()
}

fn at_least(field: &str, least: i64) -> Value {
    rule(
        &format!("!has(self.{field}) || self.{field} >= {least}"),
        &format!("must be at least {least}"),
        Some(field),
    )
}

fn at_most(field: &str, most: i64) -> Value {
    rule(
        &format!("!has(self.{field}) || self.{field} <= {most}"),
        &format!("must be at most {most}"),
        Some(field),
    )
}

/// Whether every field on the way is there.
fn has(whose: &str, path: &[&str]) -> String {
    let steps = (1..=path.len()).map(|count| format!("has({whose}.{})", path[..count].join(".")));
    steps.collect::<Vec<_>>().join(" && ")
}

/// The value there, or what stands in for one that was left out.
fn or_default(whose: &str, path: &[&str], default: &Value) -> String {
    let default = default.to_string().replace('"', "'");
    format!("({} ? {whose}.{} : {default})", has(whose, path), path.join("."))
}

fn rule(text: &str, message: &str, field: Option<&str>) -> Value {
    let mut rule = Map::new();
    rule.insert("rule".to_owned(), json!(text));
    rule.insert("message".to_owned(), json!(message));
    if let Some(field) = field {
        rule.insert("fieldPath".to_owned(), json!(format!(".{field}")));
    }
    Value::Object(rule)
}
