//! Keeps what is told of a NetReach within its bytes: texts in one line, lists of nodes as long as there is room.

use std::mem;

use netreach_api::{NetReachStatus, RoundHistory};

use crate::limits::STATUS_BYTES_MAX;

/// `text` in one line and in at most `bytes_max` bytes of JSON, the quotes not counted; what is cut ends in `…`.
pub(crate) fn cut(text: &str, bytes_max: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if bytes(&line) <= bytes_max {
        return line;
    }
    let mut room = Room(bytes_max.saturating_sub('…'.len_utf8()));
    let mut head: String = line.chars().take_while(|c| room.take(bytes_of(*c))).collect();
    head.push('…');
    head
}

/// The first of `names`, as many as fit into a status that holds nothing else.
pub(crate) fn fitting<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut room = Room(STATUS_BYTES_MAX);
    names.into_iter().take_while(|name| room.take(listed(name))).map(str::to_owned).collect()
}

/// Shortens the lists of nodes until the status fits: first the names of nodes that succeeded, then those of nodes
/// that failed or are missing, of both first those of the oldest rounds. Numbers stay as they are.
pub(crate) fn shorten(status: &mut NetReachStatus) {
    let mut lists: Vec<[Vec<String>; 3]> = rounds(status).map(|round| each(round).map(mem::take)).collect();
    let fixed = serde_json::to_vec(status).map_or(STATUS_BYTES_MAX, |json| json.len());
    let mut room = Room(STATUS_BYTES_MAX.saturating_sub(fixed));
    for [failed, silent, _] in &mut lists {
        // The shorter list first: a few names are not to be lost behind many.
        let (one, other) = if failed.len() <= silent.len() { (failed, silent) } else { (silent, failed) };
        room.admit(one);
        room.admit(other);
    }
    for [_, _, succeeded] in &mut lists {
        room.admit(succeeded);
    }
    for (round, lists) in rounds(status).zip(lists) {
        for (list, names) in each(round).into_iter().zip(lists) {
            *list = names;
        }
    }
}

fn rounds(status: &mut NetReachStatus) -> impl Iterator<Item = &mut RoundHistory> {
    status.history.iter_mut().flatten()
}

fn each(round: &mut RoundHistory) -> [&mut Vec<String>; 3] {
    let RoundHistory { failed_agent_node_list, not_report_agent_node_list, succeed_agent_node_list, .. } =
        round;
    [failed_agent_node_list, not_report_agent_node_list, succeed_agent_node_list]
}

/// Bytes that are left.
struct Room(usize);

impl Room {
    fn take(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }

    /// Keeps the names that fit. After one that does not, nothing fits: what matters less is not told instead.
    fn admit(&mut self, names: &mut Vec<String>) {
        let fit = names.iter().take_while(|name| self.take(listed(name))).count();
        names.truncate(fit);
    }
}

/// Bytes of a name in a list of JSON: with its quotes and a comma.
fn listed(name: &str) -> usize {
    bytes(name) + 3
}

/// Bytes of a text in JSON, without its quotes.
fn bytes(text: &str) -> usize {
    text.chars().map(bytes_of).sum()
}

fn bytes_of(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..' ' => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_json() {
        for text in ["", "node-1", "\"\\\n\r\t\u{8}\u{c}", "\0\u{1f}\u{7f}", "…ä日🦀"] {
            assert_eq!(bytes(text) + 2, serde_json::to_string(text).unwrap().len(), "{text:?}");
        }
    }

    #[test]
    fn a_text_is_cut_to_one_line_of_its_bytes() {
        for (text, bytes_max, line) in [
            ("as it is", 8, "as it is"),
            ("two\nlines", 9, "two lines"),
            ("too long a text", 8, "too l…"),
            ("ääää", 7, "ää…"),
            ("\"\"\"", 5, "\"…"),
            ("no room", 0, "…"),
        ] {
            assert_eq!(cut(text, bytes_max), line);
        }
    }
}
