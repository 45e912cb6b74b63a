//! What has become of a NetReach by sentence, and what its status says in a line.

use jiff::{SignedDuration, Timestamp};
use netreach_api::{NetReachStatus, RoundHistory, Rounds};
use netreach_report::{
    AgentReport, History, MissingAgent, Next, OpenFacts, Readiness, Reason, RoundReport, StatusFacts,
    VERSION, Verdict,
};
use netreach_wire::{AgentId, Connection, Load, RoundId, Usage};
use serde_json::{Value, json};

/// The agent on node `n-<name>` in pod `agent-<name>`.
pub(crate) fn agent(name: &str) -> AgentId {
    AgentId { node: format!("n-{name}"), pod: format!("agent-{name}") }
}

/// When round `number` is due: one a minute.
pub(crate) fn due(number: u64) -> Timestamp {
    let minutes = SignedDuration::from_mins(i64::try_from(number).unwrap());
    Timestamp::from_second(1_690_878_960).unwrap() + minutes
}

/// When a round that begins `at` has to end.
pub(crate) fn deadline(at: Timestamp) -> Timestamp {
    at + SignedDuration::from_secs(60)
}

/// A round of these agents, a moment late and 11.2 s long.
pub(crate) fn report(number: u64, reported: &[AgentId], missing: &[AgentId]) -> RoundReport {
    let start = due(number) + SignedDuration::from_millis(120);
    let load = Load { rate_qps: 10, duration_s: 10, timeout_ms: 1_000, connection: Connection::New };
    let agents = reported.iter().map(|agent| AgentReport {
        agent: agent.clone(),
        late: false,
        interrupted: false,
        started: start,
        elapsed_us: 11_178_657,
        load,
        usage: Usage::default(),
        lateness: None,
        targets: Vec::new(),
    });
    let why = "nothing came by the deadline";
    let missing = missing.iter().map(|agent| MissingAgent { agent: agent.clone(), why: why.to_owned() });
    RoundReport {
        version: VERSION,
        id: RoundId { uid: "0c5e".to_owned(), number },
        task: "task".to_owned(),
        spec: json!({}),
        due: due(number),
        start,
        deadline: deadline(start),
        ended: start + SignedDuration::from_micros(11_178_657),
        agents: agents.collect(),
        missing: missing.collect(),
        gaps: Vec::new(),
        sampling: None,
        interrupted: false,
        results_lost: None,
        not_begun: None,
    }
}

/// `successes` of 100 probes by this agent came back.
pub(crate) fn lossy(agent: &AgentId, successes: u64) -> Reason {
    Reason::SuccessRate {
        agent: agent.clone(),
        target: "AgentPodV4IP_agent-b_10.0.0.2".to_owned(),
        successes,
        sent: 100,
        rate_min: 1.0,
        errors: [("timeout-connect".to_owned(), 100 - successes)].into(),
    }
}

/// Adds what a sentence tells of rounds of the agents a, b and c: `1 ok`, `2 lossy b`, `3 silent c`, `4 unknown`,
/// `missed 5-7`.
pub(crate) fn tell(history: &mut History, sentence: &str) {
    for step in sentence.split(", ").filter(|step| !step.is_empty()) {
        let words: Vec<&str> = step.split(' ').collect();
        let number = || words[0].parse().unwrap();
        match words.as_slice() {
            ["missed", run] => {
                let (first, last) = run.split_once('-').unwrap_or((run, run));
                let [first, last] = [first, last].map(|number| number.parse::<u64>().unwrap());
                history.miss((first, due(first)), (last, due(last)), deadline(due(last)));
            }
            [_, "ok"] => close(history, number(), &[], &Verdict::Succeeded),
            [_, "lossy", names @ ..] => {
                let reasons = names.iter().map(|name| lossy(&agent(name), 97)).collect();
                close(history, number(), &[], &Verdict::Failed(reasons));
            }
            [_, "silent", names @ ..] => {
                let why = "nothing came by the deadline".to_owned();
                let missing = |name: &&str| Reason::AgentMissing { agent: agent(name), why: why.clone() };
                close(history, number(), names, &Verdict::Failed(names.iter().map(missing).collect()));
            }
            [_, "unknown"] => close(history, number(), &[], &Verdict::Unknown("the disk is full".to_owned())),
            _ => panic!("no such step: {step}"),
        }
    }
}

