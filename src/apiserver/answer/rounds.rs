//! The rounds of one report.

use super::item::write_whole;
use super::{Answer, Asked, allow, flow_until};
use crate::ask::accept::{Of, negotiate};
use crate::ask::rounds::{RoundsAsk, of_round, of_rounds};
use crate::ask::token::RoundPlace;
use crate::refused::Refused;
use crate::route::is_name;
use crate::tell::Opening;
use crate::tell::object::{ListMetadata, Metadata, instant};
use crate::tell::rounds::{item, round_list};
use crate::{Access, ROUNDS, Round, RoundSummary, State, Which};

const SUCCEED: &str = "succeed";

/// The list of them, newest first.
pub(super) async fn all(state: &State, asked: &Asked<'_>, name: &str) -> Result<Answer, Refused> {
    allow(state, asked, Access::to_part(ROUNDS, name)).await?;
    let (ask, manner) = of_rounds(asked.query)?;
    negotiate(asked.accept, Of::Plain).ok_or(Refused::NotAcceptable(""))?;
    let version = state.log()?.version();
    if !is_name(name) {
        return Err(Refused::NotFound { name: name.to_owned() });
    }
    // Goes on with the rounds it began with, also when the name has been used anew.
    let uid = ask.uid.clone().or_else(|| ask.place.as_ref().map(|place| place.uid.clone()));
    let (state, name) = (state.clone(), name.to_owned());
    let flow = flow_until(&state.clone(), asked.came + manner.within, move |mut pen| async move {
        let summaries = state.reports().rounds(&name, uid.as_deref()).await.map_err(Refused::Reports)?;
        let summaries = summaries.ok_or_else(|| not_found(&name, uid.as_deref(), None))?;
        let (page, metadata) = page(summaries, &ask, version);
        pen.write(Opening::of_list(&round_list(metadata))?.bytes()).await?;
        for (at, summary) in page.iter().enumerate() {
            if at > 0 {
                pen.write(b",").await?;
            }
            pen.json(&item(summary)).await?;
        }
        pen.write(b"]}").await?;
        Ok(pen)
    });
    Ok(Answer::made(manner.pretty, flow))
}

/// One of them.
pub(super) async fn one(
    state: &State,
    asked: &Asked<'_>,
    name: &str,
    which: Which,
) -> Result<Answer, Refused> {
    allow(state, asked, Access::to_part(ROUNDS, name)).await?;
    let (filter, manner) = of_round(asked.query)?;
    negotiate(asked.accept, Of::Plain).ok_or(Refused::NotAcceptable(""))?;
    state.log()?;
    if !is_name(name) {
        return Err(Refused::NotFound { name: name.to_owned() });
    }
    let (state, name) = (state.clone(), name.to_owned());
    let flow = flow_until(&state.clone(), asked.came + manner.within, move |mut pen| async move {
        let _turn = state.turn().await;
        let round = state.reports().round(&name, which, &filter).await.map_err(Refused::Reports)?;
        let Round { uid, created, contents } =
            round.ok_or_else(|| not_found(&name, filter.uid.as_deref(), Some(which)))?;
        // Without a version: a closed round has none but the one.
        let metadata = Metadata {
            name: &name,
            uid: &uid,
            creation_timestamp: Some(instant(created)),
            ..Metadata::default()
        };
        write_whole(&mut pen, metadata, contents).await?;
        Ok(pen)
    });
    Ok(Answer::made(manner.pretty, flow))
}

/// Newest first, from where it goes on, as many as are asked for.
fn page(
    mut summaries: Vec<RoundSummary>,
    ask: &RoundsAsk,
    version: u64,
) -> (Vec<RoundSummary>, ListMetadata) {
    let RoundsAsk { uid: _, failed, limit, place } = ask;
    summaries.retain(|round| {
        (!failed || round.verdict != SUCCEED) && place.as_ref().is_none_or(|place| round.number < place.below)
    });
    summaries.sort_unstable_by_key(|round| std::cmp::Reverse(round.number));
    let first = limit.unwrap_or(usize::MAX);
    let left = summaries.len().saturating_sub(first);
    summaries.truncate(first);
    let last = summaries.last().filter(|_| left > 0);
    let metadata = ListMetadata {
        resource_version: version.to_string(),
        r#continue: last.map(|round| RoundPlace::new(&round.uid, round.number).encode()),
        remaining_item_count: last.map(|_| left),
    };
    (summaries, metadata)
}

fn not_found(name: &str, uid: Option<&str>, which: Option<Which>) -> Refused {
    let what = match (which, uid) {
        (None, None) => return Refused::NotFound { name: name.to_owned() },
        (None, Some(uid)) => format!("no rounds of uid {uid:?} are kept"),
        (Some(which), None) => format!("there is no round {which}, or it is no longer kept"),
        (Some(which), Some(uid)) => {
            format!("there is no round {which} of uid {uid:?}, or it is no longer kept")
        }
    };
    Refused::PartNotFound { name: name.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tell::rounds::tests::summary;

    fn numbers(ask: &RoundsAsk) -> (Vec<u64>, Option<usize>) {
        let summaries = [2, 5, 1, 4, 3].map(|number| RoundSummary {
            verdict: if number % 2 == 0 { SUCCEED } else { "unknown" }.into(),
            ..summary(number)
        });
        let (page, metadata) = page(summaries.to_vec(), ask, 9);
        let below = metadata.r#continue.map(|token| RoundPlace::decode(&token).unwrap().below);
        assert_eq!(below, page.last().map(|last| last.number).filter(|_| below.is_some()));
        (page.iter().map(|round| round.number).collect(), metadata.remaining_item_count)
    }

    #[test]
    fn the_newest_round_comes_first() {
        let ask = |failed, limit, below: Option<u64>| RoundsAsk {
            uid: None,
            failed,
            limit,
            place: below.map(|below| RoundPlace::new("u", below)),
        };
        assert_eq!(numbers(&ask(false, None, None)), (vec![5, 4, 3, 2, 1], None));
        assert_eq!(numbers(&ask(false, Some(2), None)), (vec![5, 4], Some(3)));
        assert_eq!(numbers(&ask(false, Some(2), Some(4))), (vec![3, 2], Some(1)));
        assert_eq!(numbers(&ask(true, Some(2), None)), (vec![5, 3], Some(1)));
        assert_eq!(numbers(&ask(true, None, Some(3))), (vec![1], None));
        assert_eq!(numbers(&ask(false, None, Some(1))), (vec![], None));
    }
}
