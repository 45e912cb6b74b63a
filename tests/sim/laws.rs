//! What must hold, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use netreach_api::Rounds;
use netreach_plan::DueRound;
use netreach_report::{RoundReport, Standing, Verdict, api_object, judge, merge};
use netreach_wire::AgentId;
use serde_json::Value;

use crate::agent::Fate;
use crate::facts::Facts;

/// What was in truth kept of an agent's part of a round: known to the world, not to the manager.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    pub(crate) fate: Fate,
    pub(crate) late: bool,
    /// Its first slot, by the true clock.
    pub(crate) started: Timestamp,
}

pub(crate) type Truths = BTreeMap<(u64, AgentId), Truth>;

/// When the round with this number is due: the first one, and the pause between two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dues {
    pub(crate) first: Timestamp,
    pub(crate) every: SignedDuration,
}

/// The rounds done, missed or open are the first so many, each once and each at its own due instant.
pub(crate) fn numbers(facts: &Facts, dues: Dues, now: Timestamp) {
    let closed = facts.closed();
    let open = facts.open().map(|plan| plan.id.number);
    let missed = facts.missed.iter().flat_map(|&(first, last)| first.number..=last.number);
    let mut numbers: Vec<u64> = closed.iter().copied().chain(open).chain(missed).collect();
    numbers.sort_unstable();
    let count = numbers.len() as u64;
    assert!(
        numbers.into_iter().eq(1..=count),
        "rounds are done twice or left out: {closed:?}, {:?}",
        facts.missed
    );
    if let Rounds::Count(most) = facts.spec.rounds() {
        assert!(count <= most, "{count} rounds, and {most} were asked for");
    }
    let plans = facts.plans.values().map(|plan| DueRound { number: plan.id.number, due: plan.due });
    let missed = facts.missed.iter().flat_map(|&(first, last)| [first, last]);
    for DueRound { number, due } in plans.chain(missed) {
        let before = i32::try_from(number - 1).unwrap();
        assert_eq!(due, dues.first + dues.every * before, "round {number} is due at another instant");
        assert!(due <= now, "round {number} was not due yet");
    }
}

/// A round is opened in its time, and has all of its time.
pub(crate) fn opened(facts: &Facts, round: DueRound, now: Timestamp) {
    let timeout = SignedDuration::from_millis(facts.spec.round_timeout_ms().try_into().unwrap());
    assert!(
        round.due <= now && now < round.due + timeout,
        "round {} is opened out of its time",
        round.number
    );
    assert_eq!(facts.plans[&round.number].deadline, now + timeout);
}

/// A manager that has had its turn leaves no round open beyond its deadline, and will be there when it comes.
pub(crate) fn in_time(facts: &Facts, now: Timestamp, until: Option<Timestamp>) {
    if let Some(open) = facts.open() {
        let is_awaited = until.is_some_and(|until| until <= open.deadline);
        assert!(now < open.deadline && is_awaited, "{} stays open, next turn at {until:?}", open.id);
    }
}

/// A missed round's time is over, or a later one has been due since.
pub(crate) fn missed(facts: &Facts, last: DueRound, dues: Dues, now: Timestamp) {
    let timeout = SignedDuration::from_millis(facts.spec.round_timeout_ms().try_into().unwrap());
    let next_due = last.due + dues.every;
    assert!(now >= last.due + timeout || now >= next_due, "round {} could still have run", last.number);
}

/// The report and the verdict say what is true of this round.
pub(crate) fn judged(facts: &Facts, truths: &Truths, report: &RoundReport, is_success: bool) {
    let number = report.id.number;
    let expected = facts.plans[&number].assignments.iter().map(|assignment| &assignment.agent);
    let truth = |agent: &AgentId| truths.get(&(number, agent.clone())).copied();
    let (mut missing, mut late, mut is_whole) = (BTreeSet::new(), BTreeSet::new(), true);
    for agent in expected {
        let readable = truth(agent).filter(|truth| truth.fate.is_readable());
        match readable {
            None => _ = missing.insert(agent),
            Some(truth) if truth.late => _ = late.insert(agent),
            Some(_) => {}
        }
        is_whole &= readable.is_some_and(|truth| !truth.late && truth.fate.is_clean());
    }
    is_whole &= !facts.plans[&number].assignments.is_empty();
    assert_eq!(is_success, is_whole, "verdict on round {number}: {:?}", judge(report, &facts.spec.expect()));
    let told: BTreeSet<_> = report.missing.iter().map(|missing| &missing.agent).collect();
    assert_eq!(told, missing, "agents missing in round {number}");
    let told: BTreeSet<_> = report.agents.iter().filter(|one| one.late).map(|one| &one.agent).collect();
    assert_eq!(told, late, "agents late in round {number}");
    for one in &report.agents {
        let truth = truth(&one.agent).unwrap();
        assert_eq!(one.started, truth.started, "{} began by the manager's clock", one.agent);
    }
    counted(&document(facts, report), facts.spec.load().qps, facts.spec.load().duration_s);
}

/// When all is over: what is kept says the same as what was said, and more only where more has come.
pub(crate) fn kept(
    facts: &Facts,
    truths: &Truths,
    said: &BTreeMap<u64, (RoundReport, bool)>,
    random: &mut Rng,
) {
    assert_eq!(facts.closed(), said.keys().copied().collect::<Vec<_>>());
    for (&number, (report, is_success)) in said {
        let stored = facts.store.read_round(&report.id).unwrap().unwrap();
        assert_eq!(stored, *report, "the stored report is another one");
        assert_eq!(judge(&stored, &facts.spec.expect()) == Verdict::Succeeded, *is_success, "judged again");
        // Late results stand beside the closed round: read together, they make its last word.
        let mut round = facts.closed_round(number, facts.results(number), report.ended);
        let last_word = merge(round.clone());
        judged(facts, truths, &last_word, *is_success);
        random.shuffle(&mut round.submitted);
        random.shuffle(&mut round.assignments);
        assert_eq!(merge(round), last_word, "the order of arrival matters");
    }
}

fn document(facts: &Facts, report: &RoundReport) -> Value {
    let standing = Standing {
        rounds_expected: -1,
        rounds_done: report.id.number,
        rounds_failed: Vec::new(),
        finished: false,
    };
    serde_json::to_value(api_object(report, &facts.spec.expect(), &standing)).unwrap()
}

fn counted(document: &Value, rate_qps: u32, duration_s: u32) {
    let slots = u64::from(rate_qps) * u64::from(duration_s);
    for agent in document["spec"]["Report"].as_array().unwrap() {
        let details = agent["NetReachTask"]["Detail"].as_array().unwrap();
        assert!(!details.is_empty());
        for detail in details {
            let count = |value: &Value| value.as_u64().unwrap();
            let sent = count(&detail["Metrics"]["RequestCounts"]);
            assert_eq!(sent + count(&detail["UnsentCounts"]), slots, "{}", detail["TargetName"]);
        }
    }
}
