//! Which part of a round is shown: decided from its head alone, so that what is left out need not even be read.

use netreach_wire::{AgentId, TargetFamily};

use crate::agent_round::agent_round_of;
use crate::limits::PASSING_ENTRIES_MAX;
use crate::{AgentLine, AgentReport, AgentRound, ReportStatus, RoundHead, Truncated};

/// What somebody wants to see of a round; all of it by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// This node only: its agents, and what lists say of them.
    pub node: Option<String>,
    /// Targets of this family only, and agents that have one.
    pub family: Option<TargetFamily>,
    /// Agents that did not succeed only, and of their targets those that did not meet the success condition.
    pub failed: bool,
}

/// The agents of a round that are shown, and how many of their targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// One per line: none leaves the agent out, else the most passing targets that are shown of it. Failing ones always are.
    passing_max: Vec<Option<u32>>,
    node: Option<String>,
    family: Option<TargetFamily>,
    agents_left_out: u64,
    details_left_out: u64,
}

impl Selection {
    /// Everything.
    #[must_use]
    pub fn whole(head: &RoundHead) -> Self {
        Self::filtered(head, &Filter::default())
    }

    /// What the object of a round shows: every agent that failed, was late or starved and every failing target; and of
    /// what went well so much that it stays within [`PASSING_ENTRIES_MAX`] entries, from agents spread evenly over the round,
    /// each with all its targets. Small rounds are whole.
    #[must_use]
    pub fn shortened(head: &RoundHead) -> Self {
        Self::within(&head.lines, PASSING_ENTRIES_MAX)
    }

    fn within(lines: &[AgentLine], passing_entries_max: usize) -> Self {
        let is_remarkable = |line: &AgentLine| !line.succeeded() || line.starved;
        let mut passing_max: Vec<_> = lines.iter().map(|line| is_remarkable(line).then_some(0)).collect();
        let mut left = u32::try_from(passing_entries_max).unwrap_or(u32::MAX);
        for at in evenly(lines.len()) {
            let passing = lines[at].passing_targets();
            let entry = u32::from(passing_max[at].is_none());
            if left < entry + passing.min(1) {
                continue;
            }
            let shown = passing.min(left - entry);
            left -= entry + shown;
            passing_max[at] = Some(shown);
        }
        let unshown = |(line, shown): (&AgentLine, &Option<u32>)| {
            u64::from(line.passing_targets() - shown.unwrap_or_default())
        };
        Self {
            agents_left_out: passing_max.iter().filter(|shown| shown.is_none()).count() as u64,
            details_left_out: lines.iter().zip(&passing_max).map(unshown).sum(),
            passing_max,
            node: None,
            family: None,
        }
    }

    /// What passes the filter, in full.
    #[must_use]
    pub fn filtered(head: &RoundHead, filter: &Filter) -> Self {
        let Filter { node, family, failed } = filter;
        let passes = |line: &AgentLine| {
            node.as_ref().is_none_or(|node| *node == line.agent.node) && !(*failed && line.succeeded())
        };
        let passing_max = if *failed { 0 } else { u32::MAX };
        Self {
            passing_max: head.lines.iter().map(|line| passes(line).then_some(passing_max)).collect(),
            node: node.clone(),
            family: *family,
            agents_left_out: 0,
            details_left_out: 0,
        }
    }

    /// Whether the agent of that line is to be read.
    #[must_use]
    pub fn takes(&self, line: usize) -> bool {
        self.passing_max.get(line).is_some_and(Option::is_some)
    }

    /// Whether what is said of that agent in the document's lists is shown: of other nodes it is not, where one was asked for.
    pub(crate) fn tells_of(&self, agent: &AgentId) -> bool {
        self.node.as_ref().is_none_or(|node| *node == agent.node)
    }

    /// The entry for the agent of that line; none where it is left out.
    #[must_use]
    pub fn agent_round(&self, head: &RoundHead, line: usize, agent: &AgentReport) -> Option<AgentRound> {
        let passing_max = (*self.passing_max.get(line)?)? as usize;
        let entry = agent_round_of(head, agent, |passes| self.targets(agent, passes, passing_max));
        let is_empty = entry.net_reach_task.detail.is_empty();
        (self.family.is_none() || !is_empty).then_some(entry)
    }

    /// What the document says of what it leaves out; none when it is whole. What a filter leaves out was asked for.
    #[must_use]
    pub fn status(&self, head: &RoundHead) -> Option<ReportStatus> {
        let truncated = Truncated {
            agents: self.agents_left_out,
            details: self.details_left_out,
            reasons: head.reasons_left_out,
            command: format!("netreach report {} --round {} --node <NODE>", head.task, head.id.number),
        };
        let Truncated { agents, details, reasons, command: _ } = truncated;
        (agents + details > 0 || reasons > 0).then_some(ReportStatus { truncated })
    }

    /// Which targets are shown: of the passing ones so many, evenly spread.
    fn targets(&self, agent: &AgentReport, passes: &[bool], passing_max: usize) -> Vec<bool> {
        let is_asked = |family| self.family.is_none_or(|asked| asked == family);
        let asked: Vec<bool> = agent.targets.iter().map(|target| is_asked(target.family)).collect();
        let passing = asked.iter().zip(passes).filter(|(asked, passes)| **asked && **passes).count();
        let shown = passing.min(passing_max);
        let mut seen = 0;
        let chosen = asked.iter().zip(passes).map(|(asked, passes)| {
            if !asked || !passes {
                return *asked;
            }
            seen += 1;
            seen * shown / passing > (seen - 1) * shown / passing
        });
        chosen.collect()
    }
}

/// Every number below `count` once, so that however many are taken they lie evenly: halves, then quarters, then eighths.
fn evenly(count: usize) -> impl Iterator<Item = usize> {
    let bits = usize::BITS - count.saturating_sub(1).leading_zeros();
    let mirrored = move |nth: usize| nth.reverse_bits().checked_shr(usize::BITS - bits).unwrap_or(0);
    (0..1_usize << bits).map(mirrored).filter(move |number| *number < count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_once_and_any_first_few_lie_evenly() {
        for count in [0, 1, 2, 3, 4, 60, 97, 1_000, 5_000] {
            let mut numbers: Vec<_> = evenly(count).collect();
            for taken in (8..count).step_by(7) {
                let mut first = numbers[..taken].to_vec();
                first.sort_unstable();
                let widest = first.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
                assert!(widest <= 2 * count / taken + 1, "{taken} of {count}: {widest} apart");
            }
            numbers.sort_unstable();
            assert_eq!(numbers, (0..count).collect::<Vec<_>>());
        }
    }
}