fn close(history: &mut History, number: u64, silent: &[&str], verdict: &Verdict) {
    let (missing, reported): (Vec<&str>, _) = ["a", "b", "c"].into_iter().partition(|n| silent.contains(n));
    let agents = |names: Vec<&str>| names.into_iter().map(agent).collect::<Vec<_>>();
    history.close(&report(number, &agents(reported), &agents(missing)), verdict);
}

/// The history that a sentence tells.
pub(crate) fn history(sentence: &str) -> History {
    let mut history = History::from_status(None);
    tell(&mut history, sentence);
    history
}

/// Facts about a ready NetReach of so many rounds with nothing under way.
pub(crate) fn facts(history: &History, count: u64) -> StatusFacts<'_> {
    StatusFacts {
        history,
        generation: 3,
        rounds: Rounds::Count(count),
        finished: history.done() >= count,
        open: None,
        next: None,
        resource: None,
        ready: Readiness { is_ready: true, reason: "AgentsReady", message: "3 of 3 agents".to_owned() },
        suspended: false,
        before: None,
        now: due(100) + SignedDuration::from_millis(999),
    }
}

/// Round `number` under way.
pub(crate) fn open(number: u64) -> Option<OpenFacts> {
    Some(OpenFacts { number, start: due(number), deadline: deadline(due(number)), agents: 3 })
}

/// Round `number` to come.
pub(crate) fn next(number: u64) -> Option<Next> {
    Some(Next { number, due: due(number), deadline: deadline(due(number)) })
}

/// `finish done/expected last`, as `kubectl get` has it, then each round newest first.
pub(crate) fn line(status: &NetReachStatus) -> String {
    let json = serde_json::to_value(status).unwrap();
    let word = |name: &str| json[name].as_str().unwrap_or("-").to_owned();
    let (finish, done, expected) = (&json["finish"], &json["doneRound"], &json["expectedRound"]);
    let rounds = status.history.iter().flatten().map(round).collect::<String>();
    format!("{finish} {done}/{expected} {}{rounds}", word("lastRoundStatus"))
}

fn round(round: &RoundHistory) -> String {
    let json = serde_json::to_value(round).unwrap();
    let nodes = |sign: char, name: &str| -> String {
        let list = json[format!("{name}AgentNodeList")].as_array().unwrap().clone();
        if let Some(number) = json[format!("{name}AgentNodeNumber")].as_u64() {
            assert_eq!(list.len() as u64, number, "{name} of {json}");
        }
        list.iter().map(|node| format!(" {sign}{}", node.as_str().unwrap())).collect()
    };
    let nodes = nodes('+', "succeed") + &nodes('-', "failed") + &nodes('?', "notReport");
    let many = round.missed_round_number.map(|many| format!("x{many}")).unwrap_or_default();
    let code = round.failure_reason.as_deref().and_then(|reason| reason.split(':').next());
    let code = code.map(|code| format!(" {code}")).unwrap_or_default();
    format!(" | {}{many} {}{code}{nodes}", round.round_number, json["status"].as_str().unwrap())
}

/// `type=status/reason` of each condition.
pub(crate) fn holds(status: &NetReachStatus) -> String {
    let conditions = status.conditions.iter().flatten();
    let said: Vec<String> =
        conditions.map(|one| format!("{}={}/{}", one.type_, one.status, one.reason)).collect();
    said.join(" ")
}

/// As the API server keeps it and gives it back.
pub(crate) fn stored(status: &NetReachStatus) -> NetReachStatus {
    let json: Value = serde_json::to_value(status).unwrap();
    serde_json::from_value(json).unwrap()
}
