//! One report in an answer: opened where that is wanted, and written.

use async_lock::SemaphoreGuardArc;

use crate::ask::accept::Form;
use crate::ask::options::Include;
use crate::body::Pen;
use crate::refused::Refused;
use crate::tell::Opening;
use crate::tell::object::{Metadata, View, partial, remains, whole};
use crate::tell::table::{Cells, row};
use crate::{Contents, Head, State};

/// How reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) form: Form,
    pub(super) include: Include,
}

/// A report as it is to be written.
pub(super) enum Item {
    /// What its head says.
    Head,
    /// With all that is in it.
    Whole(Contents),
    /// With what is left of it.
    Remains,
}

impl Style {
    /// Whether reports have to be opened for it.
    pub(super) fn opens(self) -> bool {
        match self.form {
            Form::Whole | Form::Aggregated(_) => true,
            Form::Table => self.include == Include::Object,
            Form::Metadata => false,
        }
    }

    /// Opens a report as far as it is to be shown; none when there is none any more.
    pub(super) async fn open(self, state: &State, head: &Head) -> Result<Option<Item>, Refused> {
        if !self.opens() {
            return Ok(Some(Item::Head));
        }
        let contents = state.reports().open(head).await.map_err(Refused::Reports)?;
        Ok(contents.map(Item::Whole))
    }

    /// Waits until reports may be opened for an answer; there is nothing to wait for where none is.
    pub(super) async fn turn(self, state: &State) -> Option<SemaphoreGuardArc> {
        if self.opens() { Some(state.turn().await) } else { None }
    }

    /// Writes an item of a list of this style: an object, or a row of a table.
    pub(super) async fn write(self, pen: &mut Pen, view: View<'_>, item: Item) -> Result<(), Refused> {
        match self.form {
            Form::Whole | Form::Aggregated(_) => write_object(pen, view, item).await,
            Form::Metadata => pen.json(&partial(view.metadata())).await,
            Form::Table => {
                let cells = Cells::of(view.head);
                if self.include != Include::Object {
                    let metadata = (self.include == Include::Metadata).then(|| view.metadata());
                    return pen.json(&row(cells, metadata)).await;
                }
                pen.write(b"{\"cells\":").await?;
                pen.json(&cells).await?;
                pen.write(b",\"object\":").await?;
                write_object(pen, view, item).await?;
                pen.write(b"}").await
            }
        }
    }
}

async fn write_object(pen: &mut Pen, view: View<'_>, item: Item) -> Result<(), Refused> {
    match item {
        Item::Whole(contents) => write_whole(pen, view.metadata(), contents).await,
        Item::Head | Item::Remains => {
            let remains = Opening::of_object(&remains(view.head))?;
            pen.write(Opening::of_object(&whole(view.metadata()))?.bytes()).await?;
            write_field_of(pen, remains.bytes()).await?;
            pen.write(b"}").await
        }
    }
}

/// Writes an object of this metadata and these contents.
pub(super) async fn write_whole(
    pen: &mut Pen,
    metadata: Metadata<'_>,
    mut contents: Contents,
) -> Result<(), Refused> {
    pen.write(Opening::of_object(&whole(metadata))?.bytes()).await?;
    let mut has_begun = false;
    while let Some(piece) = contents.next().await {
        let piece = piece.map_err(Refused::Reports)?;
        if has_begun {
            pen.write(&piece).await?;
        } else if !piece.is_empty() {
            write_field_of(pen, &piece).await?;
            has_begun = true;
        }
    }
    // What closes the contents closes the object.
    if has_begun { Ok(()) } else { Err(no_object()) }
}

/// Goes on with the fields of another object.
async fn write_field_of(pen: &mut Pen, object: &[u8]) -> Result<(), Refused> {
    let fields = object.strip_prefix(b"{").ok_or_else(no_object)?;
    pen.write(b",").await?;
    pen.write(fields).await
}

fn no_object() -> Refused {
    Refused::Reports("what is in a report is no JSON object".into())
}
