//! What an API server logs.

/// Whatever is about us has this in it.
const OURS: &str = "kdoctor";

/// The errors about reports in what it has logged: whole records, which may be of many lines.
pub(crate) fn errors(log: &str) -> Vec<String> {
    let mut records: Vec<String> = Vec::new();
    for line in log.lines() {
        match records.last_mut() {
            Some(record) if level(line).is_none() => *record = format!("{record}\n{line}"),
            _ => records.push(line.to_owned()),
        }
    }
    records.retain(|record| matches!(level(record), Some('E' | 'F')) && record.contains(OURS));
    records
}

/// Whether an error is that a watcher has gone without a word: an API server that only passes a watch on logs this one, and is the only
/// one to see it.
pub(crate) fn is_of_dropped_watch(error: &str) -> bool {
    error.contains("\"Timeout or abort while handling\"") && error.contains("watch=true")
}

/// How grave a record is, by its first line, as klog begins it: `E1126 04:41:21.000000`.
fn level(line: &str) -> Option<char> {
    let mut chars = line.chars();
    let level = chars.next().filter(|level| "IWEF".contains(*level))?;
    let digits = chars.take_while(char::is_ascii_digit).count();
    (digits == 4).then_some(level)
}

#[test]
fn an_error_is_found_with_all_its_lines() {
    let log = "I1126 04:41:21.1 1 a.go:1] about kdoctor\nE1126 04:41:21.2 1 a.go:1] loading\n\tv1beta1.system.kdoctor.io failed\n\
               E1126 04:41:21.3 1 a.go:1] others\nW1126 04:41:21.4 1 a.go:1] kdoctor\nEnd of kdoctor\n";
    assert_eq!(errors(log), ["E1126 04:41:21.2 1 a.go:1] loading\n\tv1beta1.system.kdoctor.io failed"]);
}
