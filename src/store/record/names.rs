//! The names that every agent repeats, each once: agents' parts say which by its place.

use std::collections::{HashMap, HashSet};

use netreach_report::{RoundReport, TargetReport};
use netreach_wire::TargetFamily;
use serde::{Deserialize, Serialize};

use super::{Part, RecordError};

/// The table: both lists rise, so that of two neighbours little differs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Names<S> {
    pub(super) targets: Vec<NamedTarget<S>>,
    pub(super) backends: Vec<S>,
}

/// A target as the table names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct NamedTarget<S> {
    pub(super) name: S,
    pub(super) url: S,
    pub(super) family: TargetFamily,
}

/// Where each name stands in the table.
pub(super) struct Places<'a> {
    targets: HashMap<NamedTarget<&'a str>, u32>,
    backends: HashMap<&'a str, u32>,
}

impl<'a> Names<&'a str> {
    pub(super) fn of(report: &'a RoundReport) -> Self {
        let (mut targets, mut backends) = (HashSet::new(), HashSet::new());
        for target in report.agents.iter().flat_map(|agent| &agent.targets) {
            targets.insert(named(target));
            backends.extend(target.backends.keys().map(String::as_str));
        }
        Self { targets: rising(targets), backends: rising(backends) }
    }

    pub(super) fn places(&self) -> Places<'a> {
        Places {
            targets: self.targets.iter().copied().zip(0..).collect(),
            backends: self.backends.iter().copied().zip(0..).collect(),
        }
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let unwritable =
            |error: postcard::Error| RecordError::Unwritable { part: Part::Names, why: error.to_string() };
        postcard::to_allocvec(self).map_err(unwritable)
    }
}

impl Names<String> {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let corrupt = |why: String| RecordError::Corrupt { part: Part::Names, why };
        match postcard::take_from_bytes(bytes) {
            Ok((names, [])) => Ok(names),
            Ok((_, rest)) => Err(corrupt(format!("{} bytes follow them", rest.len()))),
            Err(error) => Err(corrupt(error.to_string())),
        }
    }
}

impl Places<'_> {
    pub(super) fn target(&self, target: &TargetReport) -> Option<u32> {
        self.targets.get(&named(target)).copied()
    }

    pub(super) fn backend(&self, name: &str) -> Option<u32> {
        self.backends.get(name).copied()
    }
}

fn rising<T: Ord>(names: HashSet<T>) -> Vec<T> {
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_unstable();
    names
}

fn named(target: &TargetReport) -> NamedTarget<&str> {
    let TargetReport { name, url, family, .. } = target;
    NamedTarget { name, url, family: *family }
}
