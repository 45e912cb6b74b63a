//! Proves that a spec makes sense, or tells every fault of it at once. What a schema can say is said again
//! here, because the controller meets specs that no webhook has seen.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use k8s_openapi::api::core::v1::EnvVar;

use crate::checked_spec::{CheckedSpec, Expect, Load, Rounds, TargetChoice};
use crate::defaults;
use crate::field_error::{FieldError, quote};
use crate::limits::{
    DURATION_S_MAX, GRACE_MIN_MAX, MINUTE_MS, PEERS_PER_ROUND_MAX, QPS_MAX, REPLICAS_MAX, ROUND_MARGIN_MS,
    ROUND_TIMEOUT_MIN_MAX, STATUS_CODES,
};
use crate::names::annotation;
use crate::{
    AgentKind, AgentSpec, ClusterFacts, ExpectSpec, NetReachSpec, RequestSpec, Schedule, ScheduleSpec,
    TargetSpec,
};

const AGENT_KIND: &str = "spec.agentSpec.kind";
const ANNOTATION: &str = "spec.agentSpec.annotation";
const ENV: &str = "spec.agentSpec.env";
const REPLICAS: &str = "spec.agentSpec.deploymentReplicas";
const GRACE: &str = "spec.agentSpec.terminationGracePeriodMinutes";
const MEAN_DELAY: &str = "spec.expect.meanAccessDelayInMs";
const STATUS_CODE: &str = "spec.expect.statusCode";
const SUCCESS_RATE: &str = "spec.expect.successRate";
const DURATION: &str = "spec.request.durationInSecond";
const PEERS: &str = "spec.request.peersPerRound";
const TIMEOUT: &str = "spec.request.perRequestTimeoutInMS";
const QPS: &str = "spec.request.qps";
const ROUND_NUMBER: &str = "spec.schedule.roundNumber";
const ROUND_TIMEOUT: &str = "spec.schedule.roundTimeoutMinute";
const SCHEDULE: &str = "spec.schedule.schedule";
const TIME_ZONE: &str = "spec.schedule.timeZone";
const TARGET: &str = "spec.target";
const FAMILIES: [&str; 6] = [
    "spec.target.clusterIP",
    "spec.target.endpoint",
    "spec.target.ingress",
    "spec.target.loadBalancer",
    "spec.target.multusInterface",
    "spec.target.nodePort",
];
const IP_VERSIONS: [&str; 2] = ["spec.target.ipv4", "spec.target.ipv6"];

/// The bundled database: what a name means does not depend on the machine.
static TIME_ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Proves a spec. What it leaves out counts as its default, the IP versions as those of a cluster nobody has
/// looked at; call [`defaults::apply`] before, where the cluster is known.
///
/// # Errors
/// Every fault, each with its path.
pub fn check(spec: &NetReachSpec) -> Result<CheckedSpec, Vec<FieldError>> {
    examine(spec).map_err(|faults| faults.into_iter().map(|fault| fault.error).collect())
}

/// A fault of a spec's sense.
#[derive(Debug)]
pub(crate) struct Fault {
    /// What to tell the user.
    pub(crate) error: FieldError,
    /// The fields the rule looked at: where one of them is not what the user wrote, the rule has nothing to
    /// say.
    pub(crate) reads: Vec<&'static str>,
}

/// [`check`], for who must know what each fault rests on.
pub(crate) fn examine(spec: &NetReachSpec) -> Result<CheckedSpec, Vec<Fault>> {
    let mut spec = spec.clone();
    defaults::apply(&mut spec, &ClusterFacts::default());
    let mut faults = Faults::default();
    if let Some(agents) = &spec.agent_spec {
        faults.agents(agents);
    }
    let expect = faults.expect(&spec.expect.clone().unwrap_or_default());
    let schedule_spec = spec.schedule.clone().unwrap_or_default();
    let round_timeout_min = schedule_spec.round_timeout_min.unwrap_or(defaults::ROUND_TIMEOUT_MIN);
    let (load, peers_per_round) = faults.load(&spec.request.clone().unwrap_or_default(), round_timeout_min);
    let round_timeout_ms = faults.round_timeout_ms(round_timeout_min);
    let rounds = faults.rounds(&schedule_spec);
    let schedule = faults.schedule(&schedule_spec);
    let time_zone = faults.time_zone(&schedule_spec);
    let target = faults.target(&spec.target.clone().unwrap_or_default());
    match (schedule, time_zone) {
        (Some(schedule), Some(time_zone)) if faults.0.is_empty() => Ok(CheckedSpec {
            schedule,
            time_zone,
            rounds,
            round_timeout_ms,
            load,
            peers_per_round,
            expect,
            target,
            spec,
        }),
        _ => Err(faults.0),
    }
}

