//! From a spec and an inventory to the whole of a round's work.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use jiff::Timestamp;
use netreach_api::{CheckedSpec, ClusterFacts, admit};
use netreach_plan::{AgentPod, Instants, Inventory, OverBudget, Place, RoundPlan, Sampling, plan_round};
use netreach_wire::{AgentId, Connection, EchoKey, GapClass, Load, RoundId};
use serde_json::{Value, json};

fn spec(request: Value) -> CheckedSpec {
    let object = json!({
        "apiVersion": "kdoctor.io/v1beta1",
        "kind": "NetReach",
        "metadata": { "name": "task" },
        "spec": {
            "request": request,
            "schedule": { "roundTimeoutMinute": 2 },
            "target": { "endpoint": true, "clusterIP": true, "ipv4": true, "ipv6": true },
        },
    });
    admit(object, &ClusterFacts { ipv4: true, ipv6: true, ..ClusterFacts::default() })
        .expect("a valid spec")
        .checked
}

fn local(agents: u8) -> Inventory {
    let agent = |n: u8| AgentPod {
        id: AgentId { node: format!("node-{n}"), pod: format!("pod-{n}") },
        addresses: vec![
            SocketAddr::new(IpAddr::from(Ipv4Addr::new(127, 0, 0, n)), 8000),
            SocketAddr::new(IpAddr::from(Ipv6Addr::LOCALHOST), 8000 + u16::from(n)),
        ],
        nics: Vec::new(),
        nic_port: 80,
    };
    Inventory { agents: (1..=agents).map(agent).collect(), ..Inventory::empty(Place::Local) }
}

fn plan(request: Value, agents: u8) -> Result<RoundPlan, OverBudget> {
    let at = |second| Timestamp::from_second(second).expect("in range");
    let instants = Instants { due: at(1_000), start: at(1_002), deadline: at(1_120) };
    let id = RoundId { uid: "u".to_owned(), number: 3 };
    plan_round(&spec(request), &local(agents), id, instants, &EchoKey::new([7; 32]))
}

#[test]
fn every_agent_gets_its_part() {
    let request =
        json!({ "qps": 10, "durationInSecond": 10, "perRequestTimeoutInMS": 1000, "connection": "reuse" });
    let RoundPlan { id, due, start, deadline, assignments, sampling, gaps } =
        plan(request, 3).expect("it fits");
    assert_eq!(
        (id.number, due.as_second(), start.as_second(), deadline.as_second()),
        (3, 1_000, 1_002, 1_120)
    );
    assert_eq!(sampling, None);
    assert!(gaps.iter().all(|gap| gap.class == GapClass::NotHere), "{gaps:?}");
    assert_eq!(assignments.len(), 3);
    let load = Load { rate_qps: 10, duration_s: 10, timeout_ms: 1_000, connection: Connection::Reuse };
    for (assignment, n) in assignments.iter().zip(1..) {
        assert_eq!(assignment.agent.pod, format!("pod-{n}"));
        assert_eq!((&assignment.round, assignment.load), (&id, load));
        assert_eq!((assignment.start_in_us, assignment.deadline_us), (0, 118_000_000));
        assert_eq!(assignment.targets.len(), 6);
    }
}

#[test]
fn the_users_number_of_peers_is_kept() {
    let RoundPlan { assignments, sampling, .. } =
        plan(json!({ "qps": 10, "peersPerRound": 4 }), 12).expect("it fits");
    assert_eq!(sampling, Some(Sampling { peers: 4, of: 11, rounds_for_all: 3 }));
    assert!(assignments.iter().all(|assignment| assignment.targets.len() == 10));
}

#[test]
fn a_load_that_cannot_fit_is_refused_with_its_numbers() {
    let over = plan(json!({ "qps": 600, "connection": "reuse" }), 3).expect_err("too much for one agent");
    assert_eq!(
        over.to_string(),
        "cannot let an agent probe 4 targets at 600 qps each (2400 probes/s, at most 2000); lower spec.request.qps or \
         choose fewer target families"
    );
}
