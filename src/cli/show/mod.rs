//! What goes to standard output.

mod figures;
mod notes;
mod round;
#[cfg(test)]
mod round_tests;
mod rounds;
mod table;

use std::io::{self, Write};

use netreach_api::Admitted;
use netreach_report::KdoctorReport;
use serde::Serialize;
use serde_transcode::Transcoder;

use crate::args::{Format, Output};
use crate::ending::{Ending, Trouble};
use crate::input::Source;

pub(crate) use round::{Asked, round};
pub(crate) use rounds::rounds;

/// Prints a text as it is. A reader that has gone away (`| head`) is no trouble.
pub(crate) fn print(text: &str) -> Result<Ending, Trouble> {
    match piece(text.as_bytes()) {
        Ok(_) => Ok(Ending::Succeeded),
        Err(source) => Err(Trouble::System { attempt: "write to standard output", source }),
    }
}

/// Prints a piece of something, and tells whether anybody still reads.
pub(crate) fn piece(bytes: &[u8]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// What `check` has to say of a file without a fault.
pub(crate) fn admitted(
    source: &Source,
    admitted: &Admitted,
    form: Option<Format>,
) -> Result<Ending, Trouble> {
    let name = admitted.net_reach.metadata.name.as_deref().unwrap_or_default();
    match form {
        None => print(&format!("{source}: NetReach {name} is valid\n")),
        Some(Format::Json) => print(&json(&admitted.net_reach)),
        Some(Format::Yaml) => print(&yaml(&admitted.net_reach)),
    }
}

/// Prints one round's report; `first` says whether it is the first document of the output.
pub(crate) fn report(report: &KdoctorReport, form: Output, first: bool) -> Result<Ending, Trouble> {
    match form {
        Output::Table => print(&table::table(report, false)),
        Output::Wide => print(&table::table(report, true)),
        Output::Json => print(&json(report)),
        Output::Yaml => {
            let separator = if first { "" } else { "---\n" };
            print(&format!("{separator}{}", yaml(report)))
        }
    }
}

/// An object as YAML.
pub(crate) fn yaml(object: &impl Serialize) -> String {
    serde_saphyr::to_string(object).expect("objects with text keys are always YAML")
}

/// A JSON document as YAML: what it holds, in its order.
///
/// # Errors
/// When it is no JSON.
pub(crate) fn transcoded(json: &str) -> Result<String, String> {
    let mut document = serde_json::Deserializer::from_str(json);
    let yaml = serde_saphyr::to_string(&Transcoder::new(&mut document)).map_err(|error| error.to_string())?;
    document.end().map_err(|error| error.to_string())?;
    Ok(yaml)
}

/// An object as JSON, laid out.
pub(crate) fn json(object: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(object).expect("objects with text keys are always JSON");
    format!("{text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_the_same_in_yaml_and_keeps_its_order() {
        let json = r#"{"b":{"z":1,"a":[true,null,"2023-08-01T08:36:56Z","- x: 7",-2.5,18446744073709551615]},"a":{},"c":[]}"#;
        let yaml = transcoded(json).unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(read, serde_json::from_str::<serde_json::Value>(json).unwrap());
        let keys: Vec<&str> =
            yaml.lines().filter_map(|line| line.trim().split_once(':')).map(|(key, _)| key).collect();
        assert_eq!(keys[..3], ["b", "z", "a"], "{yaml}");
        assert!(transcoded(r#"{"a": 1} {"#).is_err());
        assert!(transcoded(r#"{"a": "#).is_err());
    }
}
