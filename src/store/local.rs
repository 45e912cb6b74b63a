//! A directory of this machine: what the object store below does not see to by itself.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path as Directory, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use object_store::local::LocalFileSystem;
use object_store::path::Path;

/// The folders of a store in a directory.
///
/// A folder that another thread has just made may not be on the disk yet: its name is, once the folder above it was
/// synced by whoever writes into it.
#[derive(Debug)]
pub(crate) struct Folders {
    root: PathBuf,
    synced: Mutex<HashSet<PathBuf>>,
}

/// The store in a directory, which is made where it is not there.
pub(crate) fn open(dir: &Directory) -> Result<(LocalFileSystem, Folders), String> {
    create_synced(dir).and_then(|()| fs::canonicalize(dir)).map_err(|error| error.to_string()).and_then(
        |root| {
            let objects = LocalFileSystem::new_with_prefix(&root).map_err(|error| error.to_string())?;
            let objects = objects.with_fsync(true).with_automatic_cleanup(true);
            Ok((objects, Folders { root, synced: Mutex::default() }))
        },
    )
}

impl Folders {
    /// Before an object is written: every folder above it is there, and will be after a power cut.
    pub(crate) fn prepare(&self, key: &Path) -> io::Result<()> {
        match self.prepare_folder(&self.folder_of(key)) {
            // Somebody has just emptied and removed one of them: the write below makes it again.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            prepared => prepared,
        }
    }

    fn prepare_folder(&self, folder: &Directory) -> io::Result<()> {
        if folder == self.root || self.lock().contains(folder) {
            return Ok(());
        }
        let parent = folder.parent().unwrap_or(&self.root);
        self.prepare_folder(parent)?;
        create_dir(folder)?;
        File::open(parent)?.sync_all()?;
        self.lock().insert(folder.to_owned());
        Ok(())
    }

    /// After an object was found there: whoever wrote it may not have come to sync its name.
    pub(crate) fn settle(&self, key: &Path) -> io::Result<()> {
        File::open(self.folder_of(key))?.sync_all()
    }

    /// After an object was removed: the folders above it may have gone with it.
    pub(crate) fn removed(&self, key: &Path) {
        let folder = self.folder_of(key);
        self.lock().retain(|synced| !folder.starts_with(synced));
    }

    /// Removes a folder with all that is in it, unfinished files and empty folders as well.
    pub(crate) fn remove(&self, folder: &Path) -> io::Result<()> {
        let folder = self.path(folder);
        self.lock().retain(|synced| !synced.starts_with(&folder));
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the files in these folders, and beside them, that somebody began to write before that instant and never
    /// finished.
    pub(crate) fn remove_unfinished(&self, folders: &[Path], before: SystemTime) -> io::Result<()> {
        let mut all: Vec<_> = folders.iter().map(|folder| self.path(folder)).collect();
        all.push(self.root.clone());
        while let Some(folder) = all.pop() {
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    if folder != self.root {
                        all.push(entry.path());
                    }
                } else if is_unfinished(&entry.file_name().to_string_lossy()) {
                    // It may be finished, or removed, as we look.
                    let is_old =
                        entry.metadata().and_then(|meta| meta.modified()).is_ok_and(|at| at < before);
                    if is_old {
                        let _ = fs::remove_file(entry.path());
                    }
                }
            }
        }
        Ok(())
    }

    fn path(&self, key: &Path) -> PathBuf {
        self.root.join(key.as_ref())
    }

    fn folder_of(&self, key: &Path) -> PathBuf {
        let mut path = self.path(key);
        path.pop();
        path
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As the object store calls a file until it is whole: `NAME#1`. No key holds a `#`.
fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Creates `dir` and what is missing above it, and syncs each parent.
fn create_synced(dir: &Directory) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Directory::new("."),
    };
    create_synced(parent)?;
    create_dir(dir)?;
    File::open(parent)?.sync_all()
}

fn create_dir(dir: &Directory) -> io::Result<()> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        made => made,
    }
}
