//! What holds of a NetReach now, in the form in which `kubectl wait` understands it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use netreach_api::names::{condition, reason};
use netreach_api::{LastRoundStatus, Rounds};

use crate::entry::{seconds, signed};
use crate::failure_reason::parts;
use crate::fit::cut;
use crate::limits::{MESSAGE_BYTES_MAX, WORD_BYTES_MAX};
use crate::units::instant;
use crate::{History, Next, OpenFacts, StatusFacts};

const TRUE: &str = "True";
const FALSE: &str = "False";
const UNKNOWN: &str = "Unknown";

/// A condition's status, reason and message.
type Said<'a> = (&'static str, &'a str, String);

/// Ready, Progressing, Complete, Healthy.
pub(crate) fn conditions(
    facts: &StatusFacts<'_>,
    open: Option<OpenFacts>,
    next: Option<Next>,
) -> Vec<Condition> {
    let StatusFacts { history, rounds, finished, ready, .. } = facts;
    let ready = (if ready.is_ready { TRUE } else { FALSE }, ready.reason, ready.message.clone());
    let said = [
        (condition::READY, ready),
        (condition::PROGRESSING, progressing(facts, open, next)),
        (condition::COMPLETE, complete(history.done(), *rounds, *finished)),
        (condition::HEALTHY, healthy(history)),
    ];
    said.into_iter().map(|(type_, said)| made(facts, type_, said)).collect()
}

fn progressing(facts: &StatusFacts<'_>, open: Option<OpenFacts>, next: Option<Next>) -> Said<'static> {
    if let Some(OpenFacts { number, deadline, .. }) = open {
        let message = format!("round {number} is under way until {} at the latest", instant(deadline));
        return (TRUE, reason::ROUND_ONGOING, message);
    }
    if facts.finished {
        return (FALSE, reason::FINISHED, "no round is left to do".to_owned());
    }
    if facts.suspended {
        return (FALSE, reason::SUSPENDED, "no new round starts while spec.suspend is true".to_owned());
    }
    let message = match next {
        Some(Next { number, due, .. }) => format!("round {number} is due at {}", instant(due)),
        None => "no round is due yet".to_owned(),
    };
    (FALSE, reason::WAITING, message)
}

fn complete(done: u64, rounds: Rounds, finished: bool) -> Said<'static> {
    let message = match rounds {
        Rounds::Forever => format!("rounds done: {done}, wanted: no end of them"),
        Rounds::Count(count) if finished && done < count => {
            format!("rounds done: {done}, wanted: {count}, but the schedule has no further date")
        }
        Rounds::Count(count) => format!("rounds done: {done}, wanted: {count}"),
    };
    if finished { (TRUE, reason::ROUNDS_DONE, message) } else { (FALSE, reason::ROUNDS_LEFT, message) }
}

/// Speaks of the newest round done. A status of before may count rounds without telling of them.
fn healthy(history: &History) -> Said<'_> {
    let number = history.done();
    let newest = history.entries().first().filter(|round| round.round_number == signed(number));
    let line = newest.and_then(|round| round.failure_reason.as_deref());
    let (status, unsaid) = match history.last_status() {
        None => return (UNKNOWN, reason::NO_ROUND_YET, "no round is done yet".to_owned()),
        Some(LastRoundStatus::Succeed) => {
            return (TRUE, reason::SUCCEEDED, format!("round {number} succeeded"));
        }
        Some(LastRoundStatus::Fail) => (FALSE, (reason::FAILED, "it failed")),
        Some(LastRoundStatus::Unknown) => (UNKNOWN, (reason::UNKNOWN, "it could not be judged")),
    };
    let (code, why) = line.map_or(unsaid, parts);
    (status, code, format!("round {number}: {why}"))
}

fn made(facts: &StatusFacts<'_>, type_: &str, (status, reason, message): Said<'_>) -> Condition {
    let before = facts.before.and_then(|before| before.conditions.as_ref()).into_iter().flatten();
    let before = before.into_iter().find(|before| before.type_ == type_ && before.status == status);
    let since = before.map_or(facts.now, |before| before.last_transition_time.0);
    Condition {
        last_transition_time: seconds(since),
        message: cut(&message, MESSAGE_BYTES_MAX),
        observed_generation: Some(facts.generation),
        reason: cut(reason, WORD_BYTES_MAX),
        status: status.to_owned(),
        type_: type_.to_owned(),
    }
}
