//! A list that comes in parts → the list. Pure, but for the asking.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::limits::PART_MAX;
use super::paths::Part;
use super::reader::{ReadTrouble, Reader};

/// A list as the cluster tells it: items and what is around them are copied, not understood.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List {
    kind: String,
    api_version: String,
    metadata: Box<RawValue>,
    pub(super) items: Vec<Box<RawValue>>,
}

/// Where it goes on.
#[derive(Debug, Default, Deserialize)]
struct ListMetadata {
    #[serde(default)]
    r#continue: Option<String>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListTrouble {
    /// An answer is missing.
    #[error(transparent)]
    Read(#[from] ReadTrouble),
    /// An answer is no list.
    #[error("the answer is no list that this release can read ({0}); a newer one may")]
    NoList(#[from] serde_json::Error),
}

impl List {
    /// Of at most so many items; `path` tells where to ask for a part.
    pub(super) async fn read(
        reader: &Reader,
        count: u32,
        form: &str,
        path: impl Fn(Part<'_>) -> String,
    ) -> Result<Self, ListTrouble> {
        let mut list: Option<Self> = None;
        let mut after: Option<String> = None;
        loop {
            let left = list.as_ref().map_or(count, |list| list.left_to(count));
            let part = Part { limit: left.min(PART_MAX), after: after.as_deref() };
            let part: Self = serde_json::from_str(&reader.hold(&path(part), form).await?)?;
            // A part without items leads nowhere.
            let is_last = part.items.is_empty();
            after = part.goes_on_after()?;
            let whole = match list.take() {
                None => part,
                Some(list) => list.and(part),
            };
            if is_last || after.is_none() || whole.left_to(count) == 0 {
                return Ok(whole);
            }
            list = Some(whole);
        }
    }

    /// The items, understood.
    pub(super) fn of<'a, T: Deserialize<'a>>(&'a self) -> Result<Vec<T>, ListTrouble> {
        let items = self.items.iter().map(|item| serde_json::from_str(item.get()));
        Ok(items.collect::<Result<_, _>>()?)
    }

    fn left_to(&self, count: u32) -> u32 {
        count.saturating_sub(u32::try_from(self.items.len()).unwrap_or(u32::MAX))
    }

    fn goes_on_after(&self) -> Result<Option<String>, serde_json::Error> {
        let metadata: ListMetadata = serde_json::from_str(self.metadata.get())?;
        Ok(metadata.r#continue.filter(|after| !after.is_empty()))
    }

    /// With the part that comes next. The metadata is that part's: it tells whether there is more.
    fn and(mut self, next: Self) -> Self {
        self.items.extend(next.items);
        Self { metadata: next.metadata, ..self }
    }
}
