//! A folder as kubelets keep those of mounted Secrets and ConfigMaps.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Files that change all at once: they lie in a folder that a link points to, and it is the link that is replaced.
#[derive(Debug)]
pub struct Mount {
    dir: TempDir,
    puts: u32,
}

impl Mount {
    /// A folder with these files, by name and text.
    ///
    /// # Panics
    /// When the disk is of no use.
    #[must_use]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let mut mount = Self { dir: tempfile::tempdir().expect("there is a temporary folder"), puts: 0 };
        for (name, _) in files {
            symlink(Path::new("..data").join(name), mount.file(name)).expect("it is a new folder");
        }
        mount.put(files);
        mount
    }

    /// Replaces all files.
    ///
    /// # Panics
    /// When the disk is of no use.
    pub fn put(&mut self, files: &[(&str, &str)]) {
        self.puts += 1;
        let data = format!("..{}", self.puts);
        fs::create_dir(self.file(&data)).expect("each has its own number");
        for (name, text) in files {
            fs::write(self.file(&data).join(name), text).expect("the disk is not full");
        }
        symlink(&data, self.file("..data_tmp")).expect("the last one was renamed");
        fs::rename(self.file("..data_tmp"), self.file("..data")).expect("a link can replace a link");
        let _ = fs::remove_dir_all(self.file(&format!("..{}", self.puts - 1)));
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where a file of it is.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}
