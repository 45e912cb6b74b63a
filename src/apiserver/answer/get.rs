//! One report.

use super::item::Style;
use super::{Answer, Asked, allow, flow_until};
use crate::ask::accept::{Form, Of, negotiate};
use crate::ask::options::of_name;
use crate::refused::Refused;
use crate::route::is_name;
use crate::tell::Opening;
use crate::tell::event::of_one;
use crate::tell::object::View;
use crate::tell::table::table;
use crate::{Access, State, Verb};

pub(super) async fn one(state: &State, asked: &Asked<'_>, name: &str) -> Result<Answer, Refused> {
    allow(state, asked, Access::to_reports(Verb::Get, Some(name))).await?;
    let (version, manner) = of_name(asked.query)?;
    let form = negotiate(asked.accept, Of::Object).ok_or(Refused::NotAcceptable(""))?;
    let log = state.log()?;
    let newest = log.version();
    if version > newest {
        return Err(Refused::Ahead { version, newest });
    }
    let not_found = || Refused::NotFound { name: name.to_owned() };
    let shown = log.get(name).filter(|_| is_name(name)).ok_or_else(not_found)?;
    let (style, state, name) = (Style { form, include: manner.include }, state.clone(), name.to_owned());
    let until = asked.came + manner.within;
    let flow = flow_until(&state.clone(), until, move |mut pen| async move {
        let _turn = style.turn(&state).await;
        let item =
            style.open(&state, &shown.head).await?.ok_or_else(|| Refused::NotFound { name: name.clone() })?;
        let view = View::of(&shown);
        if form == Form::Table {
            pen.write(Opening::of_list(&table(of_one(view.version), true))?.bytes()).await?;
            style.write(&mut pen, view, item).await?;
            pen.write(b"]}").await?;
        } else {
            style.write(&mut pen, view, item).await?;
        }
        Ok(pen)
    });
    Ok(Answer::made(manner.pretty, flow))
}
