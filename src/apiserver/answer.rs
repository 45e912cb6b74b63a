//! What somebody who is known asks for → what they are told.

use serde::Serialize;

use crate::accept::{Form, Of, negotiate};
use crate::limits::{LIST_BYTES_MAX, PRETTY_BYTES_MAX};
use crate::object::{ListMetadata, partial, partials, whole, wholes};
use crate::page::Page;
use crate::query::{Include, Query, read};
use crate::refused::Refused;
use crate::reports::{Head, Report};
use crate::route::{Route, is_name};
use crate::table::{row, row_with, table};
use crate::{Access, Caller, Ruling, State, Verb, discovery, openapi};

/// What is asked for.
pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) route: Route<'a>,
    pub(crate) query: &'a [(String, String)],
    pub(crate) accept: &'a str,
}

/// The answer, JSON.
///
/// What there is to ask for may be read by everybody: the API server has already seen to it that the caller may read that path,
/// and its own aggregator comes as a user whom no role knows. Reports are read by those who may.
pub(crate) async fn answer(state: &State, asked: &Asked<'_>) -> Result<Vec<u8>, Refused> {
    match asked.route {
        Route::Groups => write(&discovery::groups(), false),
        Route::Group => write(&discovery::group(), false),
        Route::Resources => write(&discovery::resources(), false),
        Route::Version => write(&discovery::version(), false),
        Route::OpenApiV2 => write(&openapi::v2(), false),
        Route::OpenApiV3 => write(&openapi::v3_paths(), false),
        Route::OpenApiV3OfGroup => write(&openapi::v3(), false),
        Route::Reports => {
            allow(state, asked, Verb::List, None).await?;
            list(state, asked).await
        }
        Route::Report(name) => {
            allow(state, asked, Verb::Get, Some(name)).await?;
            get(state, asked, name).await
        }
        Route::Nowhere => Err(Refused::Nowhere),
    }
}

async fn allow(state: &State, asked: &Asked<'_>, verb: Verb, name: Option<&str>) -> Result<(), Refused> {
    let access = Access::to_reports(verb, name);
    match state.authorizer().rule(asked.caller, &access).await.map_err(Refused::Authorizer)? {
        Ruling::Allowed => Ok(()),
        Ruling::Denied(reason) => {
            Err(Refused::Forbidden { user: asked.caller.user.clone(), verb, name: access.name, reason })
        }
    }
}

async fn list(state: &State, asked: &Asked<'_>) -> Result<Vec<u8>, Refused> {
    let (query, form) = wanted(asked, Of::List)?;
    let mut page = Page::new(state.reports().heads().await.map_err(Refused::Reports)?, &query);
    match form {
        Form::Metadata => write(&partials(&page.heads, page.metadata()), query.pretty),
        Form::Table if query.include != Include::Object => {
            let rows = page.heads.iter().map(|head| row(head, query.include)).collect();
            write(&table(rows, page.metadata()), query.pretty)
        }
        Form::Table => {
            let _turn = state.turn().await;
            let reports = collect(state, &mut page, &query).await?;
            write(&table(reports.iter().map(row_with).collect(), page.metadata()), query.pretty)
        }
        Form::Whole => {
            let _turn = state.turn().await;
            let reports = collect(state, &mut page, &query).await?;
            write(&wholes(&reports, page.metadata()), query.pretty)
        }
    }
}

async fn get(state: &State, asked: &Asked<'_>, name: &str) -> Result<Vec<u8>, Refused> {
    let (query, form) = wanted(asked, Of::Object)?;
    let of_table = |head: &Head| ListMetadata {
        resource_version: head.resource_version.to_string(),
        r#continue: None,
        remaining_item_count: None,
    };
    if form == Form::Metadata || (form == Form::Table && query.include != Include::Object) {
        let head = find(state, name).await?;
        return match form {
            Form::Metadata => write(&partial(&head), query.pretty),
            _ => write(&table(vec![row(&head, query.include)], of_table(&head)), query.pretty),
        };
    }
    let _turn = state.turn().await;
    let report = open(state, name).await?.ok_or_else(|| not_found(name))?;
    match form {
        Form::Table => write(&table(vec![row_with(&report)], of_table(&report.head)), query.pretty),
        _ => write(&whole(&report), query.pretty),
    }
}

fn wanted(asked: &Asked<'_>, of: Of) -> Result<(Query, Form), Refused> {
    let query = read(asked.query)?;
    Ok((query, negotiate(asked.accept, of).ok_or(Refused::NotAcceptable)?))
}

/// The reports of a page, as many as fit. One that is gone by now is left out.
async fn collect(state: &State, page: &mut Page, query: &Query) -> Result<Vec<Report>, Refused> {
    let (mut reports, mut bytes): (Vec<Report>, usize) = (Vec::new(), 0);
    for (at, head) in page.heads.iter().enumerate() {
        let Some(report) = open(state, &head.name).await? else { continue };
        bytes += report.spec.get().len();
        if bytes > LIST_BYTES_MAX && !reports.is_empty() {
            // Only who asked for pages knows that there may be another one.
            if query.limit.is_none() {
                return Err(Refused::TooLarge);
            }
            page.cut(at);
            break;
        }
        reports.push(report);
    }
    Ok(reports)
}

async fn find(state: &State, name: &str) -> Result<Head, Refused> {
    let heads = state.reports().heads().await.map_err(Refused::Reports)?.heads;
    heads.into_iter().find(|head| head.name == name).ok_or_else(|| not_found(name))
}

async fn open(state: &State, name: &str) -> Result<Option<Report>, Refused> {
    if !is_name(name) {
        return Ok(None);
    }
    state.reports().get(name).await.map_err(Refused::Reports)
}

fn not_found(name: &str) -> Refused {
    Refused::NotFound { name: name.to_owned() }
}

fn write(value: &impl Serialize, pretty: bool) -> Result<Vec<u8>, Refused> {
    let line = serde_json::to_vec(value)?;
    if !pretty || line.len() > PRETTY_BYTES_MAX {
        return Ok(line);
    }
    // Contents are copied as they lie: to be laid out they have to be read first.
    let read: serde_json::Value = serde_json::from_slice(&line)?;
    Ok(serde_json::to_vec_pretty(&read)?)
}
