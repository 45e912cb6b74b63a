//! Report → bytes. Agents are packed as they come, so that beside the record itself little is held.

use netreach_report::{RoundHead, RoundReport, Verdict};

use super::frame::{Packer, too_large};
use super::names::Names;
use super::read::HeadForm;
use super::{GROUP_BYTES_MAX, Part, RecordError, row, tail};
use crate::limits::{AGENT_BYTES_MAX, FRAME_BYTES, HEAD_BYTES_MAX, NAMES_BYTES_MAX, RECORD_BYTES_MAX};

/// The record of a round, with the verdict it got. It can be judged again: every fact is in it.
///
/// # Errors
/// When a part of it would be too large to be read back.
pub fn encode(report: &RoundReport, verdict: &Verdict) -> Result<Vec<u8>, RecordError> {
    encode_with(report, &RoundHead::of(report, verdict))
}

/// The same with the head that is made of both, which judges every target: for whoever has made it.
pub(crate) fn encode_with(report: &RoundReport, head: &RoundHead) -> Result<Vec<u8>, RecordError> {
    let names = Names::of(report);
    let places = names.places();
    let mut groups = Groups::new()?;
    for (line, agent) in report.agents.iter().enumerate() {
        let part = Part::Agents { first: line, last: line };
        let row = row::encode(agent, &places).map_err(|why| RecordError::Unwritable { part, why })?;
        groups.push(&row, part)?;
    }
    groups.pack()?;
    let Groups { mut packer, mut record, frames, .. } = groups;
    let names = packer.pack(&names.encode()?, Part::Names, NAMES_BYTES_MAX)?;
    let head = HeadForm { round: head, frames };
    let head = serde_json::to_vec(&head)
        .map_err(|error| RecordError::Unwritable { part: Part::Head, why: error.to_string() })?;
    let head = packer.pack(&head, Part::Head, HEAD_BYTES_MAX)?;
    for part in [names.as_slice(), &head, &tail::tail(names.len(), head.len())] {
        record.extend_from_slice(part);
    }
    if record.len() as u64 > RECORD_BYTES_MAX {
        return Err(too_large(Part::Whole, record.len() as u64, RECORD_BYTES_MAX));
    }
    Ok(record)
}

/// The record as far as its agents go, and the group that is not packed yet.
struct Groups {
    packer: Packer,
    record: Vec<u8>,
    /// Bytes and agents of each frame.
    frames: Vec<(u64, u32)>,
    /// Agents, each after its length.
    rows: Vec<u8>,
    agents: u32,
    packed_agents: usize,
}

impl Groups {
    fn new() -> Result<Self, RecordError> {
        Ok(Self {
            packer: Packer::new()?,
            record: tail::opening(),
            frames: Vec::new(),
            rows: Vec::new(),
            agents: 0,
            packed_agents: 0,
        })
    }

    fn push(&mut self, row: &[u8], part: Part) -> Result<(), RecordError> {
        let length = u32::try_from(row.len()).ok().filter(|_| row.len() <= AGENT_BYTES_MAX);
        let length = length.ok_or_else(|| too_large(part, row.len() as u64, AGENT_BYTES_MAX as u64))?;
        self.rows.extend_from_slice(&length.to_le_bytes());
        self.rows.extend_from_slice(row);
        self.agents += 1;
        if self.rows.len() >= FRAME_BYTES { self.pack() } else { Ok(()) }
    }

    fn pack(&mut self) -> Result<(), RecordError> {
        if self.agents == 0 {
            return Ok(());
        }
        let first = self.packed_agents;
        self.packed_agents += self.agents as usize;
        let part = Part::Agents { first, last: self.packed_agents - 1 };
        let frame = self.packer.pack(&self.rows, part, GROUP_BYTES_MAX)?;
        self.record.extend_from_slice(&frame);
        self.frames.push((frame.len() as u64, self.agents));
        self.rows.clear();
        self.agents = 0;
        Ok(())
    }
}
