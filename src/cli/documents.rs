//! Reports that stay, as YAML files in a directory of the user's.

use std::fs::{Permissions, create_dir_all};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use netreach_report::KdoctorReport;
use tempfile::{Builder, NamedTempFile};

use crate::ending::Trouble;
use crate::show;

/// Most characters of a NetReach's name in a file's name: names may be as long as a file's may be in all.
const NAME_CHARS_MAX: usize = 180;

/// Where the reports of one run go.
#[derive(Debug)]
pub(crate) struct Documents {
    dir: PathBuf,
    /// What the files' names begin with: unlike that of any other run.
    name: String,
}

impl Documents {
    /// In a directory that is there; the run of this NetReach began at the instant.
    pub(crate) fn of(dir: &Path, task: &str, began: Timestamp) -> Self {
        let task: String = task.chars().take(NAME_CHARS_MAX).collect();
        let name = format!("netreach-{task}-{}", began.strftime("%Y%m%dT%H%M%SZ"));
        Self { dir: dir.to_owned(), name }
    }

    /// Makes the directory where there is none, and sees that it can be written: before a run, not after it.
    pub(crate) fn prepare(dir: &Path) -> Result<(), Trouble> {
        create_dir_all(dir)
            .and_then(|()| file_in(dir))
            .map(drop)
            .map_err(|source| Trouble::Reports { dir: dir.to_owned(), source })
    }

    /// Writes a round's report, whole or not at all.
    pub(crate) fn write(&self, round: u64, document: &KdoctorReport) -> Result<(), Trouble> {
        let Self { dir, name } = self;
        let path = dir.join(format!("{name}-round-{round}.yaml"));
        let write = || {
            let mut file = file_in(dir)?;
            file.write_all(show::yaml(document).as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok::<(), io::Error>(())
        };
        write().map_err(|source| Trouble::Write { path: path.clone(), source })
    }
}

/// As readable as the user's own mask has it.
fn file_in(dir: &Path) -> io::Result<NamedTempFile> {
    Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(dir)
}
