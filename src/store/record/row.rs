//! One agent's part as it is written: an agent, then its targets one after the other, with names by their places in the table.
//!
//! What is written goes by order alone, so a field more, or one in another place, is another form of record.

use std::collections::BTreeMap;

use netreach_report::{AgentReport, TargetReport};
use netreach_wire::limits::TARGETS_PER_AGENT_MAX;
use netreach_wire::{AgentId, Load, Usage, Via};
use serde::{Deserialize, Serialize};

use super::figures::{FiguresRow, Moment};
use super::names::{Names, Places};
use crate::limits::AGENT_TEXT_BYTES_MAX;

#[derive(Debug, Serialize, Deserialize)]
struct AgentRow<'a> {
    node: &'a str,
    pod: &'a str,
    late: bool,
    interrupted: bool,
    started: Moment,
    elapsed_us: u64,
    load: Load,
    usage: UsageRow,
    lateness: Option<FiguresRow>,
    targets: u32,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct UsageRow {
    cpu_max_percent: f64,
    cpu_mean_percent: f64,
    memory_max_bytes: u64,
    run_delay_us: u64,
    throttled_us: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TargetRow<'a> {
    target: u32,
    via: Option<Via>,
    /// Since the agent's first slot.
    began: Moment,
    elapsed_us: u64,
    slots: u64,
    unsent: u64,
    statuses: BTreeMap<u16, u64>,
    #[serde(borrow)]
    failures: BTreeMap<&'a str, u64>,
    /// How far behind the one before each stands in the table, the first as if one stood before it, and how many answers
    /// it gave.
    backends: Vec<(u32, u64)>,
    body_bytes: u64,
    retransmits: u64,
    latency: Option<FiguresRow>,
    from_slot: Option<FiguresRow>,
    lateness: Option<FiguresRow>,
    connect: Option<FiguresRow>,
    first_byte: Option<FiguresRow>,
    rtt: Option<FiguresRow>,
}

/// An agent's part.
///
/// # Errors
/// What makes it unwritable, in words.
pub(super) fn encode(agent: &AgentReport, places: &Places<'_>) -> Result<Vec<u8>, String> {
    let AgentReport { agent: id, late, interrupted, started, elapsed_us, load, usage, lateness, targets } =
        agent;
    let Usage { cpu_max_percent, cpu_mean_percent, memory_max_bytes, run_delay_us, throttled_us } = *usage;
    let count = within(targets.len())?;
    let head = AgentRow {
        node: &id.node,
        pod: &id.pod,
        late: *late,
        interrupted: *interrupted,
        started: Moment::of(*started, None),
        elapsed_us: *elapsed_us,
        load: *load,
        usage: UsageRow { cpu_max_percent, cpu_mean_percent, memory_max_bytes, run_delay_us, throttled_us },
        lateness: lateness.as_ref().map(FiguresRow::from),
        targets: count,
    };
    let mut row = postcard::to_allocvec(&head).map_err(|error| error.to_string())?;
    let mut sums = Sums::default();
    for target in targets {
        sums.add(target)?;
        let target = target_row(target, agent, places).ok_or("a name is not in the table")?;
        row = postcard::to_extend(&target, row).map_err(|error| error.to_string())?;
    }
    Ok(row)
}

/// Reads back what [`encode`] made: all of `row`.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn decode(row: &[u8], names: &Names<String>) -> Result<AgentReport, String> {
    let (head, mut rest) =
        postcard::take_from_bytes::<AgentRow<'_>>(row).map_err(|error| error.to_string())?;
    let AgentRow { node, pod, late, interrupted, started, elapsed_us, load, usage, lateness, targets: count } =
        head;
    within(usize::try_from(count).unwrap_or(usize::MAX))?;
    let UsageRow { cpu_max_percent, cpu_mean_percent, memory_max_bytes, run_delay_us, throttled_us } = usage;
    let mut agent = AgentReport {
        agent: AgentId { node: node.to_owned(), pod: pod.to_owned() },
        late,
        interrupted,
        started: started.instant(None).ok_or("it began at no instant of the calendar")?,
        elapsed_us,
        load,
        usage: Usage { cpu_max_percent, cpu_mean_percent, memory_max_bytes, run_delay_us, throttled_us },
        lateness: lateness.map(Into::into),
        targets: Vec::new(),
    };
    let mut sums = Sums::default();
    for _ in 0..count {
        let (target, others) = postcard::take_from_bytes(rest).map_err(|error| error.to_string())?;
        let target = target_report(target, &agent, names)
            .ok_or("a target of it is not in the table or the calendar")?;
        sums.add(&target)?;
        agent.targets.push(target);
        rest = others;
    }
    if rest.is_empty() { Ok(agent) } else { Err(format!("{} bytes follow its targets", rest.len())) }
}

