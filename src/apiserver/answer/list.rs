//! All reports, or some.

use super::item::Style;
use super::page::Page;
use super::{Answer, Asked, allow, flow_until, watch};
use crate::ask::Unfit;
use crate::ask::accept::{Form, Of, negotiate};
use crate::ask::options::{ListAsk, Manner, OfAll, is_watch, of_all};
use crate::ask::token::Place;
use crate::ask::versions::At;
use crate::body::Pen;
use crate::log::{Log, Outside, Snapshot};
use crate::refused::Refused;
use crate::tell::Opening;
use crate::tell::object::{ListMetadata, View, partials, wholes};
use crate::tell::table::table;
use crate::{Access, State, Verb};

/// A list, or a watch.
pub(super) async fn all(state: &State, asked: &Asked<'_>) -> Result<Answer, Refused> {
    let read = of_all(asked.query);
    // Before all else they must be allowed, also to hear what is wrong with what they ask.
    allow(state, asked, access(asked, &read)).await?;
    match read? {
        (OfAll::Watch(ask), manner) => {
            let form = negotiate(asked.accept, Of::Watch).ok_or(Refused::NotAcceptable(", stream=watch"))?;
            watch::begin(state, asked, ask, Style { form, include: manner.include })
        }
        (OfAll::List(ask), manner) => {
            let form = negotiate(asked.accept, Of::List).ok_or(Refused::NotAcceptable(""))?;
            let page = page(state.log()?, &ask)?;
            let (style, state) = (Style { form, include: manner.include }, state.clone());
            let flow = flow_until(&state.clone(), asked.came + manner.within, move |pen| async move {
                write(pen, &state, style, page).await
            });
            Ok(Answer::made(manner.pretty, flow))
        }
    }
}

/// The right that it takes: to all, or to the one whose name is asked for.
fn access(asked: &Asked<'_>, read: &Result<(OfAll, Manner), Unfit>) -> Access {
    let (verb, selection) = match read {
        Ok((OfAll::List(ask), _)) => (Verb::List, Some(&ask.selection)),
        Ok((OfAll::Watch(ask), _)) => (Verb::Watch, Some(&ask.selection)),
        Err(_) if is_watch(asked.query) => (Verb::Watch, None),
        Err(_) => (Verb::List, None),
    };
    Access::to_reports(verb, selection.and_then(|selection| selection.only_name()))
}

fn page(log: &Log, ask: &ListAsk) -> Result<Page, Refused> {
    let (snapshot, after) = match &ask.at {
        At::Newest => (log.now(), None),
        At::NotOlderThan(version) => {
            let now = log.now();
            if now.version < *version {
                return Err(Refused::Ahead { version: *version, newest: now.version });
            }
            (now, None)
        }
        At::Exactly(version) => (at(log, *version)?, None),
        At::Place(place) => (going_on(log, place)?, Some(place.after.as_str())),
    };
    Ok(Page::new(snapshot, ask, after))
}

fn at(log: &Log, version: u64) -> Result<Snapshot, Refused> {
    log.at(version).map_err(|outside| match outside {
        Outside::TooOld { oldest } => Refused::Expired { version, oldest },
        Outside::Ahead { newest } => Refused::Ahead { version, newest },
    })
}

/// The moment that the list began at, while it is known; whoever began it elsewhere may go on with what there is.
fn going_on(log: &Log, place: &Place) -> Result<Snapshot, Refused> {
    match place.version {
        None => Ok(log.now()),
        Some(version) => log
            .at(version)
            .map_err(|_| Refused::ContinueExpired { anew: Place::new(None, &place.after).encode() }),
    }
}

async fn write(mut pen: Pen, state: &State, style: Style, page: Page) -> Result<Pen, Refused> {
    let _turn = style.turn(state).await;
    pen.write(opening(style.form, page.metadata())?.bytes()).await?;
    let mut is_first = true;
    for shown in &page.shown {
        // One that is gone by now is left out.
        let Some(item) = style.open(state, &shown.head).await? else { continue };
        if !std::mem::take(&mut is_first) {
            pen.write(b",").await?;
        }
        style.write(&mut pen, View::of(shown), item).await?;
    }
    pen.write(b"]}").await?;
    Ok(pen)
}

fn opening(form: Form, metadata: ListMetadata) -> serde_json::Result<Opening> {
    match form {
        Form::Whole | Form::Aggregated(_) => Opening::of_list(&wholes(metadata)),
        Form::Metadata => Opening::of_list(&partials(metadata)),
        Form::Table => Opening::of_list(&table(metadata, true)),
    }
}
