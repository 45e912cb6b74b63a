//! The architecture as a test: arrows, purity, sizes. The arrows are read from `src/README.md`, so that the map cannot
//! say one thing and the code another.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use netreach_tests::{Crate, crates, root};

/// Longest file of code, lines.
const FILE_LINES_MAX: usize = 400;
/// What a pure crate may not say: I/O, clocks, chance, async, logging.
const IMPURE: [&str; 22] = [
    "std::fs",
    "std::env",
    "std::io::",
    "std::process",
    "std::thread",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "Utc::now",
    "Local::now",
    "rand::",
    "getrandom",
    "async fn",
    ".await",
    "tracing::",
    "println!",
    "print!(",
    "dbg!",
];

/// The map's arrows, and the crates it calls pure.
fn map() -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let readme = fs::read_to_string(root().join("src/README.md")).unwrap();
    let block = readme
        .split("```arrows\n")
        .nth(1)
        .expect("the map has a block of arrows")
        .split("```")
        .next()
        .unwrap();
    let mut arrows = BTreeMap::new();
    let mut pure = BTreeSet::new();
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        let (from, to) = line.split_once('→').unwrap_or_else(|| panic!("no arrow in {line:?}"));
        let mut words = from.split_whitespace();
        let name = words.next().expect("an arrow begins somewhere").to_owned();
        if words.next() == Some("(pure)") {
            pure.insert(name.clone());
        }
        let to = to.split(',').map(str::trim).filter(|to| !to.is_empty() && *to != "—").map(str::to_owned);
        arrows.insert(name, to.collect());
    }
    (arrows, pure)
}

fn code(path: &std::path::Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    // Tests at the end of a file may do what they need.
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

fn violations(of: &Crate, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in &of.sources {
        for (number, line) in code(path).lines().enumerate() {
            let statement = line.split("//").next().unwrap_or_default();
            for word in words.iter().filter(|word| statement.contains(**word)) {
                found.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    found
}

#[test]
fn no_crate_imports_against_the_arrows_of_the_map() {
    let (arrows, _) = map();
    let crates = crates();
    let drawn: BTreeSet<&String> = arrows.keys().collect();
    let built: BTreeSet<&String> = crates.iter().map(|one| &one.name).collect();
    assert_eq!(drawn, built, "the map's crates and the tree's differ");
    for one in &crates {
        let uses: BTreeSet<String> = one.uses.iter().cloned().collect();
        assert_eq!(uses, arrows[&one.name], "{} imports other crates than the map draws", one.name);
    }
}

#[test]
fn the_arrows_make_no_circle() {
    let (mut arrows, _) = map();
    while !arrows.is_empty() {
        let free: Vec<String> =
            arrows.iter().filter(|(_, to)| to.is_empty()).map(|(from, _)| from.clone()).collect();
        assert!(!free.is_empty(), "these lean on each other: {arrows:?}");
        for name in free {
            arrows.remove(&name);
            for to in arrows.values_mut() {
                to.remove(&name);
            }
        }
    }
}

#[test]
fn pure_crates_read_no_clock_and_do_no_io() {
    let (_, pure) = map();
    assert!(pure.len() >= 5, "the map calls only {pure:?} pure");
    let found: Vec<String> = crates()
        .iter()
        .filter(|one| pure.contains(&one.name))
        .flat_map(|one| violations(one, &IMPURE))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_word_that_is_impure_is_found() {
    // The net has no holes: the crate that talks to the world trips it.
    let agent = crates().into_iter().find(|one| one.name == "agent").unwrap();
    let found = violations(&agent, &IMPURE);
    for word in ["Instant::now", ".await", "std::fs", "tracing::"] {
        assert!(found.iter().any(|line| line.ends_with(word)), "{word} was not found in the agent");
    }
}

#[test]
fn no_file_passes_its_length() {
    let long = |path: &std::path::PathBuf| {
        let lines = code(path).lines().count();
        (lines > FILE_LINES_MAX)
            .then(|| format!("{}: {lines} lines (at most {FILE_LINES_MAX})", path.display()))
    };
    let found: Vec<String> =
        crates().iter().flat_map(|one| one.sources.clone()).filter_map(|path| long(&path)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn unsafe_code_lies_in_one_file() {
    let holders: Vec<String> = crates()
        .iter()
        .flat_map(|one| &one.sources)
        .filter(|path| {
            code(path)
                .lines()
                .any(|line| line.trim_start().starts_with("unsafe ") || line.contains("= unsafe {"))
        })
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(holders, ["tcp_info.rs"]);
}

#[test]
fn asynchronous_runtimes_are_known_where_the_map_says() {
    for one in crates() {
        let manifest = fs::read_to_string(one.dir.join("Cargo.toml")).unwrap();
        let names = |dependency: &str| manifest.lines().any(|line| line.starts_with(dependency));
        assert!(!names("tokio") || one.name == "store", "{} depends on tokio", one.name);
        assert!(
            !names("kube") || ["api", "cli", "controller", "manager"].contains(&one.name.as_str()),
            "{} depends on kube",
            one.name
        );
    }
}
