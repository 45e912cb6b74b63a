//! Numbers in words. Pure.

use super::limits::SPANS_MAX;

/// Numbers in falling order as spans: `9, 5 to 7 and 1`; of many spans the first ones.
pub(super) fn spans(numbers: &[u64]) -> String {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match spans.last_mut() {
            Some((first, _)) if number.checked_add(1) == Some(*first) => *first = number,
            _ => spans.push((number, number)),
        }
    }
    let more = spans.len().saturating_sub(SPANS_MAX);
    spans.truncate(SPANS_MAX);
    let word = |(first, last): &(u64, u64)| {
        if first == last { last.to_string() } else { format!("{first} to {last}") }
    };
    let words: Vec<String> = spans.iter().map(word).collect();
    match (more, words.split_last()) {
        (_, None) => String::new(),
        (0, Some((last, []))) => last.clone(),
        (0, Some((last, before))) => format!("{} and {last}", before.join(", ")),
        _ => format!("{} and older ones", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_told_as_one() {
        for (numbers, expected) in [
            (vec![], ""),
            (vec![7], "7"),
            (vec![7, 6, 5], "5 to 7"),
            (vec![9, 7, 6, 5, 1], "9, 5 to 7 and 1"),
            (vec![9, 7], "9 and 7"),
            (vec![u64::MAX, 0], "18446744073709551615 and 0"),
        ] {
            assert_eq!(spans(&numbers), expected);
        }
        let apart: Vec<u64> = (0..40).rev().map(|number| number * 2).collect();
        assert_eq!(spans(&apart), "78, 76, 74, 72, 70, 68, 66, 64, 62, 60 and older ones");
    }
}
