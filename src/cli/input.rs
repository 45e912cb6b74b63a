//! A file or standard input → one admitted NetReach.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroU64;
use std::path::PathBuf;

use netreach_api::{Admitted, CheckedSpec, ClusterFacts, NetReach, admit as admit_value, check};
use serde_json::Value;

use crate::ending::{Trouble, tell};

/// Largest file that is read, bytes: a thousand times what a NetReach needs.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where the NetReach is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    File(PathBuf),
    StandardInput,
}

impl Source {
    fn read(&self) -> Result<String, String> {
        let mut bytes = Vec::new();
        let read = match self {
            Self::File(path) => {
                File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
            }
            Self::StandardInput => io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes),
        };
        read.map_err(|error| format!("{error}; name a file that can be read, or - for standard input"))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err("it has more than 1 MiB, and a NetReach needs a few hundred bytes".to_owned());
        }
        String::from_utf8(bytes).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            format!("byte {place} is not UTF-8; save it as UTF-8 text")
        })
    }
}

impl From<OsString> for Source {
    fn from(path: OsString) -> Self {
        if path == "-" { Self::StandardInput } else { Self::File(path.into()) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::StandardInput => f.write_str("standard input"),
        }
    }
}

/// Reads, fills in defaults, checks; warnings go to standard error.
pub(crate) fn admit(source: &Source) -> Result<Admitted, Trouble> {
    prove(source, read(source)?)
}

/// What is written there.
pub(crate) fn read(source: &Source) -> Result<Value, Trouble> {
    let from = source.to_string();
    let text = source.read().map_err(|why| Trouble::Unreadable { from: from.clone(), why })?;
    parse(&text).map_err(|why| Trouble::Syntax { from, why })
}

/// Fills in defaults, checks; warnings go to standard error.
pub(crate) fn prove(source: &Source, raw: Value) -> Result<Admitted, Trouble> {
    let from = source.to_string();
    let admitted =
        admit_value(raw, &ClusterFacts::default()).map_err(|faults| Trouble::Faulty { from, faults })?;
    for warning in &admitted.warnings {
        tell(&format!("Warning: {warning}"));
    }
    Ok(admitted)
}

/// The spec with another number of rounds.
pub(crate) fn with_rounds(net_reach: &NetReach, rounds: NonZeroU64) -> Result<CheckedSpec, Trouble> {
    let mut spec = net_reach.spec.clone();
    let schedule = spec.schedule.get_or_insert_default();
    schedule.round_number = Some(i64::try_from(rounds.get()).unwrap_or(i64::MAX));
    check(&spec).map_err(|faults| Trouble::Faulty { from: "--rounds".to_owned(), faults })
}

/// The one document of a YAML text.
fn parse(text: &str) -> Result<Value, String> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| place(&error))?;
    let mut documents: Vec<Value> = documents.into_iter().filter(|document| !document.is_null()).collect();
    match (documents.pop(), documents.len()) {
        (Some(document), 0) => Ok(document),
        (None, _) => Err("it is empty; write one NetReach into it".to_owned()),
        (Some(_), more) => Err(format!("it holds {} documents; keep one NetReach per file", more + 1)),
    }
}

/// The first line of the parser's message, with the place in front.
fn place(error: &serde_saphyr::Error) -> String {
    let message = error.without_snippet().to_string();
    let message = message.lines().next().unwrap_or_default().trim();
    let Some(at) = error.location() else { return message.to_owned() };
    let (line, column) = (at.line(), at.column());
    // Advice to whoever calls the library is none to whoever wrote the file.
    let message = message.split(", set ").next().unwrap_or(message);
    // Some messages end with the place already.
    let message = message.strip_suffix(&format!(" at line {line}, column {column}")).unwrap_or(message);
    format!("line {line}, column {column}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        match (parse(text), expected) {
            (Ok(value), Ok(json)) => assert_eq!(value.to_string(), json),
            (Err(message), Err(start)) => assert!(message.starts_with(start), "{message}"),
            (got, _) => panic!("{text:?} gave {got:?}, not {expected:?}"),
        }
    }

    #[test]
    fn one_document_is_taken_and_faults_are_placed() {
        check("---\na: 0 1\n", Ok(r#"{"a":"0 1"}"#));
        check("{\"a\": 1}", Ok(r#"{"a":1}"#));
        check("a: 1\n---\n", Ok(r#"{"a":1}"#));
        check("", Err("it is empty"));
        check("a: 1\n---\nb: 2\n", Err("it holds 2 documents"));
        check("a: 1\nb: [1, 2\nc: 3\n", Err("line 3, column 2: illegal placement of ':' indicator"));
        check("a:\n\tb: 2\n", Err("line 2, column "));
        check("a: 1\na: 2\n", Err("line 2, column 1: duplicate mapping key: a"));
        assert!(!parse("a: 1\na: 2\n").unwrap_err().contains("Policy"));
    }

    #[test]
    fn a_file_that_grows_when_read_is_refused() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 9].join(",");
            bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert!(parse(&bomb).is_err());
    }
}
