//! Figures as tables have them, and how a table is laid out.

use std::cmp::Reverse;
use std::ops::Range;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};
use netreach_report::{Detail, Latencies, Number};

/// A table without lines; the columns of `numbers` are aligned to the right, and the first begins `indent` characters
/// from the margin.
pub(super) fn laid_out(
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
    numbers: Range<usize>,
    indent: u16,
) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| one_line(cell)).collect::<Vec<_>>()));
    for column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // Cells are padded on both sides: the first column should begin where it was asked for.
    if let Some(column) = table.column_mut(0) {
        column.set_padding((indent, 1)).set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(5)));
    }
    table
}

/// A text that is a line of its own, or a part of one, whatever was written into a document.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Lines one below the other.
pub(super) fn stacked(lines: &[String]) -> String {
    lines.iter().map(|line| one_line(line) + "\n").collect()
}

/// Whether a target met the success condition, in a word.
pub(super) fn word(succeed: bool) -> &'static str {
    if succeed { "succeed" } else { "fail" }
}

/// What the probes that did not succeed came to, most frequent first; empty when there is nothing to say.
pub(super) fn causes(detail: &Detail) -> String {
    let mut causes: Vec<(&str, u64)> =
        detail.metrics.errors.iter().map(|(key, count)| (key.as_str(), *count)).collect();
    if detail.unsent_counts > 0 {
        causes.push(("unsent", detail.unsent_counts));
    }
    causes.sort_by_key(|(_, count)| Reverse(*count));
    let causes: Vec<String> = causes.iter().map(|(key, count)| format!("{key}: {count}")).collect();
    causes.join(", ")
}

/// A share of 1 in percent.
pub(super) fn share(rate: Number) -> String {
    // Rounded down: 99.996 % is not 100 %.
    format!("{:.2}%", (rate.0 * 10_000.0).floor() / 100.0)
}

/// Milliseconds to the microsecond.
pub(super) fn millis(figure: Option<Number>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{:.3}", figure.0))
}

/// What 99 % do not pass.
pub(super) fn p99(spread: Option<Latencies>) -> Option<Number> {
    spread.and_then(|spread| spread.p99_in_ms)
}