/// The faults found so far. Its methods read one part of a spec each; after a fault they return some value
/// within bounds, which nobody gets to see.
#[derive(Default)]
struct Faults(Vec<Fault>);

// === impl Faults ===

impl Faults {
    fn agents(&mut self, agents: &AgentSpec) {
        let kind = agents.kind.unwrap_or(defaults::AGENT_KIND);
        match agents.deployment_replicas {
            Some(_) if kind != AgentKind::Deployment => self.push(
                FieldError::new(
                    REPLICAS,
                    "is only for kind Deployment: remove it, or write kind: Deployment",
                ),
                &[REPLICAS, AGENT_KIND],
            ),
            Some(replicas) => _ = self.within(REPLICAS, i64::from(replicas), 1, REPLICAS_MAX),
            None => {}
        }
        if let Some(grace_min) = agents.termination_grace_period_min {
            self.within(GRACE, grace_min, 0, GRACE_MIN_MAX);
        }
        agents.annotation.iter().flatten().for_each(|(key, _)| self.annotation(key));
        agents.env.iter().flatten().enumerate().for_each(|(index, variable)| self.variable(index, variable));
    }

    /// What decides whose a pod is, and which of its addresses are probed, is read from its annotations.
    fn annotation(&mut self, key: &str) {
        let message = if key.starts_with(annotation::OURS) {
            format!("is not for users to write, because it begins with {}: remove it", annotation::OURS)
        } else if annotation::NETWORK_STATUS.contains(&key) {
            format!(
                "is Multus' to write, because it says which NICs are probed: remove it, and ask for networks in {}",
                annotation::NETWORKS
            )
        } else {
            return;
        };
        self.push(FieldError::new(format!("{ANNOTATION}[{}]", quote(key)), message), &[ANNOTATION]);
    }

    /// An agent's namespace holds Secrets that not everybody who may write a NetReach may read.
    fn variable(&mut self, index: usize, variable: &EnvVar) {
        let Some(from) = &variable.value_from else { return };
        for (is_there, field, kind) in [
            (from.config_map_key_ref.is_some(), "configMapKeyRef", "ConfigMaps"),
            (from.secret_key_ref.is_some(), "secretKeyRef", "Secrets"),
        ] {
            if is_there {
                let path = format!("{ENV}[{index}].valueFrom.{field}");
                let message = format!("agents get no {kind}: write the value itself, or use fieldRef");
                self.push(FieldError::new(path, message), &[ENV]);
            }
        }
    }

    fn expect(&mut self, expect: &ExpectSpec) -> Expect {
        let success_rate = expect.success_rate.unwrap_or(defaults::SUCCESS_RATE);
        if !(0.0..=1.0).contains(&success_rate) {
            let message = format!("must be a share from 0 to 1, got {success_rate}");
            self.push(FieldError::new(SUCCESS_RATE, message), &[SUCCESS_RATE]);
        }
        let mean_delay_ms = expect.mean_access_delay_ms.unwrap_or(defaults::MEAN_ACCESS_DELAY_MS);
        let (least, most) = STATUS_CODES;
        Expect {
            success_rate,
            mean_access_delay_ms: self.at_least(MEAN_DELAY, mean_delay_ms, 1).unsigned_abs(),
            status_code: expect
                .status_code
                .and_then(|code| self.within(STATUS_CODE, code, least, most).try_into().ok()),
        }
    }

    fn load(&mut self, request: &RequestSpec, round_timeout_min: i64) -> (Load, u32) {
        // A round without time is told of on its own.
        let round_ms =
            if round_timeout_min < 1 { i64::MAX } else { round_timeout_min.saturating_mul(MINUTE_MS) };
        let duration_s = request.duration_s.unwrap_or(defaults::DURATION_S);
        let needed_ms = duration_s.saturating_mul(1_000).saturating_add(ROUND_MARGIN_MS);
        if duration_s <= DURATION_S_MAX && needed_ms > round_ms {
            let message = format!(
                "must leave the round {ROUND_MARGIN_MS} ms to end in (schedule.roundTimeoutMinute is {round_timeout_min}), got \
                 {duration_s}: lower it or raise roundTimeoutMinute"
            );
            self.push(FieldError::new(DURATION, message), &[DURATION, ROUND_TIMEOUT]);
        }
        let timeout_ms = request.timeout_ms.unwrap_or(defaults::TIMEOUT_MS);
        if timeout_ms > round_ms {
            let message = format!(
                "must not be longer than the round (schedule.roundTimeoutMinute is {round_timeout_min}, which is \
                 {round_ms} ms), got {timeout_ms}: lower it or raise roundTimeoutMinute"
            );
            self.push(FieldError::new(TIMEOUT, message), &[TIMEOUT, ROUND_TIMEOUT]);
        }
        let qps = request.qps.unwrap_or(defaults::QPS);
        let peers = request.peers_per_round.unwrap_or(defaults::PEERS_PER_ROUND);
        let load = Load {
            qps: in_u32(self.within(QPS, qps, 1, QPS_MAX)),
            duration_s: in_u32(self.within(DURATION, duration_s, 1, DURATION_S_MAX)),
            timeout_ms: in_u32(self.at_least(TIMEOUT, timeout_ms, 1)),
            connection: request.connection.unwrap_or(defaults::CONNECTION),
        };
        (load, in_u32(self.within(PEERS, peers, 0, PEERS_PER_ROUND_MAX)))
    }

