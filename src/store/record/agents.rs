//! Bytes → agents, one at a time, and no more of them than are wanted.

use std::ops::Range;

use netreach_report::{AgentLine, AgentReport};

use super::frame::unpack;
use super::names::Names;
use super::read::{Group, Head};
use super::{Bytes, GROUP_BYTES_MAX, Part, RecordError, read_exactly, row};
use crate::limits::{NAMES_BYTES_MAX, RECORD_READ_BYTES};

/// Agents of a record, read as they are asked for: each with the number of its line.
///
/// Agents that are damaged are one error in their place, and the others follow. Nothing follows when bytes cannot be
/// read, or the names are damaged.
#[derive(Debug)]
pub struct Agents<'a, B: ?Sized> {
    bytes: &'a B,
    head: &'a Head,
    /// Which lines are wanted, rising, and how many of them are done.
    wanted: Vec<usize>,
    done: usize,
    /// Read when the first agent is.
    names: Option<Names<String>>,
    open: Option<Open>,
    /// Bytes that were read at once, and where they begin.
    ahead: (u64, Vec<u8>),
}

/// A frame whose agents are being read.
#[derive(Debug)]
struct Open {
    lines: Range<usize>,
    content: Vec<u8>,
    /// Where in it each agent lies.
    rows: Vec<Range<usize>>,
}

/// The agents of the lines for which `keep` says so. Frames without one are not unpacked, other agents not decoded.
pub fn read_agents<'a, B: Bytes + ?Sized>(
    bytes: &'a B,
    head: &'a Head,
    keep: impl Fn(usize, &AgentLine) -> bool,
) -> Agents<'a, B> {
    let lines = head.round().lines.iter().enumerate();
    let wanted = lines.filter(|(at, line)| keep(*at, line)).map(|(at, _)| at).collect();
    Agents { bytes, head, wanted, done: 0, names: None, open: None, ahead: (0, Vec::new()) }
}

impl<B: Bytes + ?Sized> Iterator for Agents<'_, B> {
    type Item = Result<(usize, AgentReport), RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = *self.wanted.get(self.done)?;
        let agent = self.agent(line);
        self.done = match &agent {
            Ok(_) => self.done + 1,
            Err(RecordError::Corrupt { part: Part::Agents { last, .. }, .. }) => {
                self.wanted.partition_point(|line| line <= last)
            }
            Err(_) => self.wanted.len(),
        };
        Some(agent.map(|agent| (line, agent)))
    }
}

impl<B: Bytes + ?Sized> Agents<'_, B> {
    fn agent(&mut self, line: usize) -> Result<AgentReport, RecordError> {
        if self.names.is_none() {
            let packed = read_exactly(self.bytes, self.head.names.clone(), Part::Names)?;
            self.names = Some(Names::decode(&unpack(&packed, Part::Names, NAMES_BYTES_MAX)?)?);
        }
        if !self.open.as_ref().is_some_and(|open| open.lines.contains(&line)) {
            self.open = Some(self.open(line)?);
        }
        let corrupt =
            |why: String| RecordError::Corrupt { part: Part::Agents { first: line, last: line }, why };
        let row = self
            .open
            .as_ref()
            .and_then(|open| open.content.get(open.rows.get(line - open.lines.start)?.clone()));
        let agent = row.zip(self.names.as_ref()).ok_or_else(|| corrupt("it is not in its frame".to_owned()));
        let agent = agent.and_then(|(row, names)| row::decode(row, names).map_err(corrupt))?;
        let expected = &self.head.round().lines[line].agent;
        if agent.agent == *expected {
            return Ok(agent);
        }
        Err(corrupt(format!("it is {} (expected: {expected})", agent.agent)))
    }

    fn open(&mut self, line: usize) -> Result<Open, RecordError> {
        let groups = &self.head.groups;
        let at = groups.partition_point(|group| group.lines.end <= line);
        let Group { bytes, lines } = groups[at].clone();
        let part = Part::Agents { first: lines.start, last: lines.end - 1 };
        let content = unpack(self.read(at, bytes, part)?, part, GROUP_BYTES_MAX)?;
        let rows = rows(&content, lines.len());
        let why = || "its agents do not fill it".to_owned();
        let rows = rows.ok_or_else(|| RecordError::Corrupt { part, why: why() })?;
        Ok(Open { lines, content, rows })
    }

    /// The bytes of a group; with them those of the next wanted ones, where they lie near.
    fn read(&mut self, at: usize, bytes: Range<u64>, part: Part) -> Result<&[u8], RecordError> {
        let is_ahead = |ahead: &(u64, Vec<u8>)| {
            let end = ahead.0 + ahead.1.len() as u64;
            ahead.0 <= bytes.start && bytes.end <= end
        };
        if !is_ahead(&self.ahead) {
            let near = |group: &&Group| group.bytes.end - bytes.start <= RECORD_READ_BYTES;
            let rest = self.head.groups[at + 1..].iter().take_while(near);
            let last = rest.filter(|group| self.is_wanted(&group.lines)).last();
            let end = last.map_or(bytes.end, |group| group.bytes.end);
            self.ahead = (bytes.start, read_exactly(self.bytes, bytes.start..end, part)?);
        }
        let within = |at: u64| usize::try_from(at - self.ahead.0).ok();
        let range = within(bytes.start).zip(within(bytes.end));
        let found = range.and_then(|(start, end)| self.ahead.1.get(start..end));
        found.ok_or_else(|| RecordError::Corrupt { part, why: "its bytes are not there".to_owned() })
    }

    fn is_wanted(&self, lines: &Range<usize>) -> bool {
        let next = self.wanted.partition_point(|line| *line < lines.start);
        self.wanted.get(next).is_some_and(|line| lines.contains(line))
    }
}

/// Where in a frame each of so many agents lies, when they fill it.
fn rows(content: &[u8], agents: usize) -> Option<Vec<Range<usize>>> {
    let mut rows = Vec::new();
    let mut rest = content;
    for _ in 0..agents {
        let (length, others) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let start = content.len() - others.len();
        rest = others.get(length..)?;
        rows.push(start..start + length);
    }
    rest.is_empty().then_some(rows)
}
