//! Bytes → head, and the whole report.

use std::ops::Range;

use netreach_report::{RoundHead, RoundReport};
use serde::{Deserialize, Serialize};

use super::frame::{check_length, unpack};
use super::tail::{OPENING_BYTES, TAIL_BYTES, Tail, check_opening, is_former};
use super::{Bytes, GROUP_BYTES_MAX, Part, RecordError, read_agents, read_exactly};
use crate::limits::{HEAD_BYTES_MAX, NAMES_BYTES_MAX, RECORD_BYTES_MAX, RECORD_END_BYTES};

/// The head of a record: the round without its agents' figures, and where those lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    round: RoundHead,
    pub(super) groups: Vec<Group>,
    pub(super) names: Range<u64>,
}

/// Agents that lie in one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Where the frame lies.
    pub(super) bytes: Range<u64>,
    /// Which lines of the head they are.
    pub(super) lines: Range<usize>,
}

/// The head as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeadForm<R> {
    pub(super) round: R,
    /// Bytes and agents of each frame, in the order of the lines and without a gap.
    pub(super) frames: Vec<(u64, u32)>,
}

/// Reads the head alone: from the record's end, mostly in one go.
///
/// # Errors
/// When the record cannot be read, is torn or altered there, is none, or has another release's form.
pub fn read_head(bytes: &(impl Bytes + ?Sized)) -> Result<Head, RecordError> {
    let size = bytes.size();
    if size > RECORD_BYTES_MAX {
        let why = format!("it has {size} bytes (at most {RECORD_BYTES_MAX})");
        return Err(RecordError::Corrupt { part: Part::Whole, why });
    }
    if size < OPENING_BYTES + TAIL_BYTES {
        return Err(RecordError::Foreign);
    }
    let end_start = size.saturating_sub(RECORD_END_BYTES);
    let end = read_exactly(bytes, end_start..size, Part::End)?;
    let Tail { agents, names, head } = match Tail::parse(&end, size) {
        Err(RecordError::Foreign) if is_former(&read_exactly(bytes, 0..OPENING_BYTES, Part::Opening)?) => {
            return Err(RecordError::Form { found: 0 });
        }
        tail => tail?,
    };
    check_length(names.end - names.start, Part::Names, NAMES_BYTES_MAX)?;
    check_length(head.end - head.start, Part::Head, HEAD_BYTES_MAX)?;
    let within = |at: u64| usize::try_from(at.checked_sub(end_start)?).ok();
    let packed = match within(head.start).zip(within(head.end)).and_then(|(from, to)| end.get(from..to)) {
        Some(packed) => packed,
        None => &read_exactly(bytes, head, Part::Head)?,
    };
    let json = unpack(packed, Part::Head, HEAD_BYTES_MAX)?;
    let corrupt = |why: String| RecordError::Corrupt { part: Part::Head, why };
    let HeadForm::<RoundHead> { round, frames } =
        serde_json::from_slice(&json).map_err(|error| corrupt(error.to_string()))?;
    if !round.is_understood() {
        return Err(RecordError::Form { found: round.version });
    }
    let groups = groups(&frames, agents, round.lines.len())?;
    Ok(Head { round, groups, names })
}

/// Reads everything.
///
/// # Errors
/// When any part of it cannot be read, is torn or altered.
pub fn read_all(bytes: &(impl Bytes + ?Sized)) -> Result<RoundReport, RecordError> {
    let head = read_head(bytes)?;
    check_opening(&read_exactly(bytes, 0..OPENING_BYTES, Part::Opening)?)?;
    let agents = read_agents(bytes, &head, |_, _| true).map(|agent| Ok(agent?.1));
    let agents = agents.collect::<Result<_, RecordError>>()?;
    Ok(head.into_round().into_report(agents))
}

impl Head {
    /// The round.
    #[must_use]
    pub fn round(&self) -> &RoundHead {
        &self.round
    }

    /// The same, when no agent is to be read any more.
    #[must_use]
    pub fn into_round(self) -> RoundHead {
        self.round
    }
}

/// Lays the frames one behind the other: they must fill the room for agents and hold one for each line.
fn groups(frames: &[(u64, u32)], room: Range<u64>, lines: usize) -> Result<Vec<Group>, RecordError> {
    let corrupt = |why: &str| RecordError::Corrupt { part: Part::Head, why: why.to_owned() };
    let (mut start, mut first) = (room.start, 0_usize);
    let mut groups = Vec::new();
    for &(bytes, agents) in frames {
        let end = start.checked_add(bytes).filter(|end| *end <= room.end);
        let end = end.ok_or_else(|| corrupt("its frames pass the room for them"))?;
        let next = usize::try_from(agents).ok().and_then(|agents| first.checked_add(agents));
        let next = next.filter(|next| (first + 1..=lines).contains(next));
        let next = next.ok_or_else(|| corrupt("its frames hold other agents than its lines name"))?;
        check_length(bytes, Part::Agents { first, last: next - 1 }, GROUP_BYTES_MAX)?;
        groups.push(Group { bytes: start..end, lines: first..next });
        (start, first) = (end, next);
    }
    match (start == room.end, first == lines) {
        (true, true) => Ok(groups),
        (false, _) => Err(corrupt("its frames do not fill the room for them")),
        (_, false) => Err(corrupt("its frames hold fewer agents than its lines name")),
    }
}
