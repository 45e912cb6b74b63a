//! What the aggregated API asks for.

use async_trait::async_trait;
use netreach_api::names::REPORT_NAME_PREFIX;
use netreach_apiserver::{Contents, Family, Filter, Head, Reports, Round, RoundSummary, Trouble, Which};
use netreach_report::{self as report, Standing};
use netreach_store::DamagedRound;
use netreach_wire::{RoundId, TargetFamily};

use super::past::Owner;
use super::read::{Part, Stands, open};
use super::{Kept, report_uid, word};

/// A round that is there no more.
#[derive(Debug, thiserror::Error)]
#[error("the record of round {number} is damaged: {why}{}", left(moved_to.as_deref()))]
struct Lost {
    number: u64,
    why: String,
    moved_to: Option<String>,
}

#[async_trait]
impl Reports for Kept {
    async fn open(&self, head: &Head) -> Result<Option<Contents>, Trouble> {
        let Some(newest) = self.newest(&head.task) else { return Ok(None) };
        if report_uid(&newest.uid) != head.uid {
            return Ok(None);
        }
        let of = |number| RoundId { uid: newest.uid.clone(), number };
        // The one of the head while that is kept; then the one that is shown now; then the one before.
        let mut tries = vec![(head.round, stood(head, &newest.standing))];
        tries.extend(
            Some((newest.round.number, newest.standing.clone())).filter(|(now, _)| *now != head.round),
        );
        for (number, standing) in tries {
            match open(&self.store, of(number), Stands::Now(standing), Part::Object).await {
                Ok(Some(opened)) => return Ok(Some(opened.contents)),
                Ok(None) => {}
                Err(error) if error.is_the_rounds() => {
                    tracing::error!(task = head.task, number, %error, "a round is of no use: showing another");
                }
                Err(error) => return Err(error.into()),
            }
        }
        let Some(instead) = self.forgo(&newest).await? else { return Ok(None) };
        let stands = Stands::Now(newest.standing.clone());
        let opened = open(&self.store, of(instead.number), stands, Part::Object).await?;
        Ok(opened.map(|opened| opened.contents))
    }

    async fn rounds(&self, name: &str, uid: Option<&str>) -> Result<Option<Vec<RoundSummary>>, Trouble> {
        let Some(task) = name.strip_prefix(REPORT_NAME_PREFIX) else { return Ok(None) };
        let Some(Owner { uid, standing: _, kept }) = self.owner(task, uid).await? else { return Ok(None) };
        Ok(Some(kept.rounds.iter().map(|round| summary(&uid, round)).collect()))
    }

    async fn round(&self, name: &str, which: Which, filter: &Filter) -> Result<Option<Round>, Trouble> {
        let Some(task) = name.strip_prefix(REPORT_NAME_PREFIX) else { return Ok(None) };
        let Filter { uid, node, family, failed } = filter;
        let Some(Owner { uid, standing, kept }) = self.owner(task, uid.as_deref()).await? else {
            return Ok(None);
        };
        let number = match which {
            Which::Number(number) => Some(number),
            Which::Last => kept.rounds.last().map(|round| round.number),
        };
        let Some(number) = number else { return Ok(None) };
        if let Some(DamagedRound { number, damaged }) = kept.damaged.iter().find(|one| one.number == number) {
            let (why, moved_to) = (damaged.why.clone(), damaged.moved_to.clone());
            return Err(Lost { number: *number, why, moved_to }.into());
        }
        let part = report::Filter { node: node.clone(), family: family.map(target_family), failed: *failed };
        let stands = standing.map_or(Stands::Past(kept.rounds), Stands::Now);
        let id = RoundId { uid: uid.clone(), number };
        let opened = open(&self.store, id, stands, Part::Of(part)).await?;
        Ok(opened.map(|opened| Round {
            uid: report_uid(&uid),
            created: opened.ended,
            contents: opened.contents,
        }))
    }
}

/// Where a NetReach stood when its head was this one: whoever is told late is told the same.
fn stood(head: &Head, now: &Standing) -> Standing {
    let done = head.rounds_done;
    Standing {
        rounds_expected: head.rounds_wanted,
        rounds_done: done,
        rounds_failed: now.rounds_failed.iter().copied().filter(|number| *number <= done).collect(),
        finished: head.is_finished,
    }
}

fn summary(uid: &str, round: &report::RoundSummary) -> RoundSummary {
    let report::RoundSummary {
        task: _,
        number,
        start,
        ended,
        verdict,
        agents,
        failed_nodes,
        missing,
        late,
        worst_p99_us,
    } = round;
    RoundSummary {
        number: *number,
        uid: uid.to_owned(),
        verdict: word(*verdict).into(),
        started: *start,
        ended: *ended,
        agents: *agents,
        failed_nodes: *failed_nodes,
        missing_agents: *missing,
        late_agents: *late,
        worst_p99_us: *worst_p99_us,
    }
}

fn target_family(family: Family) -> TargetFamily {
    match family {
        Family::PodIp => TargetFamily::PodIp,
        Family::MultusIp => TargetFamily::MultusIp,
        Family::ClusterIp => TargetFamily::ClusterIp,
        Family::NodePort => TargetFamily::NodePort,
        Family::LoadBalancer => TargetFamily::LoadBalancer,
        Family::Ingress => TargetFamily::Ingress,
    }
}

fn left(moved_to: Option<&str>) -> String {
    moved_to.map(|key| format!("; its bytes are kept as {key}")).unwrap_or_default()
}