fn target_row<'a>(
    target: &'a TargetReport,
    agent: &AgentReport,
    places: &Places<'_>,
) -> Option<TargetRow<'a>> {
    let TargetReport {
        name: _,
        url: _,
        family: _,
        via,
        began,
        elapsed_us,
        slots,
        unsent,
        statuses,
        failures,
        backends,
        body_bytes,
        retransmits,
        latency,
        from_slot,
        lateness,
        connect,
        first_byte,
        rtt,
    } = target;
    let [latency, from_slot, lateness, connect, first_byte, rtt] =
        [latency, from_slot, lateness, connect, first_byte, rtt]
            .map(|figures| figures.as_ref().map(FiguresRow::from));
    let mut passed = 0;
    let step = |(name, count): (&String, &u64)| {
        let next = places.backend(name)? + 1;
        let step = next - passed;
        passed = next;
        Some((step, *count))
    };
    Some(TargetRow {
        target: places.target(target)?,
        via: *via,
        began: Moment::of(*began, Some(agent.started)),
        elapsed_us: *elapsed_us,
        slots: *slots,
        unsent: *unsent,
        statuses: statuses.clone(),
        failures: failures.iter().map(|(key, count)| (key.as_str(), *count)).collect(),
        backends: backends.iter().map(step).collect::<Option<_>>()?,
        body_bytes: *body_bytes,
        retransmits: *retransmits,
        latency,
        from_slot,
        lateness,
        connect,
        first_byte,
        rtt,
    })
}

fn target_report(row: TargetRow<'_>, agent: &AgentReport, names: &Names<String>) -> Option<TargetReport> {
    let named = names.targets.get(usize::try_from(row.target).ok()?)?;
    let figures = |row: Option<FiguresRow>| row.map(Into::into);
    let mut passed = 0_usize;
    // Each name once at most, or a few bytes could ask for any number of copies.
    let backend = |(step, count): (u32, u64)| {
        let place = passed.checked_add(usize::try_from(step.checked_sub(1)?).ok()?)?;
        passed = place + 1;
        Some((names.backends.get(place)?.clone(), count))
    };
    Some(TargetReport {
        name: named.name.clone(),
        url: named.url.clone(),
        family: named.family,
        via: row.via,
        began: row.began.instant(Some(agent.started))?,
        elapsed_us: row.elapsed_us,
        slots: row.slots,
        unsent: row.unsent,
        statuses: row.statuses,
        failures: row.failures.into_iter().map(|(key, count)| (key.to_owned(), count)).collect(),
        backends: row.backends.into_iter().map(backend).collect::<Option<_>>()?,
        body_bytes: row.body_bytes,
        retransmits: row.retransmits,
        latency: figures(row.latency),
        from_slot: figures(row.from_slot),
        lateness: figures(row.lateness),
        connect: figures(row.connect),
        first_byte: figures(row.first_byte),
        rtt: figures(row.rtt),
    })
}

/// What is summed up over an agent's targets must stay small, whoever wrote it.
#[derive(Default)]
struct Sums {
    /// Bytes of names: the table holds each once, so a short row can ask for many.
    text: usize,
}

impl Sums {
    fn add(&mut self, target: &TargetReport) -> Result<(), String> {
        let TargetReport { name, url, slots, unsent, statuses, failures, backends, .. } = target;
        let counts = statuses.values().chain(failures.values()).chain(backends.values());
        if counts.chain([slots, unsent]).any(|&count| count > u64::from(u32::MAX)) {
            return Err(format!("a count passes {}", u32::MAX));
        }
        self.text += name.len() + url.len() + backends.keys().map(String::len).sum::<usize>();
        if self.text > AGENT_TEXT_BYTES_MAX {
            return Err(format!("its names take more than {AGENT_TEXT_BYTES_MAX} bytes"));
        }
        Ok(())
    }
}

fn within(targets: usize) -> Result<u32, String> {
    let count = u32::try_from(targets).ok().filter(|_| targets <= TARGETS_PER_AGENT_MAX);
    count.ok_or_else(|| format!("it has {targets} targets (at most {TARGETS_PER_AGENT_MAX})"))
}
