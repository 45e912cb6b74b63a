//! Why a round is no success, in one bounded line that begins with one word of [`reason`].

use std::cmp::Reverse;

use jiff::Timestamp;
use netreach_api::names::reason;

use crate::fit::cut;
use crate::limits::{FAILURE_REASON_BYTES_MAX, WORD_BYTES_MAX};
use crate::units::instant;
use crate::{Reason, Verdict};

/// Codes from what weighs most to what weighs least, for those that are equally frequent.
const WEIGHT: [&str; 6] = [
    reason::OVER_BUDGET,
    reason::AGENTS_MISSING,
    reason::TARGET_MISSING,
    reason::SUCCESS_RATE,
    reason::MEAN_DELAY,
    reason::INTERRUPTED,
];

/// All reasons of one code: the first of them and how many there are.
struct Kind<'a> {
    code: &'static str,
    first: &'a Reason,
    count: usize,
}

/// The line for a verdict; none for a success.
pub(crate) fn of_verdict(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Succeeded => None,
        Verdict::Unknown(why) => Some(cut(&format!("{}: {why}", reason::UNKNOWN), FAILURE_REASON_BYTES_MAX)),
        Verdict::Failed(reasons) => of_reasons(reasons),
    }
}

/// The line for rounds that were missed in a row, from the first to the last.
pub(crate) fn of_missed(first: (u64, Option<Timestamp>), last: (u64, Timestamp)) -> String {
    let (code, (from, from_due), (to, to_due)) = (reason::MISSED, first, last);
    let to_due = instant(to_due);
    match from_due.map(instant) {
        _ if from == to => format!("{code}: round {to}, due {to_due}, could not be started in time"),
        Some(from_due) => {
            format!("{code}: rounds {from} to {to}, due {from_due} to {to_due}, could not be started in time")
        }
        None => {
            format!("{code}: rounds {from} to {to}, the last due {to_due}, could not be started in time")
        }
    }
}

/// When the first of some missed rounds was due, by the line that [`of_missed`] made for them.
pub(crate) fn first_due(line: &str) -> Option<Timestamp> {
    let (_, dues) = line.split_once(", due ")?;
    dues.split([' ', ',']).next()?.parse().ok()
}

/// The line's code and the rest of it. A line by somebody else may have no code.
pub(crate) fn parts(line: &str) -> (&str, &str) {
    let is_word = |code: &str| {
        code.starts_with(|c: char| c.is_ascii_uppercase())
            && code.chars().all(|c| c.is_ascii_alphanumeric())
            && code.len() <= WORD_BYTES_MAX
    };
    match line.split_once(": ") {
        Some((code, rest)) if is_word(code) => (code, rest),
        _ => (reason::FAILED, line),
    }
}

fn of_reasons(reasons: &[Reason]) -> Option<String> {
    let kinds = kinds(reasons);
    let (Kind { code, first, count }, others) = kinds.split_first()?;
    let more = if *count > 1 { format!("; and {} more", count - 1) } else { String::new() };
    let also: Vec<String> = others.iter().map(|kind| format!("{}: {}", kind.code, kind.count)).collect();
    let also = if also.is_empty() { also.concat() } else { format!("; also {}", also.join(", ")) };
    let tail = more + &also;
    Some(cut(&format!("{code}: {first}"), FAILURE_REASON_BYTES_MAX.saturating_sub(tail.len())) + &tail)
}

/// What tells most comes first: why there was nothing to judge; agents that are missing, for whatever the others could
/// not reach or had no address of may be no more than that; then the most frequent fault. Tired agents, who say nothing
/// about the network, come last.
fn kinds(reasons: &[Reason]) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for first in reasons {
        let code = first.code();
        match kinds.iter_mut().find(|kind| kind.code == code) {
            Some(kind) => kind.count += 1,
            None => kinds.push(Kind { code, first, count: 1 }),
        }
    }
    kinds.sort_by_key(|kind| {
        let tier = match kind.first {
            Reason::NotBegun(_) => 0,
            Reason::AgentMissing { .. } | Reason::AgentLate { .. } => 1,
            Reason::StarvedDelay { .. } | Reason::StarvedSlots { .. } => 3,
            _ => 2,
        };
        let weight = WEIGHT.iter().position(|code| *code == kind.code).unwrap_or(WEIGHT.len());
        (tier, Reverse(kind.count), weight)
    });
    kinds
}
