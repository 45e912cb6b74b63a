//! What holds of a store in a directory alone.

pub(crate) mod durable;
pub(crate) mod full;
pub(crate) mod speed;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netreach_store::Location;

use crate::suite::Place;

/// A directory that is a test's own.
pub(crate) struct Directory(tempfile::TempDir);

impl Directory {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// In memory, where there is such a place: for tests of many writes that ask nothing of a disk.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        Self(if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Place for Directory {
    fn location(&self) -> Location {
        Location::from(self.path())
    }

    fn variables(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        fs::read(self.path().join(key)).ok()
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.path().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Every file below `dir`, relative to it, sorted.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path.strip_prefix(dir).unwrap().to_owned())
            }
        }
    }
    files.sort();
    files
}

/// This very program with one test to run, after the words of a command that runs others.
fn again(words: &[&str], test: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(program).args([test, "--exact", "--nocapture"]);
    command
}
