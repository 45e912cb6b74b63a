//! The workspace as files.

use std::fs;
use std::path::{Path, PathBuf};

/// One crate of the workspace.
#[derive(Debug, Clone)]
pub struct Crate {
    /// Its folder's name.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// The crates of this workspace that its code may use (tests apart).
    pub uses: Vec<String>,
    /// Its source files, test files apart.
    pub sources: Vec<PathBuf>,
}

/// The workspace's folder.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the workspace")
}

/// Every crate below `src/`, and the webhook once there is one.
#[must_use]
pub fn crates() -> Vec<Crate> {
    let below =
        fs::read_dir(root().join("src")).expect("src/ can be read").flatten().map(|entry| entry.path());
    let mut dirs: Vec<PathBuf> = below.chain([root().join("webhook")]).collect();
    dirs.retain(|dir| dir.join("Cargo.toml").is_file());
    dirs.sort();
    dirs.iter().map(|dir| read(dir)).collect()
}

fn read(dir: &Path) -> Crate {
    let manifest = fs::read_to_string(dir.join("Cargo.toml")).expect("a crate has a manifest");
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    let uses =
        dependencies.lines().filter_map(|line| line.strip_prefix("netreach-")?.split(['.', ' ']).next());
    let mut sources = Vec::new();
    collect(dir, &mut sources);
    sources.sort();
    let name = dir.file_name().and_then(|name| name.to_str()).expect("folders have plain names").to_owned();
    Crate { name, dir: dir.to_owned(), uses: uses.map(str::to_owned).collect(), sources }
}

fn collect(dir: &Path, sources: &mut Vec<PathBuf>) {
    for path in fs::read_dir(dir).expect("a crate's folder can be read").flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "tests" {
            collect(&path, sources);
        } else if name.ends_with(".rs") && !name.ends_with("_tests.rs") && name != "tests.rs" {
            sources.push(path);
        }
    }
}