    fn round_timeout_ms(&mut self, round_timeout_min: i64) -> u64 {
        let bounded = self.within(ROUND_TIMEOUT, round_timeout_min, 1, ROUND_TIMEOUT_MIN_MAX);
        (bounded * MINUTE_MS).unsigned_abs()
    }

    fn rounds(&mut self, schedule: &ScheduleSpec) -> Rounds {
        match schedule.round_number.unwrap_or(defaults::ROUND_NUMBER) {
            -1 => Rounds::Forever,
            number if number >= 1 => Rounds::Count(number.unsigned_abs()),
            other => {
                let message = format!("must be at least 1, or -1 for rounds without end, got {other}");
                self.push(FieldError::new(ROUND_NUMBER, message), &[ROUND_NUMBER]);
                Rounds::Forever
            }
        }
    }

    fn schedule(&mut self, schedule: &ScheduleSpec) -> Option<Schedule> {
        match Schedule::parse(schedule.schedule.as_deref().unwrap_or(defaults::SCHEDULE)) {
            Ok(schedule) => Some(schedule),
            Err(error) => {
                self.push(FieldError::new(SCHEDULE, error.to_string()), &[SCHEDULE]);
                None
            }
        }
    }

    fn time_zone(&mut self, schedule: &ScheduleSpec) -> Option<TimeZone> {
        let name = schedule.time_zone.as_deref().unwrap_or(defaults::TIME_ZONE);
        let zone = TIME_ZONES.get(name).ok();
        if zone.is_none() {
            let message = format!(
                "must be the name of a time zone such as UTC, Europe/Berlin or Asia/Shanghai, got {}",
                quote(name)
            );
            self.push(FieldError::new(TIME_ZONE, message), &[TIME_ZONE]);
        }
        zone
    }

    fn target(&mut self, target: &TargetSpec) -> TargetChoice {
        let facts = ClusterFacts::default();
        let choice = TargetChoice {
            endpoint: target.endpoint.unwrap_or(defaults::ENDPOINT),
            multus_interface: target.multus_interface.unwrap_or(defaults::MULTUS_INTERFACE),
            cluster_ip: target.cluster_ip.unwrap_or(defaults::CLUSTER_IP),
            node_port: target.node_port.unwrap_or(defaults::NODE_PORT),
            load_balancer: target.load_balancer.unwrap_or(defaults::LOAD_BALANCER),
            ingress: target.ingress.unwrap_or(defaults::INGRESS),
            ipv4: target.ipv4.unwrap_or(facts.ipv4),
            ipv6: target.ipv6.unwrap_or(facts.ipv6),
        };
        let TargetChoice {
            endpoint,
            multus_interface,
            cluster_ip,
            node_port,
            load_balancer,
            ingress,
            ipv4,
            ipv6,
        } = choice;
        if !(endpoint || multus_interface || cluster_ip || node_port || load_balancer || ingress) {
            let rule = "chooses nothing to probe: set at least one of clusterIP, endpoint, ingress, loadBalancer, \
                        multusInterface and nodePort to true";
            self.push(FieldError::new(TARGET, rule), &FAMILIES);
        }
        if !(ipv4 || ipv6) {
            let rule = "chooses no IP version: set at least one of ipv4 and ipv6 to true";
            self.push(FieldError::new(TARGET, rule), &IP_VERSIONS);
        }
        choice
    }

    fn within(&mut self, path: &'static str, value: i64, least: i64, most: i64) -> i64 {
        if value > most {
            self.push(FieldError::too_large(path, most, value), &[path]);
        }
        self.at_least(path, value, least).min(most)
    }

    fn at_least(&mut self, path: &'static str, value: i64, least: i64) -> i64 {
        if value < least {
            self.push(FieldError::too_small(path, least, value), &[path]);
        }
        value.max(least)
    }

    fn push(&mut self, error: FieldError, reads: &[&'static str]) {
        self.0.push(Fault { error, reads: reads.to_vec() });
    }
}

/// Of a number within its bounds, which all fit; of a timeout that is as wrong as its round's, some number.
fn in_u32(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
