//! What users see: status and Events.

mod events;
mod status;

pub(crate) use events::{Events, Tale};
pub(crate) use status::{Shown, publish};
