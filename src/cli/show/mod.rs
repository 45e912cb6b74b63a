//! What goes to standard output.

mod table;

use std::io::Write;

use netreach_api::Admitted;
use netreach_report::KdoctorReport;
use serde::Serialize;

use crate::args::{Format, Output};
use crate::ending::{Ending, Trouble};
use crate::input::Source;

/// Prints a text as it is. A reader that has gone away (`| head`) is no trouble.
pub(crate) fn print(text: &str) -> Result<Ending, Trouble> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Ending::Succeeded),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Ending::Succeeded),
        Err(source) => Err(Trouble::System { attempt: "write to standard output", source }),
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

fn json(object: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(object).expect("objects with text keys are always JSON");
    format!("{text}\n")
}
