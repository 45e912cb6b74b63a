//! The file of cluster facts, followed as it changes. It only feeds defaults and warnings, so one that is missing or of no
//! use is told in the log and stands in nobody's way.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use netreach_api::ClusterFacts;
use netreach_serve::Follow;

use crate::app::State;
use crate::limits::FACTS_BYTES_MAX;

/// Takes over what the file says, now and whenever its folder changes, for ever.
///
/// # Errors
/// When the folder cannot be listened to (any more).
pub async fn follow(file: &Path, state: &State) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let follow = Follow::folder(folder.unwrap_or(Path::new(".")))?;
    loop {
        match load(file) {
            Ok(facts) => {
                state.set_facts(facts);
                tracing::info!(?facts, "cluster facts are loaded");
            }
            Err(error) => tracing::warn!(%error, "cluster facts are of no use: what was known before stays"),
        }
        follow.changed().await?;
    }
}

#[derive(Debug, thiserror::Error)]
enum FactsError {
    #[error("cannot read {path} ({source})")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot make out {path} ({source})")]
    Shape { path: PathBuf, source: Box<serde_saphyr::Error> },
}

fn load(path: &Path) -> Result<ClusterFacts, FactsError> {
    let read = || {
        let mut text = String::new();
        File::open(path)?.take(FACTS_BYTES_MAX).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|source| FactsError::Read { path: path.to_owned(), source })?;
    serde_saphyr::from_str(&text)
        .map_err(|source| FactsError::Shape { path: path.to_owned(), source: Box::new(source) })
}
